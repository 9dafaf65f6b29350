// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/tests/simulation/reactor_model.h"

#include <algorithm>
#include <utility>

namespace kairos {
namespace {

using namespace std::chrono_literals;
using detail::SimulatedKernel;

constexpr auto neverDue = Clock::time_point::max();
constexpr Clock::duration lateMax = 17ms;
// How many polls may report ended registrations before the reactor tries to move (IR3).
constexpr std::size_t orphanReportsMax = 16;
constexpr std::uint32_t brokenBits = detail::errorBit | detail::hungUpBit;

Clock::time_point saturatingAdd(Clock::time_point time, Clock::duration by) {
  return by > neverDue - time ? neverDue : time + by;
}

std::uint32_t bitsOf(detail::Interest interest) {
  return (interest.read ? detail::readableBit : 0u) | (interest.write ? detail::writableBit : 0u);
}

}  // namespace

void ReactorModel::require(bool claim, const char* otherwise) {
  if (!claim && failure_.empty()) failure_ = otherwise;
}

// ---- Descriptors

ReactorModel::Entry* ReactorModel::find(Fd fd) {
  const bool isKnown = fd >= 0 && static_cast<std::size_t>(fd) < entries_.size();
  return isKnown ? &entries_[static_cast<std::size_t>(fd)] : nullptr;
}

const ReactorModel::Entry* ReactorModel::find(Fd fd) const {
  return const_cast<ReactorModel*>(this)->find(fd);
}

ReactorModel::Entry& ReactorModel::make(Fd fd) {
  const auto number = static_cast<std::size_t>(fd);
  if (entries_.size() <= number) entries_.resize(number + 1);
  return entries_[number];
}

template <class Visit>
void ReactorModel::forEachRegistered(Visit visit) {
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    if (entries_[i].isRegistered()) visit(static_cast<Fd>(i), entries_[i]);
  }
}

bool ReactorModel::has(Fd fd, Direction d) const {
  const Entry* const entry = find(fd);
  return entry != nullptr && entry->slots[d].isTaken;
}

std::errc ReactorModel::expectedOfAdd(Fd fd, Direction d, bool isNull) const {
  if (isNull) return std::errc::invalid_argument;
  const Entry* const entry = find(fd);
  if (entry != nullptr && entry->slots[d].isTaken) return std::errc::file_exists;
  if (entry != nullptr && entry->isRegistered()) {
    return entry->isAsleep ? std::errc::bad_file_descriptor : std::errc();
  }
  if (machine_.kernel().fileOf(fd) == 0) return std::errc::bad_file_descriptor;
  return machine_.kernel().hasReadiness(fd) ? std::errc() : std::errc::operation_not_permitted;
}

// The kernel's registration is in place, for what was told.
bool ReactorModel::isTold(Fd fd) const {
  return machine_.kernel().registeredBits(machine_.lastSet(), fd) == bitsOf(find(fd)->told);
}

// IR20: a refused addition changes nothing, so nothing is noted. IR22: the kernel learns at once.
void ReactorModel::added(Fd fd, Direction d, bool isNull, Serial serial, std::error_code answer) {
  const std::errc expected = expectedOfAdd(fd, d, isNull);
  if (expected != std::errc()) return require(answer == expected, "add: the wrong refusal");
  if (std::exchange(refusalsSeen_, machine_.refusedAdditions()) != machine_.refusedAdditions()) {
    const bool isExplained =
        answer == std::errc::not_enough_memory || answer == std::errc::no_space_on_device;
    return require(isExplained, "add: the kernel's refusal is not told");
  }
  if (answer) return require(false, "add: refused for no reason");
  Entry& entry = make(fd);
  const bool isFirst = !entry.isRegistered();
  entry.slots[d] = {.isTaken = true, .serial = serial, .changedIn = pollNumber_};
  if (!isFirst) return;
  entry.file = machine_.kernel().fileOf(fd);
  entry.told = entry.wanted();
  require(isTold(fd), "add: the kernel does not know at once");
}

void ReactorModel::removed(Fd fd, Direction d, bool answer) {
  Entry* const entry = find(fd);
  const bool expected = entry != nullptr && entry->slots[d].isTaken;
  require(answer == expected, "remove: the wrong answer");
  if (!expected) return;
  entry->slots[d] = {.changedIn = pollNumber_};
  if (entry->isRegistered()) return;
  const bool wasReachable = !entry->isAsleep && machine_.kernel().fileOf(fd) == entry->file;
  entry->told = {};
  entry->isAsleep = entry->isDoubled = false;
  require(!wasReachable || isTold(fd), "remove: the kernel does not forget at once");
}

// IR22
void ReactorModel::checkKernelSet() {
  forEachRegistered([&](Fd fd, Entry& entry) {
    if (entry.isAsleep || machine_.kernel().fileOf(fd) != entry.file) return;
    require(isTold(fd), "the kernel's set is not what is registered");
  });
}

// ---- Timers

void ReactorModel::addTimer(Clock::time_point deadline, Serial serial, bool isDeferred) {
  const Timer timer{deadline, serial, isPolling_ ? pollNumber_ : 0, isDeferred};
  timers_.insert(std::upper_bound(timers_.begin(), timers_.end(), timer), timer);
}

void ReactorModel::addedAt(Clock::time_point deadline, Serial serial) {
  addTimer(deadline, serial, false);
}

void ReactorModel::addedIn(Clock::duration delay, Serial serial, std::uint64_t readingsBefore) {
  const bool isDeferred = delay <= Clock::duration::zero();
  const std::uint64_t readings = machine_.readings() - readingsBefore;
  const bool countsFromNow = !isDeferred && delay != Reactor::forever;
  require(readings == (countsFromNow ? 1u : 0u), "addTimer: the wrong readings of the clock");
  const Clock::time_point now = machine_.lastReading();
  addTimer(isDeferred ? now : saturatingAdd(now, delay), serial, isDeferred);
}

bool ReactorModel::hasTimer(Serial serial) const {
  return std::any_of(timers_.begin(), timers_.end(),
                     [serial](const Timer& timer) { return timer.serial == serial; });
}

// IR12
void ReactorModel::removedTimer(Serial serial, bool answer) {
  const auto forgotten =
      std::erase_if(timers_, [serial](const Timer& timer) { return timer.serial == serial; });
  require(answer == (forgotten == 1), "removeTimer: the wrong answer");
}

Clock::time_point ReactorModel::nextDeadline() const {
  return timers_.empty() ? neverDue : timers_.front().deadline;
}

// IR7 (never early), IR14 (not in the poll in which it was added)
bool ReactorModel::isDue(const Timer& timer) const {
  const bool comes = timer.isDeferred || timer.deadline != neverDue;
  return comes && timer.deadline <= reading_ && timer.addedIn != pollNumber_;
}

const ReactorModel::Timer* ReactorModel::firstDue() const {
  for (const Timer& timer : timers_) {
    if (timer.deadline > reading_) break;
    if (isDue(timer)) return &timer;
  }
  return nullptr;
}

// ---- Poll

bool ReactorModel::hasNothing() const {
  const bool isRegistered = std::any_of(entries_.begin(), entries_.end(),
                                        [](const Entry& entry) { return entry.isRegistered(); });
  return !isRegistered && timers_.empty();
}

void ReactorModel::reset() {
  entries_.clear();
  timers_.clear();
  orphans_ = orphanReports_ = 0;
}

void ReactorModel::beginPoll() {
  ++pollNumber_;
  isPolling_ = true;
  isSettled_ = timersHaveBegun_ = mustNotWait_ = hasOrphan_ = false;
  runs_ = place_ = 0;
  last_ = reading;
  const bool hasDeferred = std::any_of(timers_.begin(), timers_.end(),
                                       [](const Timer& timer) { return timer.isDeferred; });
  deadlineAtBegin_ = hasDeferred ? Clock::time_point::min() : nextDeadline();
  hadTimers_ = !timers_.empty();
  waitsBefore_ = machine_.lastWait().number;
  readingsBefore_ = machine_.readings();
  movesBefore_ = machine_.moves();
  refusedMovesBefore_ = machine_.refusedMoves();
  forEachRegistered([&](Fd fd, Entry& entry) {
    const bool isAsked = orphans_ > 0 || entry.told != entry.wanted();
    if (isAsked) entry.isThere = machine_.kernel().registeredBits(machine_.lastSet(), fd) != 0;
  });
}

// What the reactor has done before it calls back: moved, told the kernel of changes, waited, read
// the clock. Not done in beginPoll, because nobody but the machine knows.
void ReactorModel::settle() {
  if (std::exchange(isSettled_, true)) return;
  settleMove();
  settleChanges();
  reading_ = machine_.lastReading();
  checkClock();
  settleBatch();
}

// IR3. What moves must still be what was registered; if the OS refuses one on the way, those up to
// it have been looked at and the rest stay as they are.
void ReactorModel::settleMove() {
  const bool hasMoved = machine_.moves() != movesBefore_;
  const bool hasTried = hasMoved || machine_.refusedMoves() != refusedMovesBefore_;
  require(!hasTried || orphans_ > 0, "moved to a new set for nothing");
  if (hasTried) orphanReports_ = 0;
  if (!hasMoved) return;
  const bool isCut = machine_.refusedAdditions() != refusalsSeen_;
  refusalsSeen_ = machine_.refusedAdditions();
  forEachRegistered([&](Fd fd, Entry& entry) {
    if (entry.isAsleep || (isCut && fd > machine_.lastRefused())) return;
    if (!entry.isThere) return fallAsleep(entry);
    change(fd, entry);
    if (!isCut) entry.isDoubled = false;
  });
  if (!isCut) orphans_ = 0;
}

void ReactorModel::settleChanges() {
  forEachRegistered([&](Fd fd, Entry& entry) {
    if (entry.isAsleep || entry.told == entry.wanted()) return;
    if (!entry.isThere) return fallAsleep(entry);
    entry.told = entry.wanted();
    change(fd, entry);
  });
}

// If a file was closed before it was removed, and its number now names another one that had the
// same fate before, then the kernel has both registered under the number and takes the one for the
// other. No reactor can tell; until the entry ends or moves, both call back.
void ReactorModel::change(Fd fd, Entry& entry) {
  const SimulatedKernel::FileId file = machine_.kernel().fileOf(fd);
  entry.isDoubled = entry.isDoubled || file != entry.file;
  entry.file = file;
}

void ReactorModel::fallAsleep(Entry& entry) {
  entry.isAsleep = true;
  entry.isDoubled = false;
  entry.told = {};
  for (Slot& slot : entry.slots) slot.hasFailed = slot.isTaken;
}

void ReactorModel::checkClock() {
  const std::uint64_t readings = machine_.readings() - readingsBefore_;
  require(readings <= (hadTimers_ ? 2u : 0u), "poll reads the clock too often");
  const bool mustRead = hadTimers_ && !machine_.lastWait().error;
  require(!mustRead || reading_ >= machine_.lastWait().ended, "no reading after the wait");
}

void ReactorModel::settleBatch() {
  const std::vector<SimulatedKernel::Event>& batch = machine_.lastWait().found;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    Entry* const entry = find(batch[i].fd);
    if (entry != nullptr && entry->isDoubled) continue;
    const bool isLive = entry != nullptr && entry->isRegistered() && !entry->isAsleep &&
                        entry->file == batch[i].file;
    if (!isLive) {
      ++orphans_;
      hasOrphan_ = true;
      continue;
    }
    const bool isBroken = (batch[i].bits & brokenBits) != 0;
    entry->foundIn = pollNumber_;
    entry->place = i;
    entry->found = {isBroken || (batch[i].bits & detail::readableBit) != 0,
                    isBroken || (batch[i].bits & detail::writableBit) != 0};
  }
  forEachRegistered([&](Fd, Entry& entry) {
    for (const Slot& slot : entry.slots) mustNotWait_ = mustNotWait_ || slot.hasFailed;
  });
}

void ReactorModel::ran(Fd fd, Direction d, Serial serial) {
  settle();
  ++runs_;
  require(isPolling_, "run outside poll");
  Entry* const entry = find(fd);
  const bool isThis =
      entry != nullptr && entry->slots[d].isTaken && entry->slots[d].serial == serial;
  if (!isThis) return require(false, "IR1: run, but removed");
  Slot& slot = entry->slots[d];
  require(slot.changedIn != pollNumber_, "IR2: run for an event older than itself");
  require(!timersHaveBegun_, "run after a timer");
  require(slot.ranIn != pollNumber_, "IR5: run twice in a poll");
  slot.ranIn = pollNumber_;
  if (entry->isDoubled) return;
  if (std::exchange(slot.hasFailed, false)) return;
  const bool isFound = entry->foundIn == pollNumber_ && entry->found[d];
  if (!isFound) return require(false, "run, but not ready");
  require(entry->place >= place_, "not in the order of the kernel");
  const bool isBackwards = entry->place == place_ && d == reading && last_ == writing;
  require(!isBackwards, "IR5: the reader after the writer");
  place_ = entry->place;
  last_ = d;
}

void ReactorModel::timerRan(Serial serial) {
  settle();
  ++runs_;
  require(isPolling_, "run outside poll");
  timersHaveBegun_ = true;
  const Timer* const first = firstDue();
  const bool isFirst = first != nullptr && first->serial == serial;
  require(hasTimer(serial), "IR12: the timer was removed, or ran before");
  require(isFirst, "IR7, IR13, IR14: the timer is not due, or not the first");
  std::erase_if(timers_, [serial](const Timer& timer) { return timer.serial == serial; });
}

void ReactorModel::endPollByException() { isPolling_ = false; }

void ReactorModel::endPoll(Clock::duration timeout, const PollResult& result) {
  const bool isUnlimited = timeout < Clock::duration::zero() || timeout == Reactor::forever;
  if (isUnlimited && hasNothing() && runs_ == 0) {
    isPolling_ = false;
    require(result.error == std::errc::resource_deadlock_would_occur, "IR9: it may hang");
    return require(machine_.lastWait().number == waitsBefore_, "IR9: it waited for nothing");
  }
  settle();
  require(machine_.lastWait().number == waitsBefore_ + 1, "IR10: not exactly one wait");
  require(result.error == machine_.lastWait().error, "IR23: not the error of the wait");
  require(result.callbacks == runs_, "not as many callbacks as told");
  checkWait(timeout);
  if (result.error) {
    require(runs_ == 0, "callbacks of a wait that was refused");
  } else {
    checkDelivery();
  }
  isPolling_ = false;
}

// IR6, IR21, IR29: what was found, failed or became due has run, also if it was left over.
void ReactorModel::checkDelivery() {
  forEachRegistered([&](Fd, Entry& entry) {
    for (const Direction d : directions) {
      const Slot& slot = entry.slots[d];
      if (!slot.isTaken || slot.changedIn == pollNumber_ || slot.ranIn == pollNumber_) continue;
      require(!slot.hasFailed, "not told of its failure");
      require(entry.foundIn != pollNumber_ || !entry.found[d], "IR6: ready, but not run");
    }
  });
  require(firstDue() == nullptr, "IR12: due, but not run");
  if (hasOrphan_) ++orphanReports_;
  require(orphanReports_ <= orphanReportsMax, "IR3: an ended registration is reported for ever");
}

Clock::time_point ReactorModel::latestEnd(Clock::duration timeout) const {
  const Clock::time_point began = machine_.lastWait().began;
  if (mustNotWait_) return began;
  const bool isLimited = timeout >= Clock::duration::zero() && timeout != Reactor::forever;
  const Clock::time_point limit = isLimited ? saturatingAdd(began, timeout) : neverDue;
  return std::max(began, std::min(limit, deadlineAtBegin_));
}

// IR7, IR9
void ReactorModel::checkWait(Clock::duration timeout) {
  const detail::SimulatedMachine::WaitRecord& wait = machine_.lastWait();
  const Clock::time_point latest = latestEnd(timeout);
  const Clock::duration allowance = wait.isLate ? lateMax : Clock::duration::zero();
  require(wait.ended <= saturatingAdd(latest, allowance), "IR7: slept over its time");
  const bool mayBeEarly = wait.isDisturbed || !wait.found.empty();
  require(mayBeEarly || wait.ended >= latest || wait.error, "IR7: returned too early");
  require(!wait.error || wait.isDisturbed || latest == neverDue, "IR7: it may hang");
}

}  // namespace kairos
