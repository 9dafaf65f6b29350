// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/tests/conformance/reference_model.h"

#include <poll.h>

#include <algorithm>
#include <utility>

namespace kairos {
namespace {

// What one wait of a backend can hold at least.
constexpr std::size_t batch = 64;

// As EXPECT_TRUE, which is slow when it is true: these are asked millions of times.
void require(bool claim, const char* otherwise) {
  if (!claim) ADD_FAILURE() << otherwise;
}

std::error_code error(std::errc condition) { return std::make_error_code(condition); }

}  // namespace

bool ReferenceModel::isRegistered(std::size_t i) const { return wanted(entries_[i]).any(); }

detail::Interest ReferenceModel::wanted(const Entry& entry) {
  return {entry.slots[reading].isTaken, entry.slots[writing].isTaken};
}

// A closed file cannot be moved to another kernel object: it may have failed then, or gone on.
bool ReferenceModel::isUncertain(const Entry& entry) const {
  return entry.wasLeftBehind || (time_.reopenings() > 0 && !entry.file.isOpen);
}

std::optional<detail::Interest> ReferenceModel::watched(std::size_t i) const {
  const Entry& entry = entries_[i];
  const bool isClosed = !entry.file.isOpen && entry.told.any();
  const bool mayBeOld = entry.file.mayLinger || !orphans_.empty();
  if (isUncertain(entry) || isClosed || mayBeOld) return std::nullopt;
  return entry.isAsleep ? detail::Interest() : entry.told;
}

// ---- Descriptors

std::error_code ReferenceModel::add(std::size_t i, Direction d) {
  Entry& entry = entries_[i];
  Slot& slot = entry.slots[d];
  if (slot.isTaken) return error(std::errc::file_exists);
  if (!isRegistered(i)) {
    if (!entry.file.isOpen) return error(std::errc::bad_file_descriptor);
    (d == reading ? entry.told.read : entry.told.write) = true;
  } else if (entry.isAsleep) {
    return error(std::errc::bad_file_descriptor);
  }
  slot = {.isTaken = true, .changedIn = pollNumber_};
  return {};
}

bool ReferenceModel::remove(std::size_t i, Direction d) {
  Entry& entry = entries_[i];
  if (!std::exchange(entry.slots[d], {.changedIn = pollNumber_}).isTaken) return false;
  if (!isRegistered(i)) {
    entry.told = {};
    entry.isAsleep = false;
    entry.wasLeftBehind = false;
  }
  return true;
}

void ReferenceModel::applyChange(Entry& entry) {
  const detail::Interest now = wanted(entry);
  if (!now.any() || entry.isAsleep || now == entry.told) return;
  if (entry.file.isOpen) {
    entry.told = now;
    return;
  }
  entry.isAsleep = true;
  for (Slot& slot : entry.slots) slot.hasFailed = slot.isTaken;
}

// ---- Timers

void ReferenceModel::addTimer(std::size_t name, Clock::time_point deadline) {
  timers_[name] = {deadline, ++additions_, isPolling_ ? pollNumber_ : 0, true};
}

bool ReferenceModel::removeTimer(std::size_t name) {
  return std::exchange(timers_[name].isPending, false);
}

Clock::time_point ReferenceModel::nextDeadline() const {
  auto next = Clock::time_point::max();
  for (const Timer& timer : timers_) {
    if (timer.isPending) next = std::min(next, timer.deadline);
  }
  return next;
}

bool ReferenceModel::isDue(const Timer& timer) const {
  return timer.isPending && timer.deadline != Clock::time_point::max() &&
         timer.deadline <= time_.lastWaitEnded() && timer.addedIn != pollNumber_;
}

// ---- Poll

void ReferenceModel::beginPoll(bool foundNothing) {
  ++pollNumber_;
  runs_ = 0;
  isPolling_ = true;
  timersHaveBegun_ = false;
  foundNothing_ = foundNothing;
  isDisturbed_ = foundNothing || !orphans_.empty();
  for (Entry& entry : entries_) applyChange(entry);
  askFiles();
  began_ = time_.now();
  deadlineAtBegin_ = nextDeadline();
}

void ReferenceModel::askFiles() {
  std::array<pollfd, fileCount> asked{};
  for (std::size_t i = 0; i < fileCount; ++i) {
    const File& named = entries_[i].file;
    asked[i] = {named.isOpen ? named.number : named.copy.get(), POLLIN | POLLOUT, 0};
  }
  ::poll(asked.data(), asked.size(), 0);
  for (std::size_t i = 0; i < fileCount; ++i) {
    Entry& entry = entries_[i];
    const bool isClosed = !entry.file.isOpen && isRegistered(i);
    const bool isWatched = !entry.isAsleep && (!isClosed || kind_.keepsClosedDuplicates);
    const auto is = [&](int bits) {
      return isWatched && !foundNothing_ && (asked[i].revents & (bits | POLLHUP | POLLERR)) != 0;
    };
    entry.slots[reading].isReady = is(POLLIN);
    entry.slots[writing].isReady = is(POLLOUT);
    isDisturbed_ = isDisturbed_ || isClosed || entry.file.mayLinger;
  }
}

void ReferenceModel::ran(std::size_t i, Direction d) {
  Entry& entry = entries_[i];
  Slot& slot = entry.slots[d];
  ++runs_;
  require(isPolling_, "run outside poll");
  require(slot.isTaken, "run, but removed");
  require(slot.changedIn != pollNumber_, "run for an event older than itself");
  require(slot.ranIn != pollNumber_, "run twice in a poll");
  require(slot.isReady || slot.hasFailed || isUncertain(entry), "run, but not ready");
  require(!timersHaveBegun_, "run after a timer");
  require(d == writing || entry.slots[writing].ranIn != pollNumber_, "reader run after the writer");
  slot.ranIn = pollNumber_;
  slot.hasFailed = false;
}

void ReferenceModel::timerRan(std::size_t name) {
  ++runs_;
  require(isPolling_, "run outside poll");
  timersHaveBegun_ = true;
  require(timers_[name].isPending, "run, but removed, or run before");
  require(isDue(timers_[name]), "run, but not due");
  for (const Timer& other : timers_) {
    require(!isDue(other) || !(other < timers_[name]), "run before another that was due first");
  }
  timers_[name].isPending = false;
}

void ReferenceModel::endPoll(Clock::duration timeout, const PollResult& result) {
  isPolling_ = false;
  EXPECT_EQ(result.callbacks, runs_);
  EXPECT_EQ(time_.waits().size(), 1u);
  for (std::size_t i = 0; i < fileCount; ++i) {
    entries_[i].wasLeftBehind = isRegistered(i) && isUncertain(entries_[i]);
  }
  if (result.error) return;
  checkDescriptors();
  checkTimers();
  checkWait(timeout);
}

void ReferenceModel::checkDescriptors() {
  for (Entry& entry : entries_) {
    for (Slot& slot : entry.slots) {
      const bool isOld = slot.isTaken && slot.changedIn != pollNumber_;
      const bool isUntold = isOld && slot.hasFailed && !foundNothing_;
      require(!isUntold || isUncertain(entry), "not told of its failure");
      const bool isOwed = isOld && slot.isReady && slot.ranIn != pollNumber_ && !isUncertain(entry);
      slot.starved = isOwed ? slot.starved + 1 : 0;
      require(slot.starved <= (time_.lastBatch().size() < batch ? 0u : 2u), "ready, but not run");
    }
  }
}

void ReferenceModel::checkTimers() const {
  for (const Timer& timer : timers_) require(!isDue(timer), "due, but not run");
}

void ReferenceModel::checkWait(Clock::duration timeout) const {
  const auto ended = time_.lastWaitEnded();
  auto latest = deadlineAtBegin_;
  const bool isLimited = timeout >= Clock::duration::zero() && timeout != Reactor::forever;
  if (isLimited && timeout < latest - began_) latest = began_ + timeout;
  latest = std::max(latest, began_);
  require(ended <= latest, "slept over its time");
  if (isDisturbed_ || !time_.lastBatch().empty()) return;
  require(ended == latest, "returned for nothing");
}

}  // namespace kairos
