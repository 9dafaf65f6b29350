// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_REACTOR_BACKENDS_EPOLL_BACKEND_H_
#define KAIROS_REACTOR_BACKENDS_EPOLL_BACKEND_H_

#include "kairos/reactor/backends/backend.h"

namespace kairos::detail {

// epoll(7), level-triggered. Sub-millisecond waits by epoll_pwait2(2) where the kernel has it.
OpenResult openEpollBackend() noexcept;

// epoll.wait(limit, error) by a direct call. Requires a backend that openEpollBackend opened.
std::span<const Ready> waitOnEpoll(Backend& epoll, Clock::duration limit,
                                   std::error_code& error) noexcept;

}  // namespace kairos::detail

#endif  // KAIROS_REACTOR_BACKENDS_EPOLL_BACKEND_H_
