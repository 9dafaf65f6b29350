// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/reactor/backends/default_backend.h"
#include "kairos/reactor/backends/epoll_backend.h"
#include "kairos/reactor/backends/poll_backend.h"

namespace kairos::detail {

OpenResult openDefaultBackend() noexcept {
  OpenResult opened = openEpollBackend();
  // A sandbox without epoll. Want of descriptors or memory is no reason to become slow in silence.
  const bool forbidden = opened.error == std::errc::function_not_supported ||
                         opened.error == std::errc::operation_not_permitted;
  return forbidden ? openPollBackend() : std::move(opened);
}

std::span<const Ready> waitOnPreferred(Backend& backend, Clock::duration limit,
                                       std::error_code& error) noexcept {
  return waitOnEpoll(backend, limit, error);
}

}  // namespace kairos::detail
