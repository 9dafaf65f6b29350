// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_FUTURES_ADDON_CANCEL_H_
#define KAIROS_FUTURES_ADDON_CANCEL_H_

#include <utility>

#include "kairos/futures-addon/detail/cancel_states.h"
#include "kairos/futures-addon/future.h"

namespace kairos {

// How cancelling works. A request begins at a future (FutureBase::tryCancel, cancelSoon,
// cancelAndWait) and travels along what is awaited to the innermost operation, which ends: a sleep,
// a wait, an operation of a transport, a Promise. Nothing is finished but that. From there the
// CancelledError comes back through the coroutines that await it, from the inside to the outside,
// one by one, and each may clean up, wait for more, or take it for itself and return normally. A
// handler for std::exception takes it too, so one for CancelledError comes before it:
//
//   } catch (const kairos::CancelledError&) {
//     throw;
//   } catch (const std::exception& error) {
//
// Whichever comes first wins: what is finished, though those who wait have not run, stays as it is.
//   Errors    FutureError: a future that has met no context; std::bad_alloc

// Ends like `future`, and cannot be cancelled: a request waits for what is awaited after it. The
// value is taken, or left, as by wait() in timeout.h.
template <class T>
Future<T> noCancel(const Future<T>& future, SourceLocation created = SourceLocation::current()) {
  return detail::makeUncancellable<detail::Copyable<T>::value>(future, created);
}
template <class T>
Future<T> noCancel(Future<T>&& future, SourceLocation created = SourceLocation::current()) {
  return detail::makeUncancellable<false>(Future<T>(std::move(future)), created);
}

// Is completed when `future` is finished, however that ends. Cancelling it leaves `future` alone.
Future<void> join(const FutureBase& future, SourceLocation created = SourceLocation::current());

// Cancels `future` (as cancelSoon) and is completed when that is finished. It cannot be cancelled
// itself, and so a limit of time does not end it: see timeout.h.
Future<void> cancelAndWait(const FutureBase& future,
                           SourceLocation created = SourceLocation::current());

// Awaits without throwing: `co_await noThrow(future)` gives the finished future, whose error counts
// as looked at.
template <class T>
auto noThrow(Future<T> future) {
  return detail::FinishedAwaiter<T>(std::move(future));
}

}  // namespace kairos

#endif  // KAIROS_FUTURES_ADDON_CANCEL_H_
