// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/reactor/simulation/machine.h"

#include <algorithm>
#include <functional>
#include <utility>

namespace kairos::detail {
namespace {

Clock::time_point saturatingAdd(Clock::time_point time, Clock::duration by) {
  return by > Clock::time_point::max() - time ? Clock::time_point::max() : time + by;
}

}  // namespace

// ---- Time

void SimulatedMachine::advance(Clock::duration by) { now_ = saturatingAdd(now_, by); }

Clock::time_point SimulatedMachine::read() {
  ++readings_;
  if (tape_.oneIn(faults_.passingTime)) advance(Clock::duration(tape_.byte()));
  return lastReading_ = now_;
}

void SimulatedMachine::at(Clock::time_point time, AsyncCallback callback) {
  outside_.push_back({time, ++outsideAdded_, callback});
  std::push_heap(outside_.begin(), outside_.end(), std::greater());
}

Clock::time_point SimulatedMachine::nextOutside() const {
  return outside_.empty() ? Clock::time_point::max() : outside_.front().time;
}

void SimulatedMachine::runOutside() {
  while (!outside_.empty() && outside_.front().time <= now_) {
    std::pop_heap(outside_.begin(), outside_.end(), std::greater());
    const AsyncCallback callback = outside_.back().callback;
    outside_.pop_back();
    callback.function(callback.udata);
  }
}

// Sizes of every magnitude, from a nanosecond to 17 milliseconds.
Clock::duration SimulatedMachine::drawDelay() {
  const std::uint64_t magnitude = tape_.below(25);
  return Clock::duration(1 + tape_.below(std::uint64_t{1} << magnitude));
}

// ---- Waiting

std::error_code SimulatedMachine::wait(SetId set, Clock::duration limit) {
  const bool isUnlimited = limit < Clock::duration::zero() || limit == Reactor::forever;
  const auto end = isUnlimited ? Clock::time_point::max() : saturatingAdd(now_, limit);
  wait_.found.clear();
  wait_ = {wait_.number + 1, limit, now_, now_, false, false, {}, std::move(wait_.found)};
  if (tape_.oneIn(faults_.refusedWait)) {
    wait_.isDisturbed = true;
    wait_.error = std::make_error_code(std::errc::not_enough_memory);
  } else if (tape_.oneIn(faults_.interruptedWait)) {
    wait_.isDisturbed = true;
    sleepUntilInterrupted(end);
  } else {
    wait_.error = sleepUntilReady(set, isUnlimited, end);
  }
  wait_.ended = now_;
  return wait_.error;
}

void SimulatedMachine::sleepUntilInterrupted(Clock::time_point end) {
  if (now_ < end) now_ = std::min(end, saturatingAdd(now_, drawDelay()));
  runOutside();
}

std::error_code SimulatedMachine::sleepUntilReady(SetId set, bool isUnlimited,
                                                  Clock::time_point end) {
  for (;;) {
    runOutside();
    collect(set);
    if (!wait_.found.empty() || now_ >= end) return {};
    if (nextOutside() <= end && !outside_.empty()) {
      now_ = nextOutside();
    } else if (isUnlimited) {
      return std::make_error_code(std::errc::timed_out);
    } else {
      wait_.isLate = tape_.oneIn(faults_.lateWakeUp);
      now_ = wait_.isLate ? saturatingAdd(end, drawDelay()) : end;
    }
  }
}

void SimulatedMachine::collect(SetId set) {
  std::vector<SimulatedKernel::Event>& found = wait_.found;
  const bool isShort = tape_.oneIn(faults_.shortBatch);
  kernel_.collect(set, isShort ? 1 + tape_.below(batchMax) : batchMax, found);
  if (found.size() < 2 || !tape_.oneIn(faults_.anyOrder)) return;
  for (std::size_t i = 1; i < found.size(); ++i) std::swap(found[i], found[tape_.below(i + 1)]);
}

// ---- Refusals

std::errc SimulatedMachine::refuseAddition(Fd fd) {
  if (!tape_.oneIn(faults_.refusedAddition)) return {};
  ++refusedAdditions_;
  lastRefused_ = fd;
  return tape_.below(2) == 0 ? std::errc::not_enough_memory : std::errc::no_space_on_device;
}

bool SimulatedMachine::refusesMove() {
  const bool refused = tape_.oneIn(faults_.refusedSet);
  ++(refused ? refusedMoves_ : moves_);
  return refused;
}

}  // namespace kairos::detail
