// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/transports/detail/child.h"

#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "kairos/transports/detail/fd_io.h"
#include "kairos/transports/detail/spawn.h"
#include "kairos/transports/error.h"

namespace kairos::detail {
namespace {

constexpr unsigned toGroup = 1u << 2;  // PIDFD_SIGNAL_PROCESS_GROUP

int sendSignal(Fd pidFd, int number, unsigned flags) noexcept {
  const long result = ::syscall(SYS_pidfd_send_signal, pidFd, number, nullptr, flags);
  return result == 0 ? 0 : errno;
}

std::error_code toError(int number) noexcept {
  return number == 0 ? std::error_code() : systemError(number);
}

ExitStatus toExitStatus(const siginfo_t& status) noexcept {
  if (status.si_code == CLD_EXITED) return {.code = status.si_status};
  return {.signal = status.si_status, .hasDumpedCore = status.si_code == CLD_DUMPED};
}

std::error_code noSuchProcess() { return std::make_error_code(std::errc::no_such_process); }

}  // namespace

std::error_code Child::watch(pid_t pid, OwnedFd pidFd, bool leadsGroup) noexcept {
  pid_ = pid;
  pidFd_ = std::move(pidFd);
  leadsGroup_ = leadsGroup;
  isRunning_ = true;
  const std::error_code error = context_->reactor().addReader(pidFd_.get(), onEnded, this);
  if (error) killAndReap();
  return error;
}

Child::~Child() {
  if (context_ != nullptr) stopTimer(killTimer_);
}

// ---- The end of the process

void Child::onEnded(void* udata) {
  auto& child = *static_cast<Child*>(udata);
  child.context_->dispatch([&child] {
    child.tryToReap(WNOHANG);
    if (!child.isRunning_ && !child.hasHandle_) delete &child;
  });
}

// That somebody else has reaped it is known too.
void Child::tryToReap(int flags) noexcept {
  siginfo_t status;
  const int error = reap(pidFd_.get(), flags, status);
  if (error == 0 && status.si_pid == 0) return;
  ended(toError(error), status);
}

// A group is reached by the descriptor of its leader.
void Child::ended(std::error_code error, const siginfo_t& status) noexcept {
  isRunning_ = false;
  error_ = error;
  if (!error) status_ = toExitStatus(status);
  context_->reactor().removeReader(pidFd_.get());
  stopTimer(killTimer_);
  if (!leadsGroup_ || isClosed_) pidFd_.reset();
  finishAll(error_);
}

bool Child::hasEnded() const noexcept {
  siginfo_t status;
  return !isRunning_ || reap(pidFd_.get(), WNOHANG | WNOWAIT, status) != 0 || status.si_pid != 0;
}

// One that the kernel cannot end, since it waits for a device, is left alone.
void Child::killAndReap() noexcept {
  sendSignal(pidFd_.get(), SIGKILL, 0);
  pollfd waited{pidFd_.get(), POLLIN, 0};
  const auto waitMs = static_cast<int>(lastWait.count());
  while (::poll(&waited, 1, waitMs) < 0 && errno == EINTR) {
  }
  tryToReap(WNOHANG);
}

// ---- Waiting for it

std::error_code Child::wait(ExitOperation& operation, Clock::duration timeout,
                            AsyncCallback callback) noexcept {
  if (operation.isPending()) return TransportError::busy;
  if (context_ == nullptr || context_->isEnding()) return TransportError::closed;
  TimerId timer = TimerId::none;
  if (isRunning_ && !isClosed_ && timeout != Reactor::forever) {
    timer = context_->reactor().addTimer(timeout, onTimeout, &operation);
    if (timer == TimerId::none) return std::make_error_code(std::errc::not_enough_memory);
  }
  OperationAccess::begin(operation, *this, callback);
  operation.status = {};
  operation.child_ = this;
  operation.timer_ = timer;
  waits_.pushBack(operation);
  if (isClosed_) {
    finish(operation, TransportError::closed);
  } else if (!isRunning_) {
    finish(operation, error_);
  }
  return {};
}

void Child::onTimeout(void* udata) {
  auto& operation = *static_cast<ExitOperation*>(udata);
  Child& child = *operation.child_;
  child.context_->dispatch([&] {
    operation.timer_ = TimerId::none;
    child.finish(operation, std::make_error_code(std::errc::timed_out));
  });
}

bool Child::cancel(ExitOperation& operation) noexcept {
  if (!OperationAccess::isWaiting(operation, *this)) return false;
  finish(operation, std::make_error_code(std::errc::operation_canceled));
  return true;
}

void Child::finish(ExitOperation& operation, std::error_code error) noexcept {
  stopTimer(operation.timer_);
  OperationAccess::disown(operation);
  operation.error = error;
  if (!error) operation.status = status_;
  context_->complete(operation);
}

void Child::finishAll(std::error_code error) noexcept {
  while (!waits_.empty()) finish(static_cast<ExitOperation&>(waits_.front()), error);
}

// A wait is destroyed in the list.
void Child::forget(Operation& operation) noexcept {
  stopTimer(static_cast<ExitOperation&>(operation).timer_);
}

void Child::stopTimer(TimerId& timer) noexcept {
  context_->reactor().removeTimer(std::exchange(timer, TimerId::none));
}

// ---- Signals

// A process that has ended still takes signals until it is reaped.
std::error_code Child::signal(int number) noexcept {
  if (isClosed_) return TransportError::closed;
  return hasEnded() ? noSuchProcess() : toError(sendSignal(pidFd_.get(), number, 0));
}

// The number of a group is not given away as long as its leader is not reaped, by us or by somebody
// else.
std::error_code Child::signalGroup(int number) noexcept {
  if (isClosed_) return TransportError::closed;
  if (!leadsGroup_) return std::make_error_code(std::errc::invalid_argument);
  if (pidFd_.get() < 0) return noSuchProcess();
  const int error = sendSignal(pidFd_.get(), number, toGroup);
  if (error != EINVAL) return toError(error);
  siginfo_t status;
  if (!isRunning_ || reap(pidFd_.get(), WNOHANG | WNOWAIT, status) != 0) return noSuchProcess();
  return ::kill(-pid_, number) == 0 ? std::error_code() : systemError(errno);
}

std::error_code Child::killAfter(Clock::duration delay) noexcept {
  if (isClosed_) return TransportError::closed;
  if (!isRunning_ || context_ == nullptr) return noSuchProcess();
  stopTimer(killTimer_);
  if (delay == Reactor::forever) return {};
  killTimer_ = context_->reactor().addTimer(delay, onKillTime, this);
  return killTimer_ != TimerId::none ? std::error_code()
                                     : std::make_error_code(std::errc::not_enough_memory);
}

void Child::onKillTime(void* udata) {
  auto& child = *static_cast<Child*>(udata);
  child.killTimer_ = TimerId::none;
  sendSignal(child.pidFd_.get(), SIGKILL, 0);
}

// ---- The end of the handle, and of the context

void Child::close() noexcept {
  if (std::exchange(isClosed_, true)) return;
  finishAll(TransportError::closed);
  if (!isRunning_) {
    pidFd_.reset();
  } else if (isDetached_) {
    stopTimer(killTimer_);
  } else {
    sendSignal(pidFd_.get(), SIGKILL, 0);
  }
}

void Child::leave() noexcept {
  close();
  hasHandle_ = false;
  if (!isRunning_ || context_ == nullptr) delete this;
}

void Child::leaveContext() noexcept {
  finishAll(TransportError::closed);
  if (isRunning_ && isDetached_) tryToReap(WNOHANG);
  if (isRunning_ && !isDetached_) killAndReap();
  if (isRunning_) ended(std::make_error_code(std::errc::no_child_process), {});
  context_ = nullptr;
  if (!hasHandle_) delete this;
}

}  // namespace kairos::detail
