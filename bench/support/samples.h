// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_BENCH_SUPPORT_SAMPLES_H_
#define KAIROS_BENCH_SUPPORT_SAMPLES_H_

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <string>

namespace kairos::bench {

// How much every benchmark does; from the command line.
struct Amount {
  int samples = 0;             // iterations of each benchmark; 0: as the workload says
  std::size_t operations = 0;  // operations of one sample; 0: as the workload says
};

Amount& amount();

inline std::size_t operationsPerSample(std::size_t usual) {
  return amount().operations != 0 ? amount().operations : usual;
}

// The usual number of samples. They take about a millisecond each, less than a time slice, so that
// some of them are not disturbed where another program wants the processor too.
inline constexpr int shortSamples = 100;

// Registers a benchmark whose iterations are `samples` samples, each timed by hand.
void enroll(const std::string& name, int samples, std::function<void(benchmark::State&)> function);

// What the samples of one kind of operation took: the smallest time per operation, because what
// disturbs a sample on a shared machine only ever adds to it.
class Samples {
 public:
  void add(std::int64_t elapsed, std::size_t operations) {
    best_ = std::min(best_, static_cast<double>(elapsed) / static_cast<double>(operations));
    elapsed_ += elapsed;
    operations_ += operations;
  }

  double best() const { return best_; }
  std::int64_t elapsed() const { return elapsed_; }
  std::size_t operations() const { return operations_; }

 private:
  double best_ = std::numeric_limits<double>::infinity();
  std::int64_t elapsed_ = 0;
  std::size_t operations_ = 0;
};

// Runs `sample(samples)` in each iteration and hands its time to Google Benchmark. The counters:
// ns, the best time per operation, and ops, all operations timed.
template <class Sample>
void runSamples(benchmark::State& state, Sample sample) {
  Samples samples;
  for ([[maybe_unused]] auto iteration : state) {
    const std::int64_t before = samples.elapsed();
    sample(samples);
    state.SetIterationTime(static_cast<double>(samples.elapsed() - before) * 1e-9);
  }
  state.counters["ns"] = samples.best();
  state.counters["ops"] = static_cast<double>(samples.operations());
}

}  // namespace kairos::bench

#endif  // KAIROS_BENCH_SUPPORT_SAMPLES_H_
