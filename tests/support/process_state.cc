// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/tests/support/process_state.h"

#include <ctime>
#include <filesystem>
#include <iterator>

// The sanitizers' run-time libraries and what valgrind loads define these; elsewhere they are null.
extern "C" {
void __asan_init() __attribute__((weak));
void __tsan_init() __attribute__((weak));
void _vgnU_freeres() __attribute__((weak));
}

namespace kairos {

std::chrono::nanoseconds cpuTime() {
  timespec time{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

std::size_t threadCount() {
  const std::filesystem::directory_iterator tasks("/proc/self/task");
  return static_cast<std::size_t>(std::distance(begin(tasks), end(tasks)));
}

bool underValgrind() { return &_vgnU_freeres != nullptr; }

bool underSanitizer() {
  return &__asan_init != nullptr || &__tsan_init != nullptr || underValgrind();
}

bool underSanitizerThatNeedsDescriptors() { return &__asan_init != nullptr || underValgrind(); }

}  // namespace kairos
