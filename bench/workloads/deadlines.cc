// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/bench/workloads/deadlines.h"

#include <algorithm>
#include <numeric>
#include <random>

namespace kairos::bench {
namespace {

using std::chrono::nanoseconds;

constexpr nanoseconds uniformSpan = std::chrono::seconds(60);
constexpr nanoseconds equalTimeout = std::chrono::seconds(30);

std::vector<nanoseconds> uniformDeadlines(std::size_t count, unsigned seed) {
  std::mt19937_64 random(seed);
  std::uniform_int_distribution<std::int64_t> nanos(1, uniformSpan.count());
  std::vector<nanoseconds> deadlines(count);
  std::generate(deadlines.begin(), deadlines.end(), [&] { return nanoseconds(nanos(random)); });
  return deadlines;
}

// The timers that follow `before` others, of which `population` are begun in each timeout.
std::vector<nanoseconds> equalDeadlines(std::size_t population, std::size_t before,
                                        std::size_t count) {
  std::vector<nanoseconds> deadlines(count);
  for (std::size_t i = 0; i < count; ++i) {
    const auto place = static_cast<std::int64_t>(before + i);
    deadlines[i] = equalTimeout + equalTimeout * place / static_cast<std::int64_t>(population);
  }
  return deadlines;
}

}  // namespace

int samplesOf(std::size_t population) {
  if (population <= 1'000) {
    return 25;
  }
  return population <= 100'000 ? 5 : 2;
}

std::string nameOf(Distribution distribution) {
  return distribution == Distribution::uniform ? "uniform" : "equal";
}

std::vector<nanoseconds> deadlinesOf(Distribution distribution, std::size_t count) {
  return distribution == Distribution::uniform ? uniformDeadlines(count, 1)
                                               : equalDeadlines(count, 0, count);
}

std::vector<nanoseconds> laterDeadlinesOf(Distribution distribution, std::size_t population,
                                          std::size_t count) {
  return distribution == Distribution::uniform ? uniformDeadlines(count, 2)
                                               : equalDeadlines(population, population, count);
}

std::vector<std::uint32_t> shuffled(std::size_t count, unsigned seed) {
  std::vector<std::uint32_t> numbers(count);
  std::iota(numbers.begin(), numbers.end(), 0U);
  std::shuffle(numbers.begin(), numbers.end(), std::mt19937(seed));
  return numbers;
}

}  // namespace kairos::bench
