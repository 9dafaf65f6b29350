// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_REACTOR_TIMER_WHEEL_H_
#define KAIROS_REACTOR_TIMER_WHEEL_H_

#include <array>
#include <bit>
#include <cassert>
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
// The earliest deadline is found by looking at the first buckets, and remembered. So that a user
// who keeps removing the earliest of many timers does not make every poll look at many, each
// addition pays for some looking in advance; beyond that the bucket is split before its time, after
// which there is less to look at.
//
// Invariants: every timer's tick is after base_. In each level the occupied buckets lie less than
// 256 buckets after that of base_, so a bucket's number tells its time. firstBucket_ is the
// occupied bucket that begins first, the widest one of several.
class TimerWheel {
 public:
  explicit TimerWheel(TimerStore& store) : store_(store) {}

  bool empty() const { return levelsInUse_ == 0; }

  // False: the timer's time has been emptied already.
  bool add(Timer& timer, TimerIndex index);
  void remove(Timer& timer);

  // Whether a timer of the wheel may be due by `time`.
  bool startsBy(Nanoseconds time) const { return firstBegin_ <= tickOf(time); }

  // The earliest deadline. `never`: that would take looking at many timers too often; split first.
  // `additions` counts the timers that were ever added. Requires a wheel that is not empty.
  Nanoseconds earliest(std::uint64_t additions);

  // Moves the first bucket: into `due`, sorted, as far as it is narrow, else into finer buckets.
  // Everything in `due` afterwards runs before everything in the wheel. Requires a wheel that is
  // not empty, and an empty `due`.
  void splitFirst(TimerList& due);

  // Tells the wheel the time, so that timers are placed by the time they have to go.
  void advance(Nanoseconds now);

 private:
  using Tick = std::uint64_t;  // order-preserving, also for negative deadlines

  static constexpr unsigned tickBits = 12;  // 4096 ns
  static constexpr unsigned stepBits = 4;
  static constexpr unsigned bucketBits = 8;
  static constexpr unsigned buckets = 1u << bucketBits;
  static constexpr unsigned wordsPerLevel = buckets / 64;
  static constexpr unsigned levels = 12;       // the last one reaches over all 52 bits of a tick
  static constexpr unsigned narrowLevels = 3;  // up to 2^20 ns: worth sorting instead of splitting
  static constexpr unsigned few = 32;          // timers that may be looked at any time
  static constexpr unsigned lookedAtPerAddition = 8;

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
  void markUsed(unsigned bucket, Tick begin);
  void markEmpty(unsigned bucket);
  void findFirst();
  Tick firstInLevel(unsigned level) const;
  void noteEarliest(Nanoseconds deadline);
  bool findEarliest(unsigned level, std::uint64_t& budget);
  bool firstHasFewAlone() const;

  TimerStore& store_;
  Tick base_ = 0;
  Tick firstBegin_ = noTick;         // of firstBucket_; noTick: the wheel is empty
  unsigned firstBucket_ = 0;         // level * buckets + position
  unsigned levelsInUse_ = 0;         // a bit for each level
  Nanoseconds earliest_ = never;     // of all timers, or unknown
  std::size_t earliestCount_ = 0;    // how many have it
  std::uint64_t paidAdditions_ = 0;  // those whose share of looking was used
  std::array<std::array<std::uint64_t, wordsPerLevel>, levels> occupied_{};
  std::array<TimerList, std::size_t{levels} * buckets> lists_{};
};

// ---- What happens for every timer, inline

// The lowest level in which the tick's bucket is less than 256 buckets after that of base_.
inline unsigned TimerWheel::levelOf(Tick tick) const {
  constexpr unsigned below = bucketBits - stepBits + 1;  // bits that level 0 has in any case
  const Tick distance = (tick - base_) | (Tick{1} << (below - 1));
  const unsigned level = (static_cast<unsigned>(std::bit_width(distance)) - below) / stepBits;
  const unsigned shift = level * stepBits;
  return (tick >> shift) - (base_ >> shift) < buckets ? level : level + 1;
}

inline bool TimerWheel::add(Timer& timer, TimerIndex index) {
  const Tick tick = tickOf(timer.deadline);
  if (tick <= base_) return false;
  const unsigned level = levelOf(tick);
  const Tick number = tick >> (level * stepBits);
  const unsigned bucket = level * buckets + static_cast<unsigned>(number % buckets);
  TimerList& list = lists_[bucket];
  if (list.empty()) markUsed(bucket, number << (level * stepBits));
  store_.append(list, timer, index, bucket);
  if (timer.deadline <= earliest_) noteEarliest(timer.deadline);
  return true;
}

inline void TimerWheel::remove(Timer& timer) {
  TimerList& list = lists_[timer.place()];
  store_.unlink(list, timer);
  if (timer.deadline == earliest_ && --earliestCount_ == 0) earliest_ = unknown;
  if (list.empty()) markEmpty(timer.place());
}

}  // namespace kairos::detail

#endif  // KAIROS_REACTOR_TIMER_WHEEL_H_
