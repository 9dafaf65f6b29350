// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_REACTOR_TIMER_WHEEL_H_
#define KAIROS_REACTOR_TIMER_WHEEL_H_

#include <array>
#include <cstdint>

#include "kairos/reactor/timer_store.h"

namespace kairos::detail {

// The timers that are not due soon, in buckets of time, unordered within a bucket: adding and
// removing take the same few steps whatever their number.
//
// Time is cut into ticks of 4096 ns. Level l has 256 buckets of 16^l ticks each; a timer lies in the
// lowest level whose buckets reach it from `base_`, the tick up to which the wheel has been emptied.
// So a bucket is narrower than a sixteenth of the time to go when its timers were added: when the
// first bucket is split into finer ones, only that part of the timers moves, and none moves more
// than a few times in its life. (After Varghese and Lauck, "Hashed and Hierarchical Timing Wheels",
// SOSP 1987; exact order is restored by sorting what leaves the wheel.)
//
// Invariants: every timer's tick is after base_. In each level the occupied buckets lie less than 256
// buckets after that of base_, so a bucket's number tells its time. firstBucket_ is the occupied
// bucket that begins first, the widest one of several.
class TimerWheel {
 public:
  explicit TimerWheel(TimerStore& store) : store_(store) {}

  bool empty() const { return levelsInUse_ == 0; }

  // Whether a timer of that deadline can be added: it lies after what has been emptied.
  bool takes(Nanoseconds deadline) const { return tickOf(deadline) > base_; }

  void add(TimerIndex timer);
  void remove(TimerIndex timer);

  // Whether a timer of the wheel may be due by `time`.
  bool startsBy(Nanoseconds time) const { return start_ <= time && !empty(); }

  // The earliest deadline, if it can be told by looking at a few timers; else `never`. Requires a
  // wheel that is not empty.
  Nanoseconds earliestOfFew() const;

  // Moves the first bucket: into `due`, sorted, as far as it is narrow, else into finer buckets.
  // Everything in `due` afterwards runs before everything in the wheel. Requires a wheel that is not
  // empty, and an empty `due`.
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
  static constexpr unsigned levels = 12;  // the last one reaches over all 52 bits of a tick
  static constexpr unsigned narrowLevels = 3;  // up to 2^20 ns: worth sorting instead of splitting
  static constexpr unsigned few = 32;

  static constexpr std::uint64_t signBit = std::uint64_t{1} << 63;

  static Tick tickOf(Nanoseconds deadline) {
    return (static_cast<std::uint64_t>(deadline) ^ signBit) >> tickBits;
  }
  static Nanoseconds beginOf(Tick tick) {
    return static_cast<Nanoseconds>((tick << tickBits) ^ signBit);
  }

  unsigned levelOf(Tick tick) const;
  void setFirst(unsigned bucket, Tick begin);
  void findFirst();
  Tick firstInLevel(unsigned level) const;
  bool firstHasFewAlone() const;
  TimerList takeFirstBucket();
  void markEmpty(unsigned bucket);

  TimerStore& store_;
  Tick base_ = 0;
  Nanoseconds start_ = never;  // of firstBucket_, as firstBegin_
  Tick firstBegin_ = 0;
  unsigned firstBucket_ = 0;  // level * buckets + position
  unsigned levelsInUse_ = 0;  // a bit for each level
  std::array<std::array<std::uint64_t, wordsPerLevel>, levels> occupied_{};
  std::array<TimerList, std::size_t{levels} * buckets> lists_{};
};

}  // namespace kairos::detail

#endif  // KAIROS_REACTOR_TIMER_WHEEL_H_
