// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_REACTOR_TIMER_HEAP_H_
#define KAIROS_REACTOR_TIMER_HEAP_H_

#include <cstddef>

#include "kairos/reactor/record_array.h"
#include "kairos/reactor/timer_store.h"

namespace kairos::detail {

// Timers in exact order, for those that come too late for the wheel: a heap of four children per
// node, with the deadlines in the array, so that most comparisons touch no timer.
class TimerHeap {
 public:
  explicit TimerHeap(TimerStore& store) : store_(store) {}

  bool empty() const { return entries_.empty(); }
  std::size_t size() const { return entries_.size(); }
  TimerIndex first() const { return entries_.empty() ? 0 : entries_[0].timer; }

  // Room for `size` timers; false: no memory.
  [[nodiscard]] bool reserve(std::size_t size) { return entries_.reserve(size); }

  // Requires room.
  void add(TimerIndex timer);
  void remove(TimerIndex timer);

  // Gives the memory back if it is much. Requires an empty heap, for which no room is needed.
  void releaseMemory() {
    if (entries_.capacity() > kept) entries_.clear();
  }

 private:
  static constexpr std::size_t children = 4;
  static constexpr std::size_t kept = 1024;  // entries whose memory an empty heap keeps

  struct Entry {
    Nanoseconds deadline;
    TimerIndex timer;
  };

  static_assert((sizeof(Timer) + sizeof(Entry)) * 5 / 4 <= 80, "the promised memory");

  bool before(const Entry& a, const Entry& b) const {
    if (a.deadline != b.deadline) return a.deadline < b.deadline;
    return store_[a.timer].order < store_[b.timer].order;
  }
  void place(std::size_t at, const Entry& entry);
  void moveUp(std::size_t hole, const Entry& entry);
  void moveDown(std::size_t hole, const Entry& entry);

  TimerStore& store_;
  RecordArray<Entry> entries_;
};

}  // namespace kairos::detail

#endif  // KAIROS_REACTOR_TIMER_HEAP_H_
