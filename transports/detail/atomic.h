// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TRANSPORTS_DETAIL_ATOMIC_H_
#define KAIROS_TRANSPORTS_DETAIL_ATOMIC_H_

#include <atomic>

namespace kairos::detail {

// What threads share. A test puts another header in the place of this one, to run them in every
// order: see tests/interleaving.
template <class T>
using Atomic = std::atomic<T>;

}  // namespace kairos::detail

#endif  // KAIROS_TRANSPORTS_DETAIL_ATOMIC_H_
