// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/reactor/timer_heap.h"

#include <algorithm>

namespace kairos::detail {

void TimerHeap::add(TimerIndex timer) {
  const Entry entry{store_[timer].deadline, timer};
  store_[timer].setPlace(inHeap);
  entries_.push(entry);
  moveUp(entries_.size() - 1, entry);
}

void TimerHeap::remove(TimerIndex timer) {
  const std::size_t hole = store_[timer].previous;
  const Entry last = entries_.back();
  entries_.pop();
  if (hole == entries_.size()) return;
  if (hole > 0 && before(last, entries_[(hole - 1) / children])) {
    moveUp(hole, last);
  } else {
    moveDown(hole, last);
  }
}

void TimerHeap::place(std::size_t at, const Entry& entry) {
  entries_[at] = entry;
  store_[entry.timer].previous = static_cast<TimerIndex>(at);
}

void TimerHeap::moveUp(std::size_t hole, const Entry& entry) {
  while (hole > 0) {
    const std::size_t parent = (hole - 1) / children;
    if (!before(entry, entries_[parent])) break;
    place(hole, entries_[parent]);
    hole = parent;
  }
  place(hole, entry);
}

void TimerHeap::moveDown(std::size_t hole, const Entry& entry) {
  for (;;) {
    const std::size_t begin = hole * children + 1;
    const std::size_t end = std::min(begin + children, entries_.size());
    if (begin >= end) break;
    std::size_t least = begin;
    for (std::size_t i = begin + 1; i < end; ++i) {
      if (before(entries_[i], entries_[least])) least = i;
    }
    if (!before(entries_[least], entry)) break;
    place(hole, entries_[least]);
    hole = least;
  }
  place(hole, entry);
}

}  // namespace kairos::detail
