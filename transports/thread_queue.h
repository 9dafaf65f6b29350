// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TRANSPORTS_THREAD_QUEUE_H_
#define KAIROS_TRANSPORTS_THREAD_QUEUE_H_

#include <memory>
#include <system_error>

#include "kairos/reactor/reactor.h"
#include "kairos/transports/detail/held.h"
#include "kairos/transports/operation.h"
#include "kairos/transports/transport_context.h"

namespace kairos {

namespace detail {
class QueueReceiver;
class QueueState;
}  // namespace detail

// A callback on its way to another thread. The user's, and used again as soon as it has begun. It
// cannot be taken back: it lives until then. `error` is set if it did not come in time.
struct PostOperation : detail::Operation {
  PostOperation() = default;
  ~PostOperation() { abandon(); }

 private:
  friend class detail::QueueState;

  PostOperation* next_ = nullptr;
};

// From where callbacks are posted to the thread of a ThreadQueue.
//
//   Thread      Any; post() also at the same time on one poster, and in a signal handler. As with a
//               shared_ptr, one that a thread assigns, moves or destroys is not in use by another:
//               give each thread its copy, which is good also after the queue is gone.
class ThreadPoster {
 public:
  // Empty: to be assigned to.
  ThreadPoster() noexcept;
  ~ThreadPoster();
  ThreadPoster(const ThreadPoster& other) noexcept;
  ThreadPoster(ThreadPoster&& other) noexcept;
  ThreadPoster& operator=(const ThreadPoster& other) noexcept;
  ThreadPoster& operator=(ThreadPoster&& other) noexcept;

  // The callback runs once on the thread of the queue, in the poll that finds it, after those that
  // this thread posted before; with TransportError::closed in the operation if the queue was closed
  // meanwhile. What was done before the call is seen by it.
  //   Errors    nothing will run: TransportError::closed (the queue was closed), ::busy (it is
  //             pending), ::notConnected (an empty poster), invalid_argument (null callback)
  //   Cost      One atomic exchange, and one write(2) if the queue was empty. Never blocks,
  //             allocates nothing.
  [[nodiscard]] std::error_code post(PostOperation& operation, CallbackFunc callback,
                                     void* udata) const noexcept;

 private:
  friend class ThreadQueue;
  explicit ThreadPoster(const detail::Held<detail::QueueState>& state) noexcept;

  detail::Held<detail::QueueState> state_;
};

// Where a loop gets callbacks from other threads.
//
//   Thread      that of the context's reactor; see ThreadPoster for the others
//   Ownership   A handle: moved, not copied. May outlive the context, which closes it.
//   Errors      from open(): what the OS refuses, not_enough_memory, TransportError::closed
//   Callbacks   see operation.h. A poll runs those that were posted before, at most
//               TransportContext::completionsPerCallbackMax in one callback of the reactor; what
//               they post comes in a later poll, so that they keep nobody from running.
class ThreadQueue {
 public:
  // Empty: to be opened.
  ThreadQueue() noexcept;
  // As close().
  ~ThreadQueue();
  ThreadQueue(ThreadQueue&& other) noexcept;
  ThreadQueue& operator=(ThreadQueue&& other) noexcept;

  [[nodiscard]] static std::error_code open(TransportContext& context,
                                            ThreadQueue& result) noexcept;

  // To be given away. That of an empty or closed queue is empty, as it is after the context's end.
  ThreadPoster poster() const noexcept;

  // What was posted and has not run does so with TransportError::closed; the end of the context
  // does the same. Any number of times.
  void close() noexcept;
  bool isOpen() const noexcept;

 private:
  std::unique_ptr<detail::QueueReceiver> receiver_;
};

}  // namespace kairos

#endif  // KAIROS_TRANSPORTS_THREAD_QUEUE_H_
