// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_REACTOR_TIMER_HEAP_H_
#define KAIROS_REACTOR_TIMER_HEAP_H_

#include <cstddef>

#include "kairos/reactor/record_array.h"
#include "kairos/reactor/timer_store.h"

namespace kairos::detail {

// Timers in exact order, for those that come too late for the wheel, mostly few: a heap of four
// children per node.
class TimerHeap {
 public:
  explicit TimerHeap(TimerStore& store) : store_(store) {}

  bool empty() const { return timers_.empty(); }
  std::size_t size() const { return timers_.size(); }
  TimerIndex first() const { return timers_.empty() ? 0 : timers_[0]; }

  // Room for `size` timers; false: no memory.
  [[nodiscard]] bool reserve(std::size_t size) { return timers_.reserve(size); }

  // Requires room.
  void add(TimerIndex timer);
  void remove(TimerIndex timer);

  // Gives the memory back if it is much. Requires an empty heap, for which no room is needed.
  void giveMemoryBack() {
    if (timers_.capacity() > kept) timers_.clear();
  }

 private:
  static constexpr std::size_t children = 4;
  static constexpr std::size_t kept = 1024;  // timers whose memory an empty heap keeps

  static_assert((sizeof(TimerLinks) + sizeof(Timer) + sizeof(TimerIndex)) * 6 / 5 <= 64,
                "the promised memory, room for growth included");

  bool before(TimerIndex a, TimerIndex b) const { return runsBefore(store_[a], store_[b]); }
  void place(std::size_t at, TimerIndex timer);
  void moveUp(std::size_t hole, TimerIndex timer);
  void moveDown(std::size_t hole, TimerIndex timer);

  TimerStore& store_;
  RecordArray<TimerIndex> timers_;
};

}  // namespace kairos::detail

#endif  // KAIROS_REACTOR_TIMER_HEAP_H_
