// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/transports/thread_async_event.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cassert>
#include <cerrno>
#include <chrono>
#include <utility>

#include "kairos/transports/detail/context.h"
#include "kairos/transports/detail/fd_io.h"
#include "kairos/transports/error.h"

namespace kairos {
namespace detail {

bool EventWait::isWaiting() const noexcept { return OperationAccess::isWaiting(operation_, *this); }

std::error_code EventWait::start(Context& context, const Held<EventState>& state,
                                 AsyncCallback callback) noexcept {
  if (context_ != &context || state_ != state) {
    dismiss();
    if (const auto error = attach(context, state)) return error;
  }
  if (const auto error = watch()) {
    dismiss();
    return error;
  }
  OperationAccess::begin(operation_, *this, callback);
  return {};
}

std::error_code EventWait::attach(Context& context, const Held<EventState>& state) noexcept {
  const Fd own = ::fcntl(state->fd(), F_DUPFD_CLOEXEC, 0);
  if (own < 0) return systemError(errno);
  fd_ = own;
  context_ = &context;
  context.add(*this);
  state_ = state;
  return {};
}

std::error_code EventWait::watch() noexcept {
  if (isWatched_) return {};
  assert(context_ != nullptr);  // of the wait that is under way
  const std::error_code error = context_->reactor().addReader(fd_, onReadable, this);
  isWatched_ = !error;
  return error;
}

void EventWait::unwatch() noexcept {
  if (std::exchange(isWatched_, false)) context_->reactor().removeReader(fd_);
}

void EventWait::onReadable(void* udata) {
  auto& wait = *static_cast<EventWait*>(udata);
  wait.context_->dispatch([&wait] { wait.tryToTake(); });
}

void EventWait::tryToTake() noexcept {
  if (!isWaiting()) return unwatch();
  switch (state_->take()) {
    case EventState::Taken::nothing:
      return;
    case EventState::Taken::event:
      return finish({});
    case EventState::Taken::closed:
      return finish(TransportError::closed);
  }
}

void EventWait::finish(std::error_code error) noexcept {
  operation_.error = error;
  context_->complete(operation_);
}

bool EventWait::cancel() noexcept {
  if (!isWaiting()) return false;
  finish(std::make_error_code(std::errc::operation_canceled));
  return true;
}

// Delivered, or destroyed: then an event that it had got already is for the next who waits.
void EventWait::forget(Operation&) noexcept {
  const bool isDestroyed = isWaiting() || operation_.isLinked();
  if (!isDestroyed) return;
  if (!isWaiting() && !operation_.error) state_->notify();
  dismiss();
}

void EventWait::leaveContext() noexcept {
  if (isWaiting()) finish(TransportError::closed);
  dismiss();
}

// Leaves nothing behind on the loop.
void EventWait::dismiss() noexcept {
  if (context_ == nullptr) return;
  unlink();
  unwatch();
  ::close(std::exchange(fd_, -1));
  context_ = nullptr;
}

}  // namespace detail

std::error_code ThreadAsyncEvent::open(ThreadAsyncEvent& result) noexcept {
  return detail::EventState::open(result.state_);
}

std::error_code ThreadAsyncEvent::wait(TransportContext& context, EventOperation& operation,
                                       CallbackFunc callback, void* udata) const noexcept {
  if (callback == nullptr) return std::make_error_code(std::errc::invalid_argument);
  if (operation.isPending()) return TransportError::busy;
  if (!state_) return TransportError::notConnected;
  detail::Context* const inner = detail::ContextAccess::of(context);
  if (inner == nullptr) return std::make_error_code(std::errc::not_enough_memory);
  if (inner->isEnding()) return TransportError::closed;
  return operation.wait_.start(*inner, state_, {callback, udata});
}

bool ThreadAsyncEvent::cancel(EventOperation& operation) noexcept {
  return operation.wait_.cancel();
}

namespace {

// The longest that poll(2) waits; whoever wants more calls it again.
constexpr std::chrono::milliseconds waitMax{1 << 30};

int toWaitMs(Clock::duration left) noexcept {
  const auto rounded =
      left < waitMax ? std::chrono::ceil<std::chrono::milliseconds>(left) : waitMax;
  return static_cast<int>(rounded.count());
}

// What is left of a time limit, interruptions or not.
class TimeLimit {
 public:
  explicit TimeLimit(Clock::duration limit) noexcept
      : isUnlimited_(limit < Clock::duration::zero() || limit == Reactor::forever),
        limit_(limit),
        start_(Clock::now()) {}

  Clock::duration left() const noexcept {
    return isUnlimited_ ? Reactor::forever : limit_ - (Clock::now() - start_);
  }

 private:
  bool isUnlimited_;
  Clock::duration limit_;
  Clock::time_point start_;
};

}  // namespace

std::error_code ThreadAsyncEvent::waitSync(Clock::duration timeout) const noexcept {
  using Taken = detail::EventState::Taken;
  if (!state_) return TransportError::notConnected;
  const TimeLimit limit(timeout);
  for (;;) {
    const Taken taken = state_->take();
    if (taken == Taken::event) return {};
    if (taken == Taken::closed) return TransportError::closed;
    const Clock::duration left = limit.left();
    if (left <= Clock::duration::zero()) return std::make_error_code(std::errc::timed_out);
    pollfd waited{state_->fd(), POLLIN, 0};
    if (::poll(&waited, 1, toWaitMs(left)) < 0 && errno != EINTR) {
      return detail::systemError(errno);
    }
  }
}

void ThreadAsyncEvent::close() const noexcept {
  if (state_) state_->close();
}

}  // namespace kairos
