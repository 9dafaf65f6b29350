// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/reactor/timer_wheel.h"

#include <algorithm>
#include <bit>
#include <cassert>

namespace kairos::detail {

// The lowest level in which the tick's bucket is less than 256 buckets after that of base_.
unsigned TimerWheel::levelOf(Tick tick) const {
  const unsigned bits = static_cast<unsigned>(std::bit_width(tick - base_));
  if (bits <= bucketBits) return 0;
  const unsigned level = (bits - bucketBits + stepBits - 1) / stepBits;
  const unsigned shift = level * stepBits;
  return (tick >> shift) - (base_ >> shift) < buckets ? level : level + 1;
}

void TimerWheel::add(TimerIndex timer) {
  const Tick tick = tickOf(store_[timer].deadline);
  assert(tick > base_);
  const unsigned level = levelOf(tick);
  const Tick number = tick >> (level * stepBits);
  const auto position = static_cast<unsigned>(number % buckets);
  const unsigned bucket = level * buckets + position;
  store_.append(lists_[bucket], timer, bucket);
  occupied_[level][position / 64] |= std::uint64_t{1} << position % 64;

  const Tick begin = number << (level * stepBits);
  if (empty() || begin < firstBegin_ || (begin == firstBegin_ && bucket > firstBucket_)) {
    setFirst(bucket, begin);
  }
  levelsInUse_ |= 1u << level;
}

void TimerWheel::remove(TimerIndex timer) {
  const auto bucket = static_cast<unsigned>(store_[timer].place);
  store_.unlink(lists_[bucket], timer);
  if (!lists_[bucket].empty()) return;
  markEmpty(bucket);
  if (bucket == firstBucket_) findFirst();
}

void TimerWheel::markEmpty(unsigned bucket) {
  const unsigned level = bucket / buckets;
  const unsigned position = bucket % buckets;
  auto& words = occupied_[level];
  words[position / 64] &= ~(std::uint64_t{1} << position % 64);
  const bool levelInUse =
      std::any_of(words.begin(), words.end(), [](std::uint64_t word) { return word != 0; });
  if (!levelInUse) levelsInUse_ &= ~(1u << level);
}

void TimerWheel::setFirst(unsigned bucket, Tick begin) {
  firstBucket_ = bucket;
  firstBegin_ = begin;
  start_ = beginOf(begin);
}

void TimerWheel::findFirst() {
  start_ = never;
  bool found = false;
  for (unsigned left = levelsInUse_; left != 0; left &= left - 1) {
    const auto level = static_cast<unsigned>(std::countr_zero(left));
    const Tick number = firstInLevel(level);
    const Tick begin = number << (level * stepBits);
    if (found && begin > firstBegin_) continue;
    found = true;
    setFirst(level * buckets + static_cast<unsigned>(number % buckets), begin);
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

Nanoseconds TimerWheel::earliestOfFew() const {
  if (!firstHasFewAlone()) return never;
  Nanoseconds earliest = never;
  for (TimerIndex i = lists_[firstBucket_].head; i != 0; i = store_[i].next) {
    earliest = std::min(earliest, store_[i].deadline);
  }
  return earliest;
}

TimerList TimerWheel::takeFirstBucket() {
  const TimerList taken = lists_[firstBucket_];
  lists_[firstBucket_] = {};
  markEmpty(firstBucket_);
  return taken;
}

void TimerWheel::splitFirst(TimerList& due) {
  const unsigned level = firstBucket_ / buckets;
  const Tick width = Tick{1} << (level * stepBits);
  const Tick begin = firstBegin_;
  const bool whole = level == 0 || (level < narrowLevels && firstHasFewAlone());
  const TimerList taken = takeFirstBucket();
  base_ = whole ? begin + width - 1 : begin - 1;
  findFirst();
  for (TimerIndex next = taken.head; next != 0;) {
    const TimerIndex timer = next;
    next = store_[timer].next;
    if (tickOf(store_[timer].deadline) <= base_) {
      store_.append(due, timer, inRunList);
    } else {
      add(timer);
    }
  }
  store_.sort(due);
}

void TimerWheel::advance(Nanoseconds now) {
  const Tick tick = tickOf(now);
  if (tick <= base_) return;
  base_ = empty() ? tick : std::min(tick, std::max(base_, firstBegin_ - 1));
}

}  // namespace kairos::detail
