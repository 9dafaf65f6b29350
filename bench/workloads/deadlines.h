// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_BENCH_WORKLOADS_DEADLINES_H_
#define KAIROS_BENCH_WORKLOADS_DEADLINES_H_

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace kairos::bench {

// Which deadlines a population of timers has.
enum class Distribution {
  uniform,  // anywhere in the next 60 s
  equal,    // timeouts of 30 s each, begun one after the other over 30 s
};

inline constexpr std::array distributions = {Distribution::uniform, Distribution::equal};
inline constexpr std::array<std::size_t, 3> populations = {1'000, 100'000, 1'000'000};

// How many samples are worth taking of so many timers.
int samplesOf(std::size_t population);

std::string nameOf(Distribution distribution);

// The deadlines of `count` timers in the order they are added, counted from the common start.
// "Now" is 0 for uniform; for equal it moves on to 30 s while they are added.
std::vector<std::chrono::nanoseconds> deadlinesOf(Distribution distribution, std::size_t count);

// The deadlines of `count` timers that take the place of others in that population afterwards.
std::vector<std::chrono::nanoseconds> laterDeadlinesOf(Distribution distribution,
                                                       std::size_t population, std::size_t count);

// The numbers 0 to count-1 in random order, the same in every run.
std::vector<std::uint32_t> shuffled(std::size_t count, unsigned seed);

}  // namespace kairos::bench

#endif  // KAIROS_BENCH_WORKLOADS_DEADLINES_H_
