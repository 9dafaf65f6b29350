// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TRANSPORTS_THREAD_ASYNC_EVENT_H_
#define KAIROS_TRANSPORTS_THREAD_ASYNC_EVENT_H_

#include <system_error>

#include "kairos/reactor/reactor.h"
#include "kairos/transports/detail/event_state.h"
#include "kairos/transports/detail/held.h"
#include "kairos/transports/operation.h"
#include "kairos/transports/transport_context.h"

namespace kairos {

struct EventOperation;

namespace detail {

class Context;

// A place on one loop where an event is waited for. It stays registered from one wait to the next,
// with a descriptor of its own, so that several places may be on one loop; an event that comes when
// nobody waits here is left to others, and ends the registration.
class EventWait final : public ContextMember, public OperationOwner {
 public:
  explicit EventWait(EventOperation& operation) noexcept : operation_(operation) {}
  ~EventWait() { dismiss(); }

  std::error_code start(Context& context, const Held<EventState>& state,
                        AsyncCallback callback) noexcept;
  bool cancel() noexcept;

  void forget(Operation& operation) noexcept override;
  void leaveContext() noexcept override;

 private:
  static void onReadable(void* udata);

  bool isWaiting() const noexcept;
  std::error_code attach(Context& context, const Held<EventState>& state) noexcept;
  std::error_code watch() noexcept;
  void unwatch() noexcept;
  void tryToTake() noexcept;
  void finish(std::error_code error) noexcept;
  void dismiss() noexcept;

  EventOperation& operation_;
  Context* context_ = nullptr;  // of the registration
  Held<EventState> state_;
  Fd fd_ = -1;
  bool isWatched_ = false;
};

}  // namespace detail

struct EventOperation : detail::Operation {
  EventOperation() noexcept : wait_(*this) {}
  ~EventOperation() { abandon(); }

 private:
  friend class detail::EventWait;
  friend class ThreadAsyncEvent;

  detail::EventWait wait_;
};

// An event that any thread, or a signal handler, raises, and that wakes a loop or a thread which
// waits for it. It resets itself: an event that was raised, however often, wakes one of those who
// wait, or the next who does. What was done before notify() is seen by whoever is woken.
//
//   Thread      notify(), waitSync() and close(): any, also at the same time; wait() and cancel():
//               that of the context's reactor. As with a shared_ptr, a handle that one thread
//               assigns, moves or destroys is not in use by another: give each thread its copy. An
//               operation that waited stays with its loop, whose thread is the one to destroy it,
//               or to wait with it elsewhere, as long as the context lives.
//   Ownership   Copies are handles of the same event. Its descriptor goes with the last of them and
//               the last operation that waited.
//   Errors      as StreamTransport; a handle that was never opened is TransportError::notConnected
//   Callbacks   see operation.h
//   Cost        notify(): one write(2), or an atomic exchange if it is raised already; never
//               blocks, allocates nothing, keeps errno. wait(): nothing if started again in its
//               callback; a wake-up: the poll and one read(2).
class ThreadAsyncEvent {
 public:
  // Empty until assigned to. open() makes a new event, which is registered nowhere.
  [[nodiscard]] static std::error_code open(ThreadAsyncEvent& result) noexcept;

  // Raises the event. Async-signal-safe. Nothing happens if it is closed or the handle is empty.
  void notify() const noexcept {
    if (state_) state_->notify();
  }

  // The callback runs when the event is raised, or was and nobody has been woken by it yet.
  //   Errors    from the call: want of a descriptor or of memory too;
  //             in the operation: TransportError::closed  by close() or the end of the context
  [[nodiscard]] std::error_code wait(TransportContext& context, EventOperation& operation,
                                     CallbackFunc callback, void* udata) const noexcept;

  // Ends it with operation_canceled. False: it is not pending, or is done.
  static bool cancel(EventOperation& operation) noexcept;

  // The same for a thread without a loop, which is blocked.
  //   timeout   as Reactor::poll
  //   Errors    timed_out; TransportError::closed, ::notConnected
  [[nodiscard]] std::error_code waitSync(Clock::duration timeout) const noexcept;

  // Ends all waits, on all threads, those to come too, with TransportError::closed. Any number of
  // times.
  void close() const noexcept;
  bool isOpen() const noexcept { return state_ && !state_->isClosed(); }

 private:
  detail::Held<detail::EventState> state_;
};

}  // namespace kairos

#endif  // KAIROS_TRANSPORTS_THREAD_ASYNC_EVENT_H_
