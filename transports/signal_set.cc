// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/transports/signal_set.h"

#include <unistd.h>

#include <cerrno>
#include <new>
#include <utility>

#include "kairos/transports/detail/fd_io.h"
#include "kairos/transports/detail/signal_reader.h"
#include "kairos/transports/error.h"

namespace kairos {

SignalSet::SignalSet() noexcept = default;
SignalSet::~SignalSet() = default;
SignalSet::SignalSet(SignalSet&& other) noexcept = default;
SignalSet& SignalSet::operator=(SignalSet&& other) noexcept = default;

std::error_code SignalSet::open(TransportContext& context, std::initializer_list<int> signals,
                                SignalSet& result) noexcept {
  detail::Context* const inner = detail::ContextAccess::of(context);
  if (inner == nullptr) return std::make_error_code(std::errc::not_enough_memory);
  if (inner->isEnding()) return TransportError::closed;
  sigset_t none;
  ::sigemptyset(&none);
  const Fd fd = ::signalfd(-1, &none, SFD_NONBLOCK | SFD_CLOEXEC);
  if (fd < 0) return detail::systemError(errno);
  std::unique_ptr<detail::SignalReader> made(new (std::nothrow) detail::SignalReader(*inner, fd));
  if (!made) {
    ::close(fd);
    return std::make_error_code(std::errc::not_enough_memory);
  }
  for (const int signal : signals) {
    if (const auto error = made->add(signal)) return error;
  }
  result.reader_ = std::move(made);
  return {};
}

std::error_code SignalSet::add(int signal) noexcept {
  return reader_ ? reader_->add(signal) : TransportError::notConnected;
}

bool SignalSet::remove(int signal) noexcept { return reader_ && reader_->remove(signal); }

std::error_code SignalSet::wait(SignalOperation& operation, CallbackFunc callback,
                                void* udata) noexcept {
  if (callback == nullptr) return std::make_error_code(std::errc::invalid_argument);
  if (!reader_) return TransportError::notConnected;
  return reader_->wait(operation, {callback, udata});
}

bool SignalSet::cancel(SignalOperation& operation) noexcept {
  return reader_ && reader_->cancel(operation);
}

void SignalSet::close() noexcept {
  if (reader_) reader_->close();
}

bool SignalSet::isOpen() const noexcept { return reader_ && reader_->isOpen(); }

}  // namespace kairos
