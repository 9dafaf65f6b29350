// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/bench/support/process.h"

#include <sys/resource.h>

#include <fstream>
#include <string>

#include "kairos/bench/support/check.h"

namespace kairos::bench {
namespace {

double milliseconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_usec) * 1e-3;
}

}  // namespace

double residentBytes() {
  std::ifstream rollup("/proc/self/smaps_rollup");
  for (std::string word; rollup >> word;) {
    if (word == "Rss:") {
      double kilobytes = 0;
      rollup >> kilobytes;
      return kilobytes * 1024;
    }
  }
  failCheck("/proc/self/smaps_rollup tells the resident memory");
}

double cpuMilliseconds() {
  rusage usage{};
  check(getrusage(RUSAGE_SELF, &usage) == 0, "getrusage");
  return milliseconds(usage.ru_utime) + milliseconds(usage.ru_stime);
}

}  // namespace kairos::bench
