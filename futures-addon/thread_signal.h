// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_FUTURES_ADDON_THREAD_SIGNAL_H_
#define KAIROS_FUTURES_ADDON_THREAD_SIGNAL_H_

#include <system_error>
#include <utility>

#include "kairos/futures-addon/detail/transport_awaiter.h"
#include "kairos/futures-addon/error.h"
#include "kairos/futures-addon/transport_call.h"
#include "kairos/reactor/reactor.h"
#include "kairos/transports/thread_async_event.h"
#include "kairos/transports/transport_context.h"

namespace kairos {

namespace detail {

struct EventCall : BasicCall {
  using Target = TransportContext;
  using Operation = EventOperation;

  std::error_code start(TransportContext& context, EventOperation& operation,
                        AsyncCallback done) const noexcept {
    return event.wait(context, operation, done.function, done.udata);
  }
  static bool cancel(TransportContext&, EventOperation& operation) noexcept {
    return ThreadAsyncEvent::cancel(operation);
  }
  static void result(const EventOperation&) noexcept {}

  ThreadAsyncEvent event;
};

}  // namespace detail

// Wakes one coroutine or thread, on whatever thread that is: a ThreadAsyncEvent for coroutines. It
// resets itself, so that any number of fire() before somebody waits wake one.
//
//   Thread      fire(), waitSync(), close() and copying: any; what wait() gives is awaited on the
//               thread of the context. fire() may be called in a signal handler.
//   Ownership   Copies are handles of the same signal; give each thread its own.
//   Errors      The constructor throws std::system_error: want of descriptors or memory. Waiting
//               for a closed one throws it with TransportError::closed.
//   Cost        as ThreadAsyncEvent
class ThreadSignal {
 public:
  ThreadSignal() {
    if (const auto error = ThreadAsyncEvent::open(event_)) throw std::system_error(error);
  }

  // Also what was written before is seen by whoever is woken.
  void fire() const noexcept { event_.notify(); }

  // `co_await signal.wait(context);`
  auto wait(TransportContext& context) const noexcept {
    return TransportCall(context, detail::EventCall{{}, event_});
  }

  // Blocks the thread. False: nobody fired within `timeout`.
  bool waitSync(Clock::duration timeout) const {
    const std::error_code error = event_.waitSync(timeout);
    if (error == std::errc::timed_out) return false;
    if (error) throw std::system_error(error);
    return true;
  }

  // Ends all waits, on all threads.
  //   Errors    FutureError: it is closed already
  void close() const {
    if (!event_.isOpen()) throw FutureError("A thread signal is closed twice.");
    event_.close();
  }
  bool isOpen() const noexcept { return event_.isOpen(); }

 private:
  ThreadAsyncEvent event_;
};

}  // namespace kairos

#endif  // KAIROS_FUTURES_ADDON_THREAD_SIGNAL_H_
