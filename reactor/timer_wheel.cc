// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/reactor/timer_wheel.h"

#include <algorithm>
#include <cassert>

namespace kairos::detail {

void TimerWheel::mark(unsigned bucket, Tick begin) {
  if (empty()) {
    earliest_ = never;
    earliestTimer_ = 0;
  }
  marks_[bucket / 64] |= std::uint64_t{1} << bucket % 64;
  levelsInUse_ |= 1u << bucket / buckets;
  store_.setEmpty(firstWheelList + bucket);
  if (begin < firstBegin_ || (begin == firstBegin_ && bucket > firstBucket_)) {
    firstBegin_ = begin;
    firstBucket_ = bucket;
  }
}

void TimerWheel::unmark(unsigned bucket) {
  const unsigned level = bucket / buckets;
  marks_[bucket / 64] &= ~(std::uint64_t{1} << bucket % 64);
  const auto words = marks_.begin() + std::size_t{level} * wordsPerLevel;
  const bool inUse =
      std::any_of(words, words + wordsPerLevel, [](std::uint64_t word) { return word != 0; });
  if (!inUse) levelsInUse_ &= ~(1u << level);
  if (bucket == firstBucket_) findFirst();
}

void TimerWheel::findFirst() {
  firstBegin_ = noTick;
  for (unsigned left = levelsInUse_; left != 0; left &= left - 1) {
    const auto level = static_cast<unsigned>(std::countr_zero(left));
    const Tick number = firstInLevel(level);
    const Tick begin = number << (level * stepBits);
    if (begin > firstBegin_) continue;
    firstBegin_ = begin;
    firstBucket_ = level * buckets + static_cast<unsigned>(number % buckets);
  }
}

// The first marked bucket of a level in use, as a number that goes on beyond 256.
TimerWheel::Tick TimerWheel::firstInLevel(unsigned level) const {
  const std::uint64_t* const words = &marks_[std::size_t{level} * wordsPerLevel];
  const Tick base = base_ >> (level * stepBits);
  const auto from = static_cast<unsigned>(base % buckets);
  const unsigned word = from / 64;
  const std::uint64_t rest = words[word] >> from % 64;
  if (rest != 0) return base + static_cast<unsigned>(std::countr_zero(rest));
  for (unsigned i = 1; i <= wordsPerLevel; ++i) {
    const unsigned at = (word + i) % wordsPerLevel;
    if (words[at] == 0) continue;
    const unsigned position = at * 64 + static_cast<unsigned>(std::countr_zero(words[at]));
    return base + (position + buckets - from) % buckets;
  }
  assert(false);  // levelsInUse_ says otherwise
  return base;
}

// Whether the first bucket has few timers, and no finer bucket begins within its time.
bool TimerWheel::firstHasFewAlone() const {
  const TimerIndex list = firstWheelList + firstBucket_;
  unsigned count = 0;
  for (TimerIndex i = store_.next(list); i != list; i = store_.next(i)) {
    if (++count > few) return false;
  }
  const unsigned level = firstBucket_ / buckets;
  const Tick end = firstBegin_ + (Tick{1} << (level * stepBits));
  const unsigned finer = levelsInUse_ & ((1u << level) - 1);
  for (unsigned left = finer; left != 0; left &= left - 1) {
    const auto at = static_cast<unsigned>(std::countr_zero(left));
    if (firstInLevel(at) << (at * stepBits) < end) return false;
  }
  return true;
}

// In each level the earliest timer is in the first bucket that is not empty; so is that of the
// wheel in one of those.
Nanoseconds TimerWheel::earliest(std::uint64_t additions) {
  if (earliest_ != unknown) return earliest_;
  const std::uint64_t credit = (additions - paidAdditions_) * lookedAtPerAddition;
  const std::uint64_t budget = std::max<std::uint64_t>(credit, few);
  std::uint64_t left = budget;
  earliest_ = never;
  for (unsigned todo = levelsInUse_; todo != 0; todo &= todo - 1) {
    if (findEarliest(static_cast<unsigned>(std::countr_zero(todo)), left)) continue;
    forgetEarliest();
    break;
  }
  paidAdditions_ += std::min(credit, budget - left) / lookedAtPerAddition;
  if (earliest_ == never) forgetEarliest();
  return earliest_ == unknown ? never : earliest_;
}

// False: the budget is used up.
bool TimerWheel::findEarliest(unsigned level, std::uint64_t& budget) {
  while ((levelsInUse_ >> level & 1) != 0) {
    const Tick number = firstInLevel(level);
    if (beginOf(number << (level * stepBits)) > earliest_) return true;
    const unsigned bucket = level * buckets + static_cast<unsigned>(number % buckets);
    const TimerIndex list = firstWheelList + bucket;
    for (TimerIndex i = store_.next(list); i != list; i = store_.next(i)) {
      if (budget == 0) return false;
      --budget;
      if (store_[i].deadline < earliest_) {
        earliest_ = store_[i].deadline;
        earliestTimer_ = i;
      }
    }
    if (store_.next(list) != list) return true;
    unmark(bucket);
  }
  return true;
}

void TimerWheel::splitFirst() {
  const TimerIndex list = firstWheelList + firstBucket_;
  const unsigned level = firstBucket_ / buckets;
  const Tick begin = firstBegin_;
  const Tick end = begin + (Tick{1} << (level * stepBits));
  forgetEarliest();
  if (store_.isEmpty(list)) return unmark(firstBucket_);
  const bool whole = level == 0 || (level < narrowLevels && firstHasFewAlone());
  base_ = (whole ? end : begin) - 1;
  unmark(firstBucket_);
  if (whole) {
    store_.moveAll(list, runList);
    return store_.sort(runList);
  }
  for (TimerIndex next = store_.next(list); next != list;) {
    const TimerIndex timer = next;
    next = store_.next(timer);
    add(store_[timer].deadline, timer);
  }
}

}  // namespace kairos::detail
