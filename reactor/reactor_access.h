// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_REACTOR_REACTOR_ACCESS_H_
#define KAIROS_REACTOR_REACTOR_ACCESS_H_

#include "kairos/reactor/backends/backend.h"
#include "kairos/reactor/reactor.h"

namespace kairos::detail {

// The way in for tests and for backends that are not chosen at run time: a Reactor on a backend of
// one's own. Not part of the public surface.
struct ReactorAccess {
  static Reactor create(OpenResult opened) noexcept;
};

}  // namespace kairos::detail

#endif  // KAIROS_REACTOR_REACTOR_ACCESS_H_
