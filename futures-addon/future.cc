// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/futures-addon/future.h"

namespace kairos {

namespace detail {

ContextCore* coreOf(const FutureBase& future) noexcept {
  return future.isValid() ? FutureAccess::stateOf(future).core() : nullptr;
}

}  // namespace detail

std::exception_ptr FutureBase::readError() const {
  if (completed()) throw NoErrorError(created());
  state_->observe();
  if (!failed()) state_->throwUnlessCompleted();
  return state_->error();
}

}  // namespace kairos
