// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TESTS_CONFORMANCE_REFERENCE_MODEL_H_
#define KAIROS_TESTS_CONFORMANCE_REFERENCE_MODEL_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "kairos/tests/conformance/fixture.h"

namespace kairos {

// A reactor as simple and slow as possible, to compare with the real one: it keeps lists, asks
// poll(2) about every file, and searches. The order among ready descriptors is the OS's, so it does
// not foretell calls: it permits or forbids each one, and knows which must have come.
class ReferenceModel {
 public:
  enum Direction : unsigned { reading, writing };
  static constexpr std::size_t fileCount = 64;
  static constexpr std::size_t timerCount = 64;

  // A descriptor number of the test's own, and the file that it named last.
  struct File {
    Fd number = -1;
    bool isOpen = false;     // the number names the file
    UniqueFd copy;           // keeps the file open after the number was closed
    bool mayLinger = false;  // the OS may watch it although the reactor does not
    UniqueFd peer;
  };

  ReferenceModel(const BackendKind& kind, const VirtualTime& time) : kind_(kind), time_(time) {}

  File& file(std::size_t i) { return entries_[i].file; }
  bool isRegistered(std::size_t i) const;
  bool has(std::size_t i, Direction d) const { return entries_[i].slots[d].isTaken; }
  // Its state depends on when the OS was made to forget others: it may only be removed.
  bool isUncertain(std::size_t i) const { return isUncertain(entries_[i]); }
  // What the OS has to watch the number for, or nothing if that cannot be told.
  std::optional<detail::Interest> watched(std::size_t i) const;

  // The answers that are due; each changes the state as the reactor has to.
  std::error_code add(std::size_t i, Direction d);
  bool remove(std::size_t i, Direction d);
  void addTimer(std::size_t name, Clock::time_point deadline);
  bool removeTimer(std::size_t name);
  bool hasTimer(std::size_t name) const { return timers_[name].isPending; }

  // A file that no number reaches was left registered with the OS: polls may return early.
  void noteOrphan(UniqueFd copy) { orphans_.push_back(std::move(copy)); }
  void closeOrphans() { orphans_.clear(); }

  // Around a poll. `foundNothing`: the wait is interrupted or refused.
  void beginPoll(bool foundNothing);
  void endPoll(Clock::duration timeout, const PollResult& result);

  // In each callback.
  void ran(std::size_t i, Direction d);
  void timerRan(std::size_t name);

  Clock::time_point nextDeadline() const;

 private:
  struct Slot {
    bool isTaken = false;
    std::uint64_t changedIn = 0;  // number of the poll
    std::uint64_t ranIn = 0;
    bool isReady = false;    // for this poll
    bool hasFailed = false;  // to be told once
    std::size_t starved = 0;
  };
  struct Entry {
    File file;
    std::array<Slot, 2> slots;
    detail::Interest told;  // what the OS knows
    bool isAsleep = false;
    bool wasLeftBehind = false;  // closed when the others moved to another kernel object
  };
  struct Timer {
    Clock::time_point deadline;
    std::uint64_t order;
    std::uint64_t addedIn;
    bool isPending;
    friend bool operator<(const Timer& a, const Timer& b) {
      return a.deadline != b.deadline ? a.deadline < b.deadline : a.order < b.order;
    }
  };

  static detail::Interest wanted(const Entry& entry);
  bool isUncertain(const Entry& entry) const;
  void applyChange(Entry& entry);
  void askFiles();
  bool isDue(const Timer& timer) const;
  void checkDescriptors();
  void checkTimers() const;
  void checkWait(Clock::duration timeout) const;

  const BackendKind kind_;
  const VirtualTime& time_;
  std::array<Entry, fileCount> entries_;
  std::array<Timer, timerCount> timers_{};
  std::vector<UniqueFd> orphans_;
  std::uint64_t additions_ = 0;
  std::uint64_t pollNumber_ = 1;
  std::size_t runs_ = 0;  // in this poll
  bool isPolling_ = false;
  bool timersHaveBegun_ = false;
  bool foundNothing_ = false;
  bool isDisturbed_ = false;  // this poll may end before its time
  Clock::time_point began_;
  Clock::time_point deadlineAtBegin_;
};

}  // namespace kairos

#endif  // KAIROS_TESTS_CONFORMANCE_REFERENCE_MODEL_H_
