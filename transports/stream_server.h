// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TRANSPORTS_STREAM_SERVER_H_
#define KAIROS_TRANSPORTS_STREAM_SERVER_H_

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <system_error>

#include "kairos/reactor/reactor.h"
#include "kairos/transports/address.h"
#include "kairos/transports/operation.h"
#include "kairos/transports/stream_transport.h"
#include "kairos/transports/transport_context.h"

namespace kairos {

namespace detail {
class Listener;
}  // namespace detail

struct AcceptOperation : detail::Operation {
  AcceptOperation() = default;
  ~AcceptOperation() { abandon(); }

  StreamTransport stream;  // the connection, unless there is an error
  Address peer;
};

struct ServerOptions {
  int backlog = 0;           // connections that wait to be accepted; 0: as many as the OS allows
  bool reuseAddress = true;  // TCP: bind although connections of an earlier run linger
  bool reusePort = false;    // several servers share the port, and its connections
  bool ipv6Only = false;     // [::] does not take IPv4 connections too
  bool noDelay = false;      // TCP: of each connection, as StreamTransport::setNoDelay()
  // Of a unix path, less the umask: whoever may write it may connect. None: all, less the umask.
  std::optional<mode_t> pathMode = {};
};

// Accepts connections, TCP or unix: one for each accept(), or all from start() to stop(). When
// nobody accepts, the OS keeps newcomers up to the backlog. The socket stays registered until one
// comes in vain, so a loop that is to end without one closes the server.
//
//   Thread      that of the context's reactor
//   Ownership   A handle: moved, not copied. Owns its socket, and the unix path that it bound,
//               which it removes if it is still the same file. Connections are their own.
//   Errors      from calls: as StreamTransport; in the operation:
//               TransportError::closed  by close() or the end of the context
//               too_many_files_open, not_enough_memory and the like: once until a connection is
//               accepted again. Meanwhile, accept() rests between attempts for 10 ms, growing to
//               60 ms: neither does it spin, nor does it give up.
//               bad_file_descriptor, invalid_argument: this socket cannot accept
//               What befell only the newcomer is not seen.
class StreamServer {
 public:
  StreamServer() noexcept;
  ~StreamServer();
  StreamServer(StreamServer&& other) noexcept;
  StreamServer& operator=(StreamServer&& other) noexcept;

  // Binds `address`, port 0 being any free one, and listens. A unix path must not exist.
  [[nodiscard]] static std::error_code listen(TransportContext& context, const Address& address,
                                              const ServerOptions& options,
                                              StreamServer& result) noexcept;

  // On all of this machine's addresses: [::], or 0.0.0.0 where there is no IPv6.
  [[nodiscard]] static std::error_code listenAny(TransportContext& context, std::uint16_t port,
                                                 const ServerOptions& options,
                                                 StreamServer& result) noexcept;

  // Takes over a socket that listens already, such as one from socket activation, and makes it
  // non-blocking and close-on-exec. On error it stays the caller's. It unlinks no path.
  //   Errors    invalid_argument: it does not listen, or not for streams; not_a_socket;
  //             bad_file_descriptor
  [[nodiscard]] static std::error_code adopt(TransportContext& context, Fd fd,
                                             const ServerOptions& options,
                                             StreamServer& result) noexcept;

  // The next connection. One accept at a time.
  //   Cost      One accept4(2) each, one more when nobody else waits; the stream is allocated.
  [[nodiscard]] std::error_code accept(AcceptOperation& operation, CallbackFunc callback,
                                       void* udata) noexcept;

  // Accepts on and on. The callback runs for each connection, and for each error that accept()
  // would report; the operation is pending all the time. When accepting ends, the callback runs
  // once more, with the error that ended it, and the operation is not pending any more: by stop(),
  // close(), the end of the context, or a socket that cannot accept. Until then accept() is busy.
  //   Cost      as accept(); at most completionsPerCallbackMax of the context in one callback
  [[nodiscard]] std::error_code start(AcceptOperation& operation, CallbackFunc callback,
                                      void* udata) noexcept;

  // Ends start() with operation_canceled, after a connection that is accepted already: newcomers
  // wait in the backlog until the next start(), such as by who serves so many at most. False: it
  // does not run, or is stopped.
  bool stop() noexcept;

  // Ends accept() with operation_canceled, and start() like stop(). False: it is not pending here,
  // or is done.
  bool cancel(AcceptOperation& operation) noexcept;

  // Any number of times. Connections that nobody accepted are refused by the OS.
  void close() noexcept;
  bool isOpen() const noexcept { return fd() >= 0; }
  Fd fd() const noexcept;

  // With the port that the OS chose.
  [[nodiscard]] std::error_code localAddress(Address& result) const noexcept;

 private:
  std::unique_ptr<detail::Listener> listener_;
};

}  // namespace kairos

#endif  // KAIROS_TRANSPORTS_STREAM_SERVER_H_
