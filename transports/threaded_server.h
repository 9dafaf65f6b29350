// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TRANSPORTS_THREADED_SERVER_H_
#define KAIROS_TRANSPORTS_THREADED_SERVER_H_

#include <pthread.h>

#include <atomic>
#include <cstddef>
#include <system_error>

#include "kairos/reactor/reactor.h"
#include "kairos/transports/address.h"
#include "kairos/transports/detail/bound_path.h"
#include "kairos/transports/detail/intrusive_list.h"
#include "kairos/transports/operation.h"
#include "kairos/transports/stream_server.h"
#include "kairos/transports/thread_async_event.h"
#include "kairos/transports/transport_context.h"

namespace kairos {

class ThreadedServer;

// One thread of a ThreadedServer, with a reactor and a context of its own.
//
//   Thread      While the server runs: itself, in callbacks. What it serves needs no lock.
//   Ownership   The user's, usually a member of what the thread works on, which its `udata` leads
//               to. Stays where it is, and alive, while the server runs.
class ServerThread : private detail::ListNode {
 public:
  ServerThread() = default;

  // From the first callback to the last.
  Reactor& reactor() noexcept { return *reactor_; }
  TransportContext& context() noexcept { return *context_; }

  // The server was told to stop: nothing is accepted any more.
  bool isStopping() const noexcept { return isStopping_; }

  // The thread ends as soon as the poll under way has returned.
  void leave() noexcept { isLeaving_ = true; }

  // What the callback `accepted` is about, as after StreamServer::start(). The last time, when the
  // server is told to stop, it is TransportError::closed.
  AcceptOperation accept;

  // Why the thread ended before it was told to. Set by the callback `started`, it ends the start.
  std::error_code error;

 private:
  friend class ThreadedServer;
  friend class detail::IntrusiveList<ServerThread>;

  static void* main(void* udata);
  static void onStop(void* udata);
  static void onDrained(void* udata);

  void run() noexcept;
  std::error_code prepare() noexcept;
  std::error_code pollUntilLeft() noexcept;

  ThreadedServer* owner_ = nullptr;
  CallbackFunc started_ = nullptr;
  CallbackFunc accepted_ = nullptr;
  void* udata_ = nullptr;
  pthread_t thread_{};
  std::error_code startError_;
  bool isCreated_ = false;
  bool isStopping_ = false;
  bool isLeaving_ = false;
  Fd listening_ = -1;  // until `server_` has it
  StreamServer server_;
  EventOperation stopped_;
  Reactor* reactor_ = nullptr;
  TransportContext* context_ = nullptr;
};

struct ThreadedServerOptions {
  ServerOptions server = {};
  // How long a thread that was told to stop serves the connections that it has, unless it leaves.
  Clock::duration drainTime = Clock::duration::zero();
};

// Serves one address by several threads. IP connections are spread by the OS over as many sockets,
// which share the port (SO_REUSEPORT); of other addresses the threads share one socket.
//
//   Thread      stop(): any, signal handlers included. Everything else: one at a time. start() is
//               what starts threads, and join() returns when they have ended; they inherit the
//               caller's signal mask.
//   Ownership   Borrows the ServerThreads. Owns the sockets, and a unix path as StreamServer does.
//               A port that several threads share is not refused to other programs of the same
//               user that share it too.
//   Errors      TransportError::busy (it runs), invalid_argument (null callback, no thread); from
//               start(): what the OS says to opening sockets and threads, or a thread's `error`;
//               then no thread is left. A thread whose poll fails ends alone: see its `error`.
//   Callbacks   In their thread. They must not throw: nobody could catch it.
class ThreadedServer {
 public:
  ThreadedServer() noexcept;
  // As stop() and join().
  ~ThreadedServer();
  ThreadedServer(const ThreadedServer&) = delete;
  ThreadedServer& operator=(const ThreadedServer&) = delete;

  // `started` runs before the thread accepts, and may be null. `accepted` runs for each connection
  // and each error: see ServerThread::accept.
  [[nodiscard]] std::error_code add(ServerThread& thread, CallbackFunc started,
                                    CallbackFunc accepted, void* udata) noexcept;

  // Returns when all threads accept. Port 0 is any free one, the same for all.
  [[nodiscard]] std::error_code start(const Address& address,
                                      const ThreadedServerOptions& options) noexcept;

  // With the port that the OS chose. Of no family before the first start.
  const Address& localAddress() const noexcept { return address_; }

  // Tells the threads to stop: they close their sockets, serve on for the drain time, end what is
  // pending with TransportError::closed, and end. Does not wait for them.
  void stop() noexcept;

  // Waits until all threads have ended, without stopping them. Then the server can start again.
  void join() noexcept;

 private:
  friend class ServerThread;

  std::error_code openSockets(const Address& address) noexcept;
  std::error_code openSocket(ServerThread& thread) noexcept;
  std::error_code createThreads() noexcept;
  std::error_code awaitStart() noexcept;
  void threadStarted() noexcept;

  ThreadAsyncEvent stopping_;
  std::error_code openError_;  // of the event
  detail::IntrusiveList<ServerThread> threads_;
  ThreadedServerOptions options_;
  Address address_;
  detail::BoundPath path_;
  std::atomic<std::size_t> starting_ = 0;  // threads that have not said yet how it went
  bool isStarted_ = false;
};

}  // namespace kairos

#endif  // KAIROS_TRANSPORTS_THREADED_SERVER_H_
