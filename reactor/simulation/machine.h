// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_REACTOR_SIMULATION_MACHINE_H_
#define KAIROS_REACTOR_SIMULATION_MACHINE_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "kairos/reactor/backends/backend.h"
#include "kairos/reactor/simulation.h"
#include "kairos/reactor/simulation/kernel.h"
#include "kairos/reactor/simulation/tape.h"

namespace kairos::detail {

// A kernel, a clock, the outside world, and the tape that decides what they do.
//
//   Ownership   outlives the backends that it opens
class SimulatedMachine {
 public:
  using SetId = SimulatedKernel::SetId;

  // What the last wait did, for those who judge it.
  struct WaitRecord {
    std::uint64_t number = 0;  // of waits so far
    Clock::duration limit{};   // as it was asked for
    Clock::time_point began;
    Clock::time_point ended;
    bool isDisturbed = false;  // interrupted or refused
    bool isLate = false;
    std::error_code error;
    std::vector<SimulatedKernel::Event> found;
  };

  // Far from zero: a zero time point must not look like a recent one.
  static constexpr Clock::time_point usualStart{std::chrono::hours(1000)};

  explicit SimulatedMachine(Tape tape) : tape_(tape) {}
  SimulatedMachine(const SimulatedMachine&) = delete;
  SimulatedMachine& operator=(const SimulatedMachine&) = delete;

  OpenResult openBackend() noexcept;

  Tape& tape() { return tape_; }
  SimulatedKernel& kernel() { return kernel_; }
  const SimulatedKernel& kernel() const { return kernel_; }
  void setFaults(const SimulatedFaults& faults) { faults_ = faults; }
  // When the clock begins. Before anything else is done.
  void setStart(Clock::time_point start) { start_ = now_ = lastReading_ = start; }

  Clock::time_point now() const { return now_; }
  Clock::duration elapsed() const { return now_ - start_; }
  void advance(Clock::duration by);
  void at(Clock::time_point time, AsyncCallback callback);

  // Until the first of at(); time_point::max(): there is none.
  Clock::time_point nextOutside() const;
  const WaitRecord& lastWait() const { return wait_; }
  // What the last reading of the clock said, and how many there were.
  Clock::time_point lastReading() const { return lastReading_; }
  std::uint64_t readings() const { return readings_; }
  // How often a reactor moved to a new set, and how often it was refused one.
  std::size_t moves() const { return moves_; }
  std::size_t refusedMoves() const { return refusedMoves_; }
  // How many additions a fault refused, and the last of them.
  std::size_t refusedAdditions() const { return refusedAdditions_; }
  Fd lastRefused() const { return lastRefused_; }
  // The set of the backend that was opened or called last.
  SetId lastSet() const { return lastSet_; }

 private:
  friend class SimulatedBackend;

  // The most that one wait finds.
  static constexpr std::size_t batchMax = 64;

  struct Outside {
    Clock::time_point time;
    std::uint64_t order;
    AsyncCallback callback;
    friend bool operator>(const Outside& a, const Outside& b) {
      return a.time != b.time ? a.time > b.time : a.order > b.order;
    }
  };

  Clock::time_point read();
  // Nothing, or why a new registration, which the kernel would have taken, is refused.
  std::errc refuseAddition(Fd fd);
  bool refusesMove();
  std::error_code wait(SetId set, Clock::duration limit);
  std::error_code sleepUntilReady(SetId set, bool isUnlimited, Clock::time_point end);
  void sleepUntilInterrupted(Clock::time_point end);
  void collect(SetId set);
  void runOutside();
  Clock::duration drawDelay();

  Tape tape_;
  SimulatedKernel kernel_;
  SimulatedFaults faults_;
  Clock::time_point start_ = usualStart;
  Clock::time_point now_ = start_;
  Clock::time_point lastReading_ = start_;
  std::uint64_t readings_ = 0;
  std::vector<Outside> outside_;  // a heap, the next one first
  std::uint64_t outsideAdded_ = 0;
  WaitRecord wait_;
  std::size_t moves_ = 0;
  std::size_t refusedMoves_ = 0;
  std::size_t refusedAdditions_ = 0;
  Fd lastRefused_ = -1;
  SetId lastSet_ = 0;
};

}  // namespace kairos::detail

#endif  // KAIROS_REACTOR_SIMULATION_MACHINE_H_
