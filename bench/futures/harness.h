// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_BENCH_FUTURES_HARNESS_H_
#define KAIROS_BENCH_FUTURES_HARNESS_H_

#include <cstddef>
#include <string>
#include <vector>

namespace kairos::bench {

// One way to do one thing: `run(times)` does it that often.
struct Way {
  std::string workload;
  std::string contestant;
  void (*run)(std::size_t times);
};

// In the order in which the table shows them; the first of a workload is what ratios refer to.
std::vector<Way> bareWays();
std::vector<Way> bareSyncWays();
std::vector<Way> kairosWays();
std::vector<Way> kairosSyncWays();
std::vector<Way> asioWays();
std::vector<Way> fiberWays();
std::vector<Way> standardWays();

// How many operations are under way at once.
inline constexpr std::size_t batch = 1000;

// The work was not done: ends the program.
void expect(bool claim, const char* sentence);

}  // namespace kairos::bench

#endif  // KAIROS_BENCH_FUTURES_HARNESS_H_
