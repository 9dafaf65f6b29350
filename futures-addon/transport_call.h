// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_FUTURES_ADDON_TRANSPORT_CALL_H_
#define KAIROS_FUTURES_ADDON_TRANSPORT_CALL_H_

#include <system_error>
#include <type_traits>
#include <utility>

#include "kairos/futures-addon/detail/transport_awaiter.h"

namespace kairos {

// An operation of a transport that is not started yet: `co_await` starts it and waits for it.
//
//   Ownership   Refers to the transport, and to the bytes and addresses that it was given as views;
//               all of these stay until it is done. A transport is not moved meanwhile. The
//               operation is in the coroutine's frame, and goes with it.
//   Errors      Throws std::system_error with what the callback would find in the operation, or
//               what the start call refused; CancelledError when it was cancelled. noThrow() gives
//               the error instead.
//   Callbacks   The coroutine goes on inside the operation's callback, see transports/operation.h.
//   Cancelling  as the cancel() of the transport: a cancelled read has taken nothing from the
//               stream, but for a readExactly(), whose bytes are in the user's buffer.
//   Cost        no allocation, no system call more than with a callback
template <class Call>
class [[nodiscard]] TransportCall {
 public:
  TransportCall(typename Call::Target& target, Call call) noexcept
      : target_(target), call_(std::move(call)) {}

  auto operator co_await() noexcept { return detail::TransportAwaiter<Call>(target_, call_); }

 private:
  template <class Inner>
  friend auto noThrow(TransportCall<Inner> call) noexcept;

  typename Call::Target& target_;
  Call call_;
};

// How an operation ended. With an error, `value` is what was done before, or empty.
template <class T = void>
struct Outcome {
  std::error_code error;
  T value;
};
template <>
struct Outcome<void> {
  std::error_code error;
};

namespace detail {

template <class Call>
struct NotThrowing : Call {
  static constexpr bool throws = false;

  static auto result(typename Call::Operation& operation) {
    using Value = decltype(Call::result(operation));
    const std::error_code error = Call::isFailed(operation) ? operation.error : std::error_code();
    if constexpr (std::is_void_v<Value>) {
      return Outcome<>{error};
    } else {
      return Outcome<Value>{error, Call::result(operation)};
    }
  }
};

}  // namespace detail

// `auto [error, line] = co_await noThrow(readLine(stream));`
//
// A cancelled one has the error operation_canceled, and that is all that is left of the request:
// the coroutine goes on, and has to end by itself. A loop ends there. `closed` compares equal: the
// operations after it fail at once, each time.
//
//   if (error == std::errc::operation_canceled) break;
template <class Call>
auto noThrow(TransportCall<Call> call) noexcept {
  using Quiet = detail::NotThrowing<Call>;
  return TransportCall<Quiet>(call.target_, Quiet{std::move(call.call_)});
}

}  // namespace kairos

#endif  // KAIROS_FUTURES_ADDON_TRANSPORT_CALL_H_
