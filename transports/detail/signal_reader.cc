// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/transports/detail/signal_reader.h"

#include <pthread.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <utility>

#include "kairos/transports/detail/fd_io.h"
#include "kairos/transports/error.h"

namespace kairos::detail {
namespace {

// Linux has the signals 1 to 64.
constexpr int lastSignal = 64;

std::uint64_t bitOf(int signal) noexcept { return std::uint64_t{1} << (signal - 1); }

sigset_t only(int signal) noexcept {
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, signal);
  return set;
}

// The C library keeps two of them for itself.
bool canBeBlocked(int signal) noexcept {
  sigset_t set;
  ::sigemptyset(&set);
  return signal > 0 && signal <= lastSignal && signal != SIGKILL && signal != SIGSTOP &&
         ::sigaddset(&set, signal) == 0;
}

bool has(const sigset_t& set, int signal) noexcept { return ::sigismember(&set, signal) == 1; }

// What is pending of the signal is taken first, which the unblocking would deliver.
void unblock(int signal) noexcept {
  const sigset_t set = only(signal);
  const timespec now{};
  while (::sigtimedwait(&set, nullptr, &now) >= 0 || errno == EINTR) {
  }
  ::pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

}  // namespace

SignalReader::SignalReader(Context& context, Fd fd) noexcept : context_(&context), fd_(fd) {
  ::sigemptyset(&signals_);
  ::sigemptyset(&blockedBefore_);
  context.add(*this);
}

SignalReader::~SignalReader() {
  close();
  if (waiting_ != nullptr) OperationAccess::disown(*waiting_);
}

std::error_code SignalReader::add(int signal) noexcept {
  if (!canBeBlocked(signal)) return std::make_error_code(std::errc::invalid_argument);
  if (!isOpen()) return TransportError::closed;
  std::uint64_t& taken = context_->signals();
  if ((taken & bitOf(signal)) != 0) return std::make_error_code(std::errc::file_exists);
  sigset_t wanted = signals_;
  ::sigaddset(&wanted, signal);
  const sigset_t set = only(signal);
  sigset_t before;
  ::pthread_sigmask(SIG_BLOCK, &set, &before);
  if (::signalfd(fd_, &wanted, 0) < 0) {
    const std::error_code error = systemError(errno);
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    return error;
  }
  taken |= bitOf(signal);
  signals_ = wanted;
  if (has(before, signal)) ::sigaddset(&blockedBefore_, signal);
  return {};
}

bool SignalReader::remove(int signal) noexcept {
  if (!isOpen() || !canBeBlocked(signal) || !has(signals_, signal)) return false;
  ::sigdelset(&signals_, signal);
  ::signalfd(fd_, &signals_, 0);
  dropReceived(signal);
  if (!has(blockedBefore_, signal)) unblock(signal);
  ::sigdelset(&blockedBefore_, signal);
  context_->signals() &= ~bitOf(signal);
  return true;
}

void SignalReader::dropReceived(int signal) noexcept {
  auto* const first = received_.data() + next_;
  auto* const rest = std::remove_if(first, received_.data() + end_, [signal](const auto& each) {
    return each.ssi_signo == static_cast<std::uint32_t>(signal);
  });
  end_ = next_ + static_cast<std::size_t>(rest - first);
}

std::error_code SignalReader::wait(SignalOperation& operation, AsyncCallback callback) noexcept {
  if (operation.isPending() || waiting_ != nullptr) return TransportError::busy;
  if (context_ == nullptr || context_->isEnding()) return TransportError::closed;
  OperationAccess::begin(operation, *this, callback);
  waiting_ = &operation;
  if (!isOpen()) {
    finish(TransportError::closed);
  } else if (!serve()) {
    if (const auto error = watch()) finish(error);
  }
  return {};
}

void SignalReader::onReadable(void* udata) {
  auto& reader = *static_cast<SignalReader*>(udata);
  reader.context_->dispatch([&reader] { reader.receive(); });
}

// Once per poll: what remains is reported again.
void SignalReader::receive() noexcept {
  if (waiting_ == nullptr) return unwatch();
  if (!isWaiting()) return;
  const ssize_t bytes = ::read(fd_, received_.data(), sizeof received_);
  if (bytes < 0) {
    if (errno != EAGAIN && errno != EINTR) finish(systemError(errno));
    return;
  }
  next_ = 0;
  end_ = static_cast<std::size_t>(bytes) / sizeof received_[0];
  serve();
}

bool SignalReader::serve() noexcept {
  if (next_ == end_) return false;
  const signalfd_siginfo& signal = received_[next_++];
  waiting_->number = static_cast<int>(signal.ssi_signo);
  waiting_->code = signal.ssi_code;
  waiting_->sender = static_cast<pid_t>(signal.ssi_pid);
  waiting_->senderUser = signal.ssi_uid;
  waiting_->value = signal.ssi_int;
  waiting_->child = signal.ssi_status;
  finish({});
  return true;
}

void SignalReader::finish(std::error_code error) noexcept {
  waiting_->error = error;
  if (error) waiting_->number = 0;
  context_->complete(*waiting_);
}

bool SignalReader::cancel(SignalOperation& operation) noexcept {
  if (&operation != waiting_ || !isWaiting()) return false;
  finish(std::make_error_code(std::errc::operation_canceled));
  return true;
}

std::error_code SignalReader::watch() noexcept {
  if (readerAdded_) return {};
  const std::error_code error = context_->reactor().addReader(fd_, onReadable, this);
  readerAdded_ = !error;
  return error;
}

void SignalReader::unwatch() noexcept {
  if (std::exchange(readerAdded_, false)) context_->reactor().removeReader(fd_);
}

// Delivered, or destroyed: then a signal that it had got already is for the next wait.
void SignalReader::forget(Operation& operation) noexcept {
  waiting_ = nullptr;
  const bool isUndelivered = operation.isLinked() && !operation.error;
  if (isUndelivered && has(signals_, static_cast<int>(received_[next_ - 1].ssi_signo))) --next_;
}

void SignalReader::close() noexcept {
  if (!isOpen()) return;
  for (int signal = 1; signal <= lastSignal; ++signal) remove(signal);
  unwatch();
  ::close(std::exchange(fd_, -1));
  if (isWaiting()) finish(TransportError::closed);
}

void SignalReader::leaveContext() noexcept {
  close();
  context_ = nullptr;
}

}  // namespace kairos::detail
