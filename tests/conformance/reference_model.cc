// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/tests/conformance/reference_model.h"

#include <poll.h>

#include <algorithm>
#include <utility>

namespace kairos {
namespace {

// What one wait of a backend can hold at least.
constexpr std::size_t batch = 64;

std::error_code error(std::errc condition) { return std::make_error_code(condition); }

}  // namespace

bool ReferenceModel::isRegistered(std::size_t i) const { return wanted(entries_[i]).any(); }

detail::Interest ReferenceModel::wanted(const Entry& entry) {
  return {entry.slots[reading].isTaken, entry.slots[writing].isTaken};
}

std::optional<detail::Interest> ReferenceModel::watched(std::size_t i) const {
  const Entry& entry = entries_[i];
  const bool isClosed = !entry.file.isOpen && entry.told.any();
  if (entry.isUncertain || isClosed || entry.file.mayLinger) return std::nullopt;
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
    entry.isUncertain = false;
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
  timers_[name] = {deadline, ++additions_, isPolling_ ? pollNumber_ : 0};
}

bool ReferenceModel::removeTimer(std::size_t name) { return timers_.erase(name) == 1; }

Clock::time_point ReferenceModel::nextDeadline() const {
  auto next = Clock::time_point::max();
  for (const auto& [name, timer] : timers_) next = std::min(next, timer.deadline);
  return next;
}

bool ReferenceModel::isDue(const Timer& timer) const {
  return timer.deadline != Clock::time_point::max() && timer.deadline <= time_.lastWaitEnded() &&
         timer.addedIn != pollNumber_;
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
  EXPECT_TRUE(isPolling_);
  EXPECT_TRUE(slot.isTaken) << "removed";
  EXPECT_NE(slot.changedIn, pollNumber_) << "younger than its event";
  EXPECT_NE(slot.ranIn, pollNumber_) << "twice in a poll";
  const bool mayHaveFailed = time_.reopenings() > 0 && !entry.file.isOpen;
  EXPECT_TRUE(slot.isReady || slot.hasFailed || entry.isUncertain || mayHaveFailed) << "not ready";
  EXPECT_FALSE(timersHaveBegun_) << "after a timer";
  EXPECT_FALSE(d == reading && entry.slots[writing].ranIn == pollNumber_) << "after the writer";
  slot.ranIn = pollNumber_;
  slot.hasFailed = false;
}

void ReferenceModel::timerRan(std::size_t name) {
  ++runs_;
  EXPECT_TRUE(isPolling_);
  timersHaveBegun_ = true;
  const auto found = timers_.find(name);
  ASSERT_NE(found, timers_.end()) << "removed, or ran before";
  EXPECT_TRUE(isDue(found->second));
  for (const auto& [other, timer] : timers_) {
    EXPECT_FALSE(isDue(timer) && timer < found->second) << "not the first that is due";
  }
  timers_.erase(found);
}

void ReferenceModel::endPoll(Clock::duration timeout, const PollResult& result) {
  isPolling_ = false;
  EXPECT_EQ(result.callbacks, runs_);
  EXPECT_EQ(time_.waits().size(), 1u);
  if (time_.reopenings() > 0) {
    // A closed file cannot be moved to the new kernel object: it may have failed, or gone on.
    for (std::size_t i = 0; i < fileCount; ++i) {
      if (isRegistered(i) && !entries_[i].file.isOpen) entries_[i].isUncertain = true;
    }
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
      EXPECT_FALSE(isUntold && !entry.isUncertain) << "not told of its failure";
      const bool isOwed = isOld && slot.isReady && slot.ranIn != pollNumber_ && !entry.isUncertain;
      slot.starved = isOwed ? slot.starved + 1 : 0;
      EXPECT_LE(slot.starved, time_.lastBatch().size() < batch ? 0u : 2u) << "ready, but not run";
    }
  }
}

void ReferenceModel::checkTimers() const {
  for (const auto& [name, timer] : timers_) {
    EXPECT_FALSE(isDue(timer)) << "due, but not run";
  }
}

void ReferenceModel::checkWait(Clock::duration timeout) const {
  const auto ended = time_.lastWaitEnded();
  auto latest = deadlineAtBegin_;
  const bool isLimited = timeout >= Clock::duration::zero() && timeout != Reactor::forever;
  if (isLimited && timeout < latest - began_) latest = began_ + timeout;
  latest = std::max(latest, began_);
  EXPECT_LE(ended, latest) << "slept over its time";
  if (isDisturbed_ || !time_.lastBatch().empty()) return;
  EXPECT_EQ(ended, latest) << "returned for nothing";
}

}  // namespace kairos
