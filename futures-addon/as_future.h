// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_FUTURES_ADDON_AS_FUTURE_H_
#define KAIROS_FUTURES_ADDON_AS_FUTURE_H_

#include <type_traits>
#include <utility>

#include "kairos/futures-addon/future.h"

namespace kairos {

namespace detail {

template <class Awaitable>
using AwaitedValue =
    std::remove_cvref_t<decltype(awaiterOf(std::declval<Awaitable&>()).await_resume())>;

}  // namespace detail

// Awaits what is no future, as one: for what is made of futures, such as limits of time. It is
// started by this call.
//
//   co_await wait(asFuture(context, readLine(stream)), std::chrono::seconds(5))
//
//   Cost      one coroutine frame, from the memory of the context
template <class Awaitable>
Future<detail::AwaitedValue<Awaitable>> asFuture(FutureContext&, Awaitable awaitable) {
  co_return co_await awaitable;
}

}  // namespace kairos

#endif  // KAIROS_FUTURES_ADDON_AS_FUTURE_H_
