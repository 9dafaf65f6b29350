// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/futures-addon/future_context.h"

#include <new>

#include "kairos/futures-addon/detail/future_state.h"

namespace kairos {

FutureContext::FutureContext(Reactor& reactor)
    : core_(new (detail::allocate(sizeof(detail::ContextCore))) detail::ContextCore(reactor)) {}

FutureContext::~FutureContext() { core_->end(); }

Reactor& FutureContext::reactor() const noexcept { return core_->reactor(); }

void FutureContext::callSoon(CallbackFunc callback, void* udata) {
  core_->schedule(detail::PooledWaiter::make(core_, nullptr, {callback, udata}));
}

void FutureContext::callSoon(Waiter& waiter, CallbackFunc callback, void* udata) {
  detail::WaiterAccess::requireUsable(waiter, callback);
  detail::WaiterAccess::setCallback(waiter, {callback, udata});
  core_->schedule(waiter);
}

bool FutureContext::hasPendingOperations() const noexcept {
  return core_->hasPending() || core_->hasReady() || core_->hasBatch();
}

void FutureContext::setUnhandledErrorCallback(CallbackFunc callback, void* udata) noexcept {
  core_->unhandledErrorCallback = {callback, udata};
}

FutureContext::UnhandledError FutureContext::unhandledError() const {
  return {core_->unhandledError, core_->unhandledErrorCreated};
}

std::size_t FutureContext::liveBlocks() const noexcept { return core_->liveBlocks(); }

}  // namespace kairos
