// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TESTS_FUTURES_ADDON_MANUAL_OPERATION_H_
#define KAIROS_TESTS_FUTURES_ADDON_MANUAL_OPERATION_H_

#include <coroutine>

#include "kairos/futures-addon/detail/operation_awaiter.h"
#include "kairos/futures-addon/error.h"

namespace kairos {

// An operation that needs no context, and ends when the test says so.
class ManualOperation : public detail::OperationAwaiter {
 public:
  bool await_ready() const noexcept { return false; }
  template <class P>
  void await_suspend(std::coroutine_handle<P> coroutine) noexcept {
    callback_ = detail::resumptionOf(coroutine);
    suspended(coroutine);
  }
  void await_resume() const {
    if (isCancelled_) throw CancelledError();
  }
  bool cancel() noexcept override { return isCancelled_ = true; }
  bool isCancelled() const { return isCancelled_; }
  void complete() { callback_.function(callback_.udata); }

 private:
  AsyncCallback callback_{};
  bool isCancelled_ = false;
};

}  // namespace kairos

#endif  // KAIROS_TESTS_FUTURES_ADDON_MANUAL_OPERATION_H_
