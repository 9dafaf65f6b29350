// SPDX-License-Identifier: MIT OR Apache-2.0
// Runs histories against the reference model for as long as asked:
//
//   bazel run -c opt //tests/simulation:explore -- [--seconds N] [--seed S] [--bytes B]
//   bazel run //tests/simulation:explore -- --tape HEX    one history, with its steps
//
// Ends with what was done; exit status 1 if a history failed, which is told with its steps.

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "kairos/tests/simulation/history.h"
#include "kairos/tests/simulation/shrink.h"
#include "kairos/tests/simulation/tapes.h"

namespace kairos {
namespace {

struct Options {
  std::uint64_t seconds = 10;
  std::uint64_t seed = 1;
  std::uint64_t bytes = 2000;
  TapeBytes tape;
};

std::optional<Options> optionsOf(std::span<char*> words) {
  Options options;
  for (std::size_t i = 1; i < words.size(); i += 2) {
    const std::string_view name = words[i];
    if (i + 1 == words.size()) return std::nullopt;
    const char* const value = words[i + 1];
    char* end = nullptr;
    const std::uint64_t number = std::strtoull(value, &end, 10);
    if (name == "--tape") {
      options.tape = tapeOfHex(value);
      if (options.tape.empty()) return std::nullopt;
      continue;
    }
    std::uint64_t* const option = name == "--seconds" ? &options.seconds
                                  : name == "--seed"  ? &options.seed
                                  : name == "--bytes" ? &options.bytes
                                                      : nullptr;
    if (option == nullptr || *end != '\0' || end == value) return std::nullopt;
    *option = number;
  }
  return options;
}

int explore(const Options& options) {
  using Seconds = std::chrono::duration<double>;
  constexpr std::size_t failuresTold = 3;
  const auto began = std::chrono::steady_clock::now();
  const auto elapsed = [&] { return Seconds(std::chrono::steady_clock::now() - began).count(); };
  std::size_t histories = 0;
  std::size_t operations = 0;
  std::size_t callbacks = 0;
  std::size_t failures = 0;
  double simulated = 0;
  for (; elapsed() < static_cast<double>(options.seconds); ++histories) {
    const auto tape = tapeOf(options.seed + histories, options.bytes);
    const HistoryResult result = runHistory(tape);
    operations += result.operations;
    callbacks += result.callbacks;
    simulated += Seconds(result.simulated).count();
    if (result.failure.empty() || ++failures > failuresTold) continue;
    std::printf("seed %llu fails:\n%s\n", static_cast<unsigned long long>(options.seed + histories),
                explain(shrink(tape, hasFailed)).c_str());
  }
  const double seconds = elapsed();
  std::printf(
      "%zu histories, %zu operations, %zu of them callbacks, %.0f simulated hours, "
      "%.2f million operations per second, %zu failures\n",
      histories, operations, callbacks, simulated / 3600,
      static_cast<double>(operations) / seconds / 1e6, failures);
  return failures == 0 ? 0 : 1;
}

int replay(const TapeBytes& tape) {
  std::printf("%s%s\n", explain(tape).c_str(), hasFailed(tape) ? "fails" : "nothing is wrong");
  return hasFailed(tape) ? 1 : 0;
}

}  // namespace
}  // namespace kairos

int main(int argc, char** argv) {
  const auto options = kairos::optionsOf(std::span(argv, static_cast<std::size_t>(argc)));
  if (!options) {
    std::fprintf(stderr, "usage: explore [--seconds N] [--seed S] [--bytes B] | --tape HEX\n");
    return 2;
  }
  return options->tape.empty() ? kairos::explore(*options) : kairos::replay(options->tape);
}
