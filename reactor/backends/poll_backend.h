// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_REACTOR_BACKENDS_POLL_BACKEND_H_
#define KAIROS_REACTOR_BACKENDS_POLL_BACKEND_H_

#include "kairos/reactor/backends/backend.h"

namespace kairos::detail {

// poll(2): no kernel object, works wherever POSIX does, O(n) per wait.
OpenResult openPollBackend() noexcept;

}  // namespace kairos::detail

#endif  // KAIROS_REACTOR_BACKENDS_POLL_BACKEND_H_
