// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/transports/transport_context.h"

#include <cassert>
#include <new>

#include "kairos/transports/detail/context.h"

namespace kairos {
namespace detail {

// A timer that was added once leaves room for one, so that the deferral can hardly fail later.
Context::Context(Reactor& reactor) noexcept : reactor_(reactor) {
  reactor_.removeTimer(reactor_.addTimer(Clock::duration::zero(), onDeferred, this));
}

Context::~Context() {
  assert(!dispatching_ && "A TransportContext is destroyed inside a callback.");
  ending_ = true;
  endMembers();
  dispatching_ = true;  // nothing is deferred any more
  while (!done_.empty()) {
    deliverFirst();
    endMembers();
  }
  reactor_.removeTimer(timer_);
}

// A callback of the end may make one, which is over then.
void Context::endMembers() noexcept {
  while (!members_.empty()) members_.popFront().leaveContext();
}

// The callback may destroy the operation and start it anew.
inline void Context::deliverFirst() {
  Operation& operation = done_.popFront();
  if (operation.owner_ != nullptr) operation.owner_->forget(operation);
  operation.owner_ = nullptr;
  operation.state_ = Operation::State::idle;
  const AsyncCallback callback = operation.callback_;
  callback.function(callback.udata);
}

void Context::deliver() {
  for (int left = TransportContext::completionsPerCallbackMax; left > 0 && !done_.empty(); --left) {
    deliverFirst();
  }
}

// Without memory for a timer, the next callback of any transport makes up for it.
void Context::deliverLater() noexcept {
  if (timer_ != TimerId::none) return;
  timer_ = reactor_.addTimer(Clock::duration::zero(), onDeferred, this);
}

void Context::onDeferred(void* udata) {
  auto& context = *static_cast<Context*>(udata);
  context.timer_ = TimerId::none;
  context.dispatch([] {});
}

}  // namespace detail

TransportContext::TransportContext(Reactor& reactor) noexcept
    : context_(new (std::nothrow) detail::Context(reactor)) {}

TransportContext::~TransportContext() { delete context_; }

}  // namespace kairos
