// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_BENCH_SUPPORT_CLOCK_H_
#define KAIROS_BENCH_SUPPORT_CLOCK_H_

#include <cstdint>

namespace kairos::bench {

// Nanoseconds of the machine's monotonic clock, virtual clock or not: what samples are timed with.
std::int64_t realNow() noexcept;

// While one exists, clock_gettime(2) of the whole process, the shared libraries included, tells a
// time that stands still until `advance`. So every contestant lives in the same time, and a span
// of 60 s can be walked through in microseconds.
//
//   Thread  one at a time, and no other thread may care for the time meanwhile
//   Time    starts at a whole second, because some contestants count in milliseconds
//
// No library is recompiled for it: the program defines the symbol, so the dynamic linker gives
// the program's to everybody. timerfd_create(2) is refused meanwhile, because the kernel knows
// nothing of the virtual clock; Asio then compares deadlines after every wait instead.
class VirtualClock {
 public:
  VirtualClock() noexcept;
  ~VirtualClock();
  VirtualClock(const VirtualClock&) = delete;
  VirtualClock& operator=(const VirtualClock&) = delete;

  // Nanoseconds since this clock was made.
  static std::int64_t elapsed() noexcept;
  static void advanceTo(std::int64_t elapsed) noexcept;
};

}  // namespace kairos::bench

#endif  // KAIROS_BENCH_SUPPORT_CLOCK_H_
