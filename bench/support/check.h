// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_BENCH_SUPPORT_CHECK_H_
#define KAIROS_BENCH_SUPPORT_CHECK_H_

namespace kairos::bench {

// Ends the program with `claim` as the message. A number of a contestant that did not do the work
// is worse than none.
[[noreturn]] void failCheck(const char* claim) noexcept;

inline void check(bool holds, const char* claim) noexcept {
  if (!holds) [[unlikely]] {
    failCheck(claim);
  }
}

// The callback of what must not happen.
inline void neverCalled(void*) { failCheck("this callback is never called"); }

}  // namespace kairos::bench

#endif  // KAIROS_BENCH_SUPPORT_CHECK_H_
