// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TESTS_SUPPORT_PROCESS_STATE_H_
#define KAIROS_TESTS_SUPPORT_PROCESS_STATE_H_

#include <chrono>
#include <cstddef>

namespace kairos {

// What the process has used of the processor so far, in user and kernel mode.
std::chrono::nanoseconds cpuTime();

std::size_t threadCount();

// Sanitizers cost an order of magnitude in time and memory, and hold back what was freed. Valgrind,
// which does so too, counts as one.
bool underSanitizer();

// Which makes calls of its own, knows neither epoll_pwait2(2), pidfd_open(2) nor
// pidfd_send_signal(2), and takes vfork(2) for fork(2).
bool underValgrind();

// UBSan, which is beside ASan here, opens a pipe to look at memory, and takes it for bad if it
// cannot. Valgrind, which watches over the limit of descriptors itself, closes what is beyond it: a
// connection that accept4 would have left in the queue is lost.
bool underSanitizerThatNeedsDescriptors();

// Whether the library was built with its misuse checks, which abort (builds without NDEBUG).
extern const bool misuseAborts;

}  // namespace kairos

#endif  // KAIROS_TESTS_SUPPORT_PROCESS_STATE_H_
