// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_BENCH_SUPPORT_PROCESS_H_
#define KAIROS_BENCH_SUPPORT_PROCESS_H_

namespace kairos::bench {

// Resident memory of this process, counted page by page by the kernel; the cheaper figures of
// /proc lag behind by some hundred pages.
double residentBytes();

// User and system time of this process.
double cpuMilliseconds();

}  // namespace kairos::bench

#endif  // KAIROS_BENCH_SUPPORT_PROCESS_H_
