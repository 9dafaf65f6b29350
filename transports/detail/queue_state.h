// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TRANSPORTS_DETAIL_QUEUE_STATE_H_
#define KAIROS_TRANSPORTS_DETAIL_QUEUE_STATE_H_

#include <atomic>
#include <system_error>
#include <utility>

#include "kairos/transports/detail/atomic.h"
#include "kairos/transports/detail/context.h"
#include "kairos/transports/detail/held.h"
#include "kairos/transports/thread_async_event.h"
#include "kairos/transports/thread_queue.h"

namespace kairos::detail {

// What a ThreadQueue and its posters share: a stack, which is taken as a whole and turned round,
// and the event that wakes the loop. Whoever finds the stack empty raises the event.
class QueueState final : public Shared, public OperationOwner {
 public:
  explicit QueueState(ThreadAsyncEvent event) noexcept : event_(std::move(event)) {}

  // From any thread, and from a signal handler.
  std::error_code post(PostOperation& operation, AsyncCallback callback) noexcept;

  // On the loop's thread: completes what was posted, in that order.
  void deliver(Context& context) noexcept;
  // The same with TransportError::closed; from now on posts are refused.
  void close(Context& context) noexcept;
  bool isClosed() const noexcept { return top_.load(std::memory_order_acquire) == &closed_; }

  const ThreadAsyncEvent& event() const noexcept { return event_; }

  void forget(Operation& operation) noexcept override;

 private:
  static void complete(Context& context, PostOperation* newest, std::error_code error) noexcept;

  Atomic<PostOperation*> top_{nullptr};
  const ThreadAsyncEvent event_;
  PostOperation closed_;  // on top of a closed queue
};

// The end of a ThreadQueue on the loop.
class QueueReceiver {
 public:
  QueueReceiver(TransportContext& context, const Held<QueueState>& state) noexcept
      : context_(context), state_(state) {}
  ~QueueReceiver() { close(); }
  QueueReceiver(const QueueReceiver&) = delete;
  QueueReceiver& operator=(const QueueReceiver&) = delete;

  std::error_code start() noexcept;
  void close() noexcept;
  const Held<QueueState>& state() const noexcept { return state_; }

 private:
  static void onEvent(void* udata);

  TransportContext& context_;  // not used once the queue is closed
  const Held<QueueState> state_;
  EventOperation wait_;
};

}  // namespace kairos::detail

#endif  // KAIROS_TRANSPORTS_DETAIL_QUEUE_STATE_H_
