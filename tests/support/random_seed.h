// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TESTS_SUPPORT_RANDOM_SEED_H_
#define KAIROS_TESTS_SUPPORT_RANDOM_SEED_H_

#include <gtest/gtest.h>

#include <cstdlib>
#include <random>
#include <string>

namespace kairos {

// A new one for each run, or KAIROS_SEED from the environment to repeat a run.
inline unsigned randomSeed() {
  const char* given = std::getenv("KAIROS_SEED");
  return given != nullptr ? static_cast<unsigned>(std::stoul(given)) : std::random_device{}();
}

// How many steps a random history has: `usual`, or KAIROS_STEPS from the environment.
inline int historySteps(int usual) {
  const char* given = std::getenv("KAIROS_STEPS");
  return given != nullptr ? std::stoi(given) : usual;
}

// How many random histories a test plays: `usual`, or KAIROS_HISTORIES from the environment.
inline int historyCount(int usual) {
  const char* given = std::getenv("KAIROS_HISTORIES");
  return given != nullptr ? std::stoi(given) : usual;
}

// A source of random numbers that tells its seed wherever a check of its scope fails.
class Random {
 public:
  explicit Random(unsigned seed = randomSeed())
      : trace_(__FILE__, __LINE__, "to repeat: KAIROS_SEED=" + std::to_string(seed)),
        engine_(seed) {}

  // From 0 to `bound`, which is excluded.
  std::size_t below(std::size_t bound) { return engine_() % bound; }
  bool oneIn(std::size_t n) { return below(n) == 0; }
  std::mt19937_64& engine() { return engine_; }

 private:
  testing::ScopedTrace trace_;
  std::mt19937_64 engine_;
};

}  // namespace kairos

#endif  // KAIROS_TESTS_SUPPORT_RANDOM_SEED_H_
