// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/futures-addon/future.h"

namespace kairos {

namespace detail {

ContextCore* coreOf(const FutureBase& future) noexcept {
  if (!future.isValid()) return nullptr;
  ContextCore* const core = FutureAccess::stateOf(future).core();
  return core == nullptr || core->isOver() ? nullptr : core;
}

}  // namespace detail

std::exception_ptr FutureBase::readError() const {
  if (completed()) throw NoErrorError(created());
  state_->observe();
  if (!failed()) state_->throwUnlessCompleted();
  return state_->error();
}

}  // namespace kairos
