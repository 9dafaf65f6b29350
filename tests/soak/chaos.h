// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TESTS_SOAK_CHAOS_H_
#define KAIROS_TESTS_SOAK_CHAOS_H_

#include <cstdint>

namespace kairos::soak {

// From now on three in ten of this process's calls of recv, send, sendmsg, accept4 and epoll_wait
// do less than they could, as the kernel may at any time: part of the bytes, nothing for now, an
// interruption, a newcomer that has gone, an early end of the wait. `seed` 0 ends that.
//
// The program defines these functions, so that all code linked into it calls them.
void chaos(std::uint32_t seed);

}  // namespace kairos::soak

#endif  // KAIROS_TESTS_SOAK_CHAOS_H_
