// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_FUTURES_ADDON_GROUP_H_
#define KAIROS_FUTURES_ADDON_GROUP_H_

#include <array>
#include <ranges>
#include <span>
#include <utility>
#include <vector>

#include "kairos/futures-addon/detail/group_states.h"
#include "kairos/futures-addon/future.h"

namespace kairos {

// Futures that are made of several. Their members are not cancelled by them, neither those that
// were not needed nor all when such a future is cancelled itself; they only stop being followed.
// cancelAndWait() alone is there for that. A member may be given twice. What is finished at once,
// of finished members, is finished on return. What is no future becomes one by asFuture(), see
// as_future.h.
//   Errors    FutureError: a future that has met no context; std::bad_alloc

// Is completed when all are finished, however they ended; at once if there are none.
Future<void> allFutures(FutureContext& context, std::span<const FutureBase> futures,
                        SourceLocation created = SourceLocation::current());
// Of a vector, or another range, of Future<T>.
template <class Futures>
requires detail::FuturesWithValue<Futures> Future<void> allFutures(
    FutureContext& context, const Futures& futures,
    SourceLocation created = SourceLocation::current()) {
  const std::vector<FutureBase> all(std::ranges::begin(futures), std::ranges::end(futures));
  return allFutures(context, std::span<const FutureBase>(all), created);
}
template <class... T>
Future<void> allFutures(detail::FirstMember first, const Future<T>&... others) {
  const std::array<FutureBase, 1 + sizeof...(T)> futures{first.future, others...};
  return detail::allOf(detail::coreFor(first.future), futures, first.created);
}

// The same, and gives them back, in the order given.
template <class T>
Future<std::vector<Future<T>>> allFinished(FutureContext& context, std::vector<Future<T>> futures,
                                           SourceLocation created = SourceLocation::current()) {
  return detail::makeDerived<detail::AllFinished<T>, std::vector<Future<T>>>(
      *detail::coreOf(context), created, std::move(futures));
}

// The first that is finished; of those that are already, the leftmost.
//   Errors    FutureError: none was given
template <class T>
Future<Future<T>> one(FutureContext& context, std::vector<Future<T>> futures,
                      SourceLocation created = SourceLocation::current()) {
  detail::refuseEmpty(futures.empty());
  return detail::makeDerived<detail::FirstOf<Future<T>>, Future<T>>(*detail::coreOf(context),
                                                                    created, std::move(futures));
}

// The same for futures of several types. The winner is told by `==`.
Future<FutureBase> race(FutureContext& context, std::vector<FutureBase> futures,
                        SourceLocation created = SourceLocation::current());

// Cancels all (as cancelSoon) and is completed when all are finished; at once if there are none. It
// cannot be cancelled itself, like that of one in cancel.h.
Future<void> cancelAndWait(FutureContext& context, std::span<const FutureBase> futures,
                           SourceLocation created = SourceLocation::current());
// Of a vector, or another range, of Future<T>.
template <class Futures>
requires detail::FuturesWithValue<Futures> Future<void> cancelAndWait(
    FutureContext& context, const Futures& futures,
    SourceLocation created = SourceLocation::current()) {
  const std::vector<FutureBase> all(std::ranges::begin(futures), std::ranges::end(futures));
  return cancelAndWait(context, std::span<const FutureBase>(all), created);
}

// `co_await (f and g)`: is completed when both are. Fails, or is cancelled, as soon as one is.
Future<void> operator&&(detail::FirstMember left, const FutureBase& right);

// `co_await (f or g)`: the first that is finished decides, of two finished ones the left. If that
// failed, this fails with its error; if it was cancelled, this is completed nevertheless.
Future<void> operator||(detail::FirstMember left, const FutureBase& right);

}  // namespace kairos

#endif  // KAIROS_FUTURES_ADDON_GROUP_H_
