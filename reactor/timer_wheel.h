// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_REACTOR_TIMER_WHEEL_H_
#define KAIROS_REACTOR_TIMER_WHEEL_H_

#include <array>
#include <bit>
#include <cstdint>
#include <limits>

#include "kairos/reactor/timer_store.h"

namespace kairos::detail {

// The timers that are not due soon, in buckets of time, unordered within a bucket: adding and
// removing take the same few steps whatever their number.
//
// Time is cut into ticks of 4096 ns. Level l has 256 buckets of 16^l ticks each; a timer lies in
// the lowest level whose buckets reach it from `base_`, the tick up to which the wheel has been
// emptied. So a bucket is narrower than a sixteenth of the time to go when its timers were added:
// when the first bucket is split into finer ones, only that part of the timers moves, and none
// moves more than a few times in its life. (After Varghese and Lauck, "Hashed and Hierarchical
// Timing Wheels", SOSP 1987; exact order is restored by sorting what leaves the wheel.)
//
// A removed timer is simply taken out of its ring; that a bucket became empty is found out when its
// time comes.
//
// The earliest deadline is found by looking at the first buckets, and remembered. So that a user
// who keeps removing the earliest of many timers does not make every poll look at many, each
// addition pays for some looking in advance; beyond that the bucket is split before its time, after
// which there is less to look at.
//
// Invariants: every timer's tick is after base_. In each level the marked buckets lie less than
// 256 buckets after that of base_, so a bucket's number tells its time; the others are empty.
// firstBucket_ is the marked bucket that begins first, the widest one of several.
class TimerWheel {
 public:
  explicit TimerWheel(TimerStore& store) : store_(store) {}

  // Whether no bucket is marked.
  bool empty() const { return levelsInUse_ == 0; }

  // False: the timer's time has been emptied already.
  bool add(Nanoseconds deadline, TimerIndex timer);
  // Tells that the timer, which may be in the wheel, is being taken out of its list.
  void noteRemoved(TimerIndex timer) {
    if (timer == earliestTimer_) forgetEarliest();
  }

  // Whether a timer of the wheel may be due by `time`.
  bool startsBy(Nanoseconds time) const { return firstBegin_ <= tickOf(time); }

  // The earliest deadline. `never`: that would take looking at many timers too often, or nothing
  // was found; split first. `additions` counts the timers that were ever added.
  Nanoseconds earliest(std::uint64_t additions);

  // Moves the first bucket: into the run list, sorted, as far as it is narrow, else into finer
  // buckets. Everything in the run list afterwards runs before everything in the wheel. Requires a
  // wheel that is not empty, and an empty run list. May find that nothing was left in the bucket.
  void splitFirst();

  // Tells the wheel the time, so that timers are placed by the time they have to go.
  void advance(Nanoseconds now) {
    const Tick tick = tickOf(now);
    if (tick > base_) base_ = tick < firstBegin_ ? tick : firstBegin_ - 1;
  }

 private:
  using Tick = std::uint64_t;  // order-preserving, also for negative deadlines

  static constexpr unsigned tickBits = 12;  // 4096 ns
  static constexpr unsigned stepBits = 4;
  static constexpr unsigned bucketBits = 8;
  static constexpr unsigned buckets = 1u << bucketBits;
  static constexpr unsigned wordsPerLevel = buckets / 64;
  static constexpr unsigned levels = 12;       // the last one reaches over all 52 bits of a tick
  static constexpr unsigned narrowLevels = 5;  // up to 2^28 ns: worth sorting instead of splitting
  static constexpr unsigned few = 32;          // timers that may be looked at any time
  static constexpr unsigned lookedAtPerAddition = 8;
  static_assert(levels * buckets == wheelListsEnd - firstWheelList);

  static constexpr Tick noTick = ~Tick{0};
  static constexpr Nanoseconds unknown = std::numeric_limits<Nanoseconds>::min();

  static constexpr std::uint64_t signBit = std::uint64_t{1} << 63;

  static Tick tickOf(Nanoseconds deadline) {
    return (static_cast<std::uint64_t>(deadline) ^ signBit) >> tickBits;
  }
  static Nanoseconds beginOf(Tick tick) {
    return static_cast<Nanoseconds>((tick << tickBits) ^ signBit);
  }

  unsigned levelOf(Tick tick) const;
  bool isMarked(unsigned bucket) const { return (marks_[bucket / 64] >> bucket % 64 & 1) != 0; }
  void mark(unsigned bucket, Tick begin);
  void unmark(unsigned bucket);
  void findFirst();
  Tick firstInLevel(unsigned level) const;
  void forgetEarliest() {
    earliest_ = unknown;
    earliestTimer_ = 0;
  }
  bool findEarliest(unsigned level, std::uint64_t& budget);
  bool firstHasFewAlone() const;

  TimerStore& store_;
  Tick base_ = 0;
  Tick firstBegin_ = noTick;         // of firstBucket_; noTick: the wheel is empty
  unsigned firstBucket_ = 0;         // level * buckets + position
  Nanoseconds earliest_ = unknown;   // of all timers
  TimerIndex earliestTimer_ = 0;     // the one that has it
  unsigned levelsInUse_ = 0;         // a bit for each level with marks
  std::uint64_t paidAdditions_ = 0;  // those whose share of looking was used
  std::array<std::uint64_t, std::size_t{levels} * wordsPerLevel> marks_{};
};

// ---- What happens for every timer, inline

// The lowest level in which the tick's bucket is less than 256 buckets after that of base_.
inline unsigned TimerWheel::levelOf(Tick tick) const {
  constexpr unsigned below = bucketBits - stepBits + 1;  // bits that level 0 has in any case
  const Tick distance = (tick - base_) | (Tick{1} << (below - 1));
  const unsigned level = (static_cast<unsigned>(std::bit_width(distance)) - below) / stepBits;
  const unsigned shift = level * stepBits;
  return level + ((tick >> shift) - (base_ >> shift) < buckets ? 0 : 1);
}

inline bool TimerWheel::add(Nanoseconds deadline, TimerIndex timer) {
  const Tick tick = tickOf(deadline);
  if (tick <= base_) return false;
  const unsigned level = levelOf(tick);
  const Tick number = tick >> (level * stepBits);
  const unsigned bucket = level * buckets + static_cast<unsigned>(number % buckets);
  if (!isMarked(bucket)) [[unlikely]]
    mark(bucket, number << (level * stepBits));
  store_.append(firstWheelList + bucket, timer);
  if (deadline < earliest_) {
    earliest_ = deadline;
    earliestTimer_ = timer;
  }
  return true;
}

}  // namespace kairos::detail

#endif  // KAIROS_REACTOR_TIMER_WHEEL_H_
