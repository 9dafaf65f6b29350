// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_REACTOR_BACKENDS_DEFAULT_BACKEND_H_
#define KAIROS_REACTOR_BACKENDS_DEFAULT_BACKEND_H_

#include "kairos/reactor/backends/backend.h"

namespace kairos::detail {

// The best of the linked backends that this machine has. BUILD chooses the file that defines it.
OpenResult openDefaultBackend() noexcept;

}  // namespace kairos::detail

#endif  // KAIROS_REACTOR_BACKENDS_DEFAULT_BACKEND_H_
