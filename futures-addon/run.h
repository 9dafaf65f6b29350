// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_FUTURES_ADDON_RUN_H_
#define KAIROS_FUTURES_ADDON_RUN_H_

#include <atomic>
#include <utility>

#include "kairos/futures-addon/future.h"
#include "kairos/reactor/reactor.h"

namespace kairos {

// Running the loop. All of these poll the reactor of the context, so that its other callbacks run
// too, and throw what a callback throws.
//   Errors    std::system_error: what Reactor::poll() refused, such as operation_in_progress inside
//             a callback

namespace detail {
void runUntilFinished(FutureContext& context, const FutureBase& future);
}  // namespace detail

// Until `future` is finished, and the callbacks that were added to it before have run; gives its
// value, or throws its error. The value is taken from an rvalue, and left in an lvalue, that is
// copied, but for one that cannot be.
//   Errors    also resource_deadlock_would_occur: nothing is left that could ever finish it
template <class T>
T waitFor(FutureContext& context, Future<T>&& future) {
  Future<T> handle(std::move(future));
  detail::runUntilFinished(context, handle);
  return std::move(handle).read();
}
template <class T>
T waitFor(FutureContext& context, const Future<T>& future) {
  if constexpr (detail::Copyable<T>::value) {
    detail::runUntilFinished(context, future);
    return future.read();
  } else {
    return waitFor(context, Future<T>(future));
  }
}

// Until nothing of the context is pending, but no longer than `limit` together. False: the time was
// over first. Returns at once when nothing is pending.
//   Errors    also, of Reactor::forever, resource_deadlock_would_occur: as waitFor()
bool drain(FutureContext& context, Clock::duration limit);

// What ends runForever().
//
//   Thread      request() may be called from any thread and any signal handler, for as long as this
//               lives; the rest belongs to the reactor's thread.
//   Ownership   Owns a descriptor of the OS, close-on-exec, which a reactor watches while it runs.
//   Errors      The constructor throws std::system_error.
class StopSource {
 public:
  StopSource();
  ~StopSource();
  StopSource(const StopSource&) = delete;
  StopSource& operator=(const StopSource&) = delete;

  // One that is not waited for yet ends the next run.
  void request() noexcept;
  bool isRequested() const noexcept { return isRequested_.load(std::memory_order_acquire); }

 private:
  friend void runForever(FutureContext& context, StopSource& stop);
  class Watch;
  void clear() noexcept;

  const Fd event_;
  std::atomic<bool> isRequested_ = false;
};

// Until `stop` is requested; the callbacks of that poll run to the end. Afterwards it may be used
// again, for one run at a time.
//   Errors    throws std::system_error: `stop` cannot be watched, or the reactor cannot wait; and
//             what callbacks throw
void runForever(FutureContext& context, StopSource& stop);

}  // namespace kairos

#endif  // KAIROS_FUTURES_ADDON_RUN_H_
