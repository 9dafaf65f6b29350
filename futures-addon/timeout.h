// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_FUTURES_ADDON_TIMEOUT_H_
#define KAIROS_FUTURES_ADDON_TIMEOUT_H_

#include <utility>

#include "kairos/futures-addon/detail/timeout_states.h"
#include "kairos/futures-addon/future.h"
#include "kairos/reactor/reactor.h"

namespace kairos {

// Limits of time, of futures; of what is none, as popFirst() of a queue or readLine(), by
// asFuture(), see as_future.h. When the limit is reached first, `future` is cancelled and waited
// for; only then is the result there. What `future` made of the request counts: a value or an error
// that it ended with nevertheless is its outcome, and it was in time. Cancelling one of these
// cancels `future`, now and when the time is over already; what was cancelled before its time was
// over has no limit more.
//
// In one poll, what descriptors bring comes first, and then timers in the order of their deadlines,
// of equal ones in that in which they were started. So a line that comes together with the end of
// its limit is in time.
//
// A limit of zero or less, or in the past, is reached in the next poll; a future that is finished
// already is in time whatever the limit. Reactor::forever, and time_point::max(), are no limit and
// start no timer.
//
// A coroutine that was called without a context has begun to run, and goes on, when these refuse
// it. What cannot be cancelled is waited for, however late: of cancelAndWait(f) not the waiting
// ends, but `f.cancelSoon(); co_await withTimeout(join(f), limit)` gives up.
//   Errors    FutureError: a future that has met no context; std::bad_alloc, for the timer too

// True: `future` is finished, with whatever outcome, which is read from it, so keep it: the error
// of one that nobody reads goes to the context's unhandled-error callback. False: it was cancelled
// for being late.
Future<bool> withTimeout(const FutureBase& future, Clock::duration limit,
                         SourceLocation created = SourceLocation::current());
Future<bool> withTimeout(const FutureBase& future, Clock::time_point deadline,
                         SourceLocation created = SourceLocation::current());

// Ends as `future` does; fails with TimeoutError if that was late. The value is taken from an
// rvalue, as by co_await. It is left in an lvalue, that is, copied if there are handles to that
// then; but one that cannot be copied is taken. What only claims that it can, as a struct with a
// vector of unique_ptr, has to be an rvalue.
template <class T>
Future<T> wait(const Future<T>& future, Clock::duration limit,
               SourceLocation created = SourceLocation::current()) {
  return detail::waitUntil<detail::Copyable<T>::value>(future, limit, created);
}
template <class T>
Future<T> wait(const Future<T>& future, Clock::time_point deadline,
               SourceLocation created = SourceLocation::current()) {
  return detail::waitUntil<detail::Copyable<T>::value>(future, deadline, created);
}
template <class T>
Future<T> wait(Future<T>&& future, Clock::duration limit,
               SourceLocation created = SourceLocation::current()) {
  return detail::waitUntil<false>(Future<T>(std::move(future)), limit, created);
}
template <class T>
Future<T> wait(Future<T>&& future, Clock::time_point deadline,
               SourceLocation created = SourceLocation::current()) {
  return detail::waitUntil<false>(Future<T>(std::move(future)), deadline, created);
}

}  // namespace kairos

#endif  // KAIROS_FUTURES_ADDON_TIMEOUT_H_
