// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_BENCH_CONTESTANTS_TIMER_HEAP_H_
#define KAIROS_BENCH_CONTESTANTS_TIMER_HEAP_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace kairos::bench {

// The bare loop's timers: a 4-ary heap with the keys in its array, and per slot the place there.
//
// Invariant: slots_[heap_[i].slot].place == i for every i.
class TimerHeap {
 public:
  using Callback = void (*)(void* udata);

  struct Timer {
    std::uint32_t place = 0;
    Callback callback = nullptr;
    void* udata = nullptr;
  };

  void reserve(std::size_t slots) { slots_.resize(slots); }
  bool empty() const { return heap_.empty(); }
  std::int64_t firstKey() const { return heap_.front().key; }

  void add(std::size_t slot, std::int64_t key, Callback callback, void* udata) {
    slots_[slot].callback = callback;
    slots_[slot].udata = udata;
    heap_.emplace_back();
    siftUp(heap_.size() - 1, {key, static_cast<std::uint32_t>(slot)});
  }

  void remove(std::size_t slot) {
    const std::size_t hole = slots_[slot].place;
    const Entry last = heap_.back();
    heap_.pop_back();
    if (hole != heap_.size()) {
      settle(hole, last);
    }
  }

  void rekey(std::size_t slot, std::int64_t key) {
    settle(slots_[slot].place, {key, static_cast<std::uint32_t>(slot)});
  }

  Timer takeFirst() {
    const std::size_t slot = heap_.front().slot;
    const Timer first = slots_[slot];
    remove(slot);
    return first;
  }

 private:
  struct Entry {
    std::int64_t key = 0;
    std::uint32_t slot = 0;
  };
  static constexpr std::size_t arity = 4;

  void put(std::size_t place, Entry entry) {
    heap_[place] = entry;
    slots_[entry.slot].place = static_cast<std::uint32_t>(place);
  }

  void settle(std::size_t hole, Entry entry) {
    if (hole > 0 && entry.key < heap_[(hole - 1) / arity].key) {
      siftUp(hole, entry);
    } else {
      siftDown(hole, entry);
    }
  }

  void siftUp(std::size_t hole, Entry entry) {
    while (hole > 0) {
      const std::size_t parent = (hole - 1) / arity;
      if (heap_[parent].key <= entry.key) {
        break;
      }
      put(hole, heap_[parent]);
      hole = parent;
    }
    put(hole, entry);
  }

  void siftDown(std::size_t hole, Entry entry) {
    for (;;) {
      const std::size_t first = hole * arity + 1;
      if (first >= heap_.size()) {
        break;
      }
      const std::size_t end = std::min(first + arity, heap_.size());
      std::size_t least = first;
      for (std::size_t child = first + 1; child < end; ++child) {
        least = heap_[child].key < heap_[least].key ? child : least;
      }
      if (entry.key <= heap_[least].key) {
        break;
      }
      put(hole, heap_[least]);
      hole = least;
    }
    put(hole, entry);
  }

  std::vector<Entry> heap_;
  std::vector<Timer> slots_;
};

}  // namespace kairos::bench

#endif  // KAIROS_BENCH_CONTESTANTS_TIMER_HEAP_H_
