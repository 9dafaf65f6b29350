// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/reactor/timer_wheel.h"

#include <algorithm>
#include <utility>

namespace kairos::detail {

void TimerWheel::markUsed(unsigned bucket, Tick begin) {
  const unsigned level = bucket / buckets;
  const unsigned position = bucket % buckets;
  occupied_[level][position / 64] |= std::uint64_t{1} << position % 64;
  if (empty()) earliest_ = never;
  levelsInUse_ |= 1u << level;
  if (begin < firstBegin_ || (begin == firstBegin_ && bucket > firstBucket_)) {
    firstBucket_ = bucket;
    firstBegin_ = begin;
  }
}

void TimerWheel::markEmpty(unsigned bucket) {
  const unsigned level = bucket / buckets;
  const unsigned position = bucket % buckets;
  auto& words = occupied_[level];
  words[position / 64] &= ~(std::uint64_t{1} << position % 64);
  const bool levelInUse =
      std::any_of(words.begin(), words.end(), [](std::uint64_t word) { return word != 0; });
  if (!levelInUse) levelsInUse_ &= ~(1u << level);
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

// The first occupied bucket of a level in use, as a number that goes on beyond 256.
TimerWheel::Tick TimerWheel::firstInLevel(unsigned level) const {
  const auto& words = occupied_[level];
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
  unsigned count = 0;
  for (TimerIndex i = lists_[firstBucket_].head; i != 0; i = store_[i].next) {
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

void TimerWheel::noteEarliest(Nanoseconds deadline) {
  earliestCount_ = deadline < earliest_ ? 1 : earliestCount_ + 1;
  earliest_ = deadline;
}

// In each level the earliest timer is in the first bucket; so is that of the wheel in one of those.
Nanoseconds TimerWheel::earliest(std::uint64_t additions) {
  if (earliest_ != unknown) return earliest_;
  const std::uint64_t credit = (additions - paidAdditions_) * lookedAtPerAddition;
  const std::uint64_t budget = std::max<std::uint64_t>(credit, few);
  std::uint64_t left = budget;
  earliest_ = never;
  for (unsigned todo = levelsInUse_; todo != 0; todo &= todo - 1) {
    if (findEarliest(static_cast<unsigned>(std::countr_zero(todo)), left)) continue;
    earliest_ = unknown;
    break;
  }
  paidAdditions_ += std::min(credit, budget - left) / lookedAtPerAddition;
  return earliest_ == unknown ? never : earliest_;
}

// False: the budget is used up.
bool TimerWheel::findEarliest(unsigned level, std::uint64_t& budget) {
  const Tick number = firstInLevel(level);
  if (beginOf(number << (level * stepBits)) > earliest_) return true;
  const TimerList& list = lists_[level * buckets + static_cast<unsigned>(number % buckets)];
  for (TimerIndex i = list.head; i != 0; i = store_[i].next) {
    if (budget == 0) return false;
    --budget;
    if (store_[i].deadline <= earliest_) noteEarliest(store_[i].deadline);
  }
  return true;
}

void TimerWheel::splitFirst(TimerList& due) {
  const unsigned level = firstBucket_ / buckets;
  const Tick width = Tick{1} << (level * stepBits);
  const Tick begin = firstBegin_;
  const bool whole = level == 0 || (level < narrowLevels && firstHasFewAlone());
  const TimerList taken = std::exchange(lists_[firstBucket_], {});
  base_ = whole ? begin + width - 1 : begin - 1;
  earliest_ = unknown;
  markEmpty(firstBucket_);
  for (TimerIndex next = taken.head; next != 0;) {
    const TimerIndex index = next;
    Timer& timer = store_[index];
    next = timer.next;
    if (whole) {
      store_.append(due, timer, index, inRunList);
    } else {
      add(timer, index);
    }
  }
  store_.sort(due);
}

void TimerWheel::advance(Nanoseconds now) {
  const Tick tick = tickOf(now);
  if (tick > base_) base_ = std::min(tick, firstBegin_ - 1);
}

}  // namespace kairos::detail
