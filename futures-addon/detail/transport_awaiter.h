// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_FUTURES_ADDON_DETAIL_TRANSPORT_AWAITER_H_
#define KAIROS_FUTURES_ADDON_DETAIL_TRANSPORT_AWAITER_H_

#include <coroutine>
#include <system_error>

#include "kairos/futures-addon/detail/operation_awaiter.h"
#include "kairos/futures-addon/error.h"
#include "kairos/reactor/reactor.h"
#include "kairos/transports/operation.h"

namespace kairos::detail {

// What Calls have in common, which tell a TransportAwaiter what it awaits. The others are
//
//   Target, Operation                    types: of the transport, and of what it does
//   start(target, operation, callback)   the start call
//   static result(operation)             what co_await gives
struct BasicCall {
  static constexpr bool throws = true;

  // Asks a pending one to end; false: that cannot be. A transport that is closed or gone has left
  // none waiting, and is not asked.
  template <class Target, class Operation>
  static bool cancel(Target& target, Operation& operation) noexcept {
    return OperationAccess::isWaiting(operation) && target.cancel(operation);
  }

  template <class Operation>
  static bool isFailed(const Operation& operation) noexcept {
    return static_cast<bool>(operation.error);
  }
};

// The operation of a transport that a coroutine awaits.
template <class Call>
class TransportAwaiter final : public OperationAwaiter {
 public:
  using Target = typename Call::Target;

  TransportAwaiter(Target& target, Call& call) noexcept : target_(target), call_(call) {}
  TransportAwaiter(const TransportAwaiter&) = delete;
  TransportAwaiter& operator=(const TransportAwaiter&) = delete;

  static constexpr bool await_ready() noexcept { return false; }

  // False: what the call refuses is told at once.
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> coroutine) noexcept {
    const std::error_code refused = call_.start(target_, operation_, resumptionOf(coroutine));
    if (refused) {
      operation_.error = refused;
      return false;
    }
    suspended(coroutine);
    return true;
  }

  decltype(auto) await_resume() {
    if constexpr (Call::throws) {
      throwIfFailed();
    } else {
      tellCancelled();
    }
    return Call::result(operation_);
  }

  bool cancel() noexcept override {
    if (!isCancelled_) isCancelled_ = operation_.isPending() && call_.cancel(target_, operation_);
    return isCancelled_;
  }

 private:
  void throwIfFailed() const {
    if (isCancelled_) throw CancelledError();
    if (Call::isFailed(operation_)) throw std::system_error(operation_.error);
  }

  // Also of what was given up, see WriteCall.
  void tellCancelled() noexcept {
    if (isCancelled_) operation_.error = std::make_error_code(std::errc::operation_canceled);
  }

  Target& target_;
  Call& call_;
  bool isCancelled_ = false;
  typename Call::Operation operation_;
};

}  // namespace kairos::detail

#endif  // KAIROS_FUTURES_ADDON_DETAIL_TRANSPORT_AWAITER_H_
