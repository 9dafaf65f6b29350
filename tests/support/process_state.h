// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TESTS_SUPPORT_PROCESS_STATE_H_
#define KAIROS_TESTS_SUPPORT_PROCESS_STATE_H_

#include <chrono>
#include <cstddef>

namespace kairos {

// What the process has used of the processor so far, in user and kernel mode.
std::chrono::nanoseconds cpuTime();

std::size_t threadCount();

// Sanitizers cost an order of magnitude in time and memory, and hold back what was freed.
bool underSanitizer();

// UBSan, which is beside ASan here, opens a pipe to look at memory, and takes it for bad if it
// cannot.
bool underSanitizerThatNeedsDescriptors();

// Whether the library was built with its misuse checks, which abort (builds without NDEBUG).
extern const bool misuseAborts;

}  // namespace kairos

#endif  // KAIROS_TESTS_SUPPORT_PROCESS_STATE_H_
