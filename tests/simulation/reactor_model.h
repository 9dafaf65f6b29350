// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TESTS_SIMULATION_REACTOR_MODEL_H_
#define KAIROS_TESTS_SIMULATION_REACTOR_MODEL_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <system_error>
#include <vector>

#include "kairos/reactor/backends/backend.h"
#include "kairos/reactor/reactor.h"
#include "kairos/reactor/simulation/machine.h"

namespace kairos {

// The contract of a Reactor as a judge: it is told every call with its answer and every callback,
// and knows what the simulated machine did. It does not foretell callbacks: it permits or forbids
// each when it comes, and at the end of a poll knows which must have come. Written from the
// contract, with lists and searches; shares nothing with the reactor.
//
// The invariants IR1 to IR30 are named where they are judged; tests/README.md says what they are.
class ReactorModel {
 public:
  enum Direction : unsigned { reading, writing };
  static constexpr std::array directions{reading, writing};
  // Names one addition of a callback or a timer.
  using Serial = std::uint64_t;

  explicit ReactorModel(const detail::SimulatedMachine& machine) : machine_(machine) {}

  // The first thing that was wrong; empty: nothing yet.
  const std::string& failure() const { return failure_; }
  bool hasFailed() const { return !failure_.empty(); }
  // For what the driver itself finds.
  void require(bool claim, const char* otherwise);

  // ---- Descriptors: around each call

  void added(Fd fd, Direction d, bool isNull, Serial serial, std::error_code answer);
  void removed(Fd fd, Direction d, bool answer);
  bool has(Fd fd, Direction d) const;

  // ---- Timers: after each call. `readingsBefore` are those of the machine.

  void addedAt(Clock::time_point deadline, Serial serial);
  void addedIn(Clock::duration delay, Serial serial, std::uint64_t readingsBefore);
  void removedTimer(Serial serial, bool answer);
  bool hasTimer(Serial serial) const;

  // ---- Poll

  void beginPoll();
  void endPoll(Clock::duration timeout, const PollResult& result);
  // A callback threw, so the rest is for the next poll.
  void endPollByException();
  bool isPolling() const { return isPolling_; }

  // In each callback, first.
  void ran(Fd fd, Direction d, Serial serial);
  void timerRan(Serial serial);

  // Forgets all, as the reactor's destructor.
  void reset();

  // Whether the kernel was told what is registered. Between calls.
  void checkKernelSet();

  Clock::time_point nextDeadline() const;
  bool hasNothing() const;

 private:
  struct Slot {
    bool isTaken = false;
    Serial serial = 0;
    std::uint64_t changedIn = 0;  // number of the poll
    std::uint64_t ranIn = 0;
    bool hasFailed = false;  // to be told once
  };
  struct Entry {
    std::array<Slot, 2> slots;
    detail::SimulatedKernel::FileId file = 0;  // that the kernel was told of
    detail::Interest told;                     // what for
    bool isAsleep = false;
    bool isDoubled = false;     // see change()
    bool isThere = false;       // in this poll: the number still names what is registered
    std::uint64_t foundIn = 0;  // number of the poll whose wait found it
    std::size_t place = 0;      // in that batch
    std::array<bool, 2> found{};
    detail::Interest wanted() const { return {slots[0].isTaken, slots[1].isTaken}; }
    bool isRegistered() const { return wanted().any(); }
  };
  struct Timer {
    Clock::time_point deadline;
    Serial serial;          // later additions have larger ones
    std::uint64_t addedIn;  // the poll inside which it was added; 0: none
    bool isDeferred;        // runs in the next poll, also at the end of time
    friend bool operator<(const Timer& a, const Timer& b) {
      return a.deadline != b.deadline ? a.deadline < b.deadline : a.serial < b.serial;
    }
  };

  Entry* find(Fd fd);
  const Entry* find(Fd fd) const;
  Entry& make(Fd fd);
  template <class Visit>
  void forEachRegistered(Visit visit);

  std::errc expectedOfAdd(Fd fd, Direction d, bool isNull) const;
  void fill(Slot& slot, Serial serial);
  void addTimer(Clock::time_point deadline, Serial serial, bool isDeferred);
  bool isDue(const Timer& timer) const;
  const Timer* firstDue() const;

  void settle();
  void settleMove();
  void settleChanges();
  void settleBatch();
  void change(Fd fd, Entry& entry);
  void fallAsleep(Entry& entry);
  void checkDelivery();
  void checkClock();
  void checkWait(Clock::duration timeout);
  bool isTold(Fd fd) const;
  Clock::time_point latestEnd(Clock::duration timeout) const;

  const detail::SimulatedMachine& machine_;
  std::string failure_;
  std::vector<Entry> entries_;  // by descriptor
  std::vector<Timer> timers_;   // in order
  std::uint64_t pollNumber_ = 1;
  bool isPolling_ = false;

  // Of the poll that is running.
  bool isSettled_ = false;  // what came before the first callback is known
  bool timersHaveBegun_ = false;
  std::size_t runs_ = 0;
  std::size_t place_ = 0;      // of the last callback of a descriptor
  Direction last_ = reading;   // and its direction
  Clock::time_point reading_;  // by which timers are due
  Clock::time_point deadlineAtBegin_;
  bool mustNotWait_ = false;  // a failure is to be run
  bool hadTimers_ = false;
  std::uint64_t waitsBefore_ = 0;
  std::uint64_t readingsBefore_ = 0;
  bool hasOrphan_ = false;
  std::size_t movesBefore_ = 0;
  std::size_t refusedMovesBefore_ = 0;
  std::size_t refusalsSeen_ = 0;

  std::size_t orphans_ = 0;        // events of ended registrations since the last move
  std::size_t orphanReports_ = 0;  // polls that ran such since the last attempt to move
};

}  // namespace kairos

#endif  // KAIROS_TESTS_SIMULATION_REACTOR_MODEL_H_
