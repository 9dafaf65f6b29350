// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/transports/detail/event_state.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <new>

#include "kairos/transports/detail/fd_io.h"

namespace kairos::detail {

std::error_code EventState::open(Held<EventState>& result) noexcept {
  const Fd fd = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (fd < 0) return systemError(errno);
  auto* const made = new (std::nothrow) EventState(fd);
  if (made == nullptr) {
    ::close(fd);
    return std::make_error_code(std::errc::not_enough_memory);
  }
  result = Held(made);
  return {};
}

EventState::~EventState() { ::close(fd_); }

// The counter is far from full, so nothing can be refused. The code that a signal interrupted may
// be about to look at errno.
void EventState::raise() const noexcept {
  const int errnoBefore = errno;
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(fd_, &one, sizeof one);
  errno = errnoBefore;
}

// What a close has raised stays raised, whoever read it.
EventState::Taken EventState::take() noexcept {
  if (isClosed()) return Taken::closed;
  std::uint64_t count = 0;
  if (::read(fd_, &count, sizeof count) != sizeof count) return Taken::nothing;
  if (isClosed()) {
    raise();
    return Taken::closed;
  }
  isRaised_.exchange(false, std::memory_order_acq_rel);
  return Taken::event;
}

void EventState::close() noexcept {
  if (!isClosed_.exchange(true, std::memory_order_acq_rel)) raise();
}

}  // namespace kairos::detail
