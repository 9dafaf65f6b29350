// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TESTS_SIMULATION_HISTORY_H_
#define KAIROS_TESTS_SIMULATION_HISTORY_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "kairos/reactor/reactor.h"

namespace kairos {

// What came of one history.
struct HistoryResult {
  std::string failure;         // empty: the reactor kept its contract
  std::uint64_t digest = 0;    // of all answers and callbacks, in order
  std::size_t operations = 0;  // calls and callbacks
  std::size_t callbacks = 0;
  std::size_t moves = 0;  // to another kernel set
  Clock::duration simulated{};
};

// Runs one history on a simulated machine, judged by the ReactorModel: calls at the top level and
// inside callbacks, what the outside world does, and faults, all read from `tape`. The tape is the
// whole history: the same one gives the same result, a shorter or lower one a simpler history.
//   steps   if not null, gets one line for each thing that happened
HistoryResult runHistory(std::span<const std::uint8_t> tape, std::string* steps = nullptr);

// Whether the reactor broke its contract.
inline bool hasFailed(const std::vector<std::uint8_t>& tape) {
  return !runHistory(tape).failure.empty();
}

// What to tell of a history that failed: its steps, the failure, and one line that repeats it.
std::string explain(std::span<const std::uint8_t> tape);

}  // namespace kairos

#endif  // KAIROS_TESTS_SIMULATION_HISTORY_H_
