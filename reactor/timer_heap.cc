// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/reactor/timer_heap.h"

#include <algorithm>

namespace kairos::detail {

void TimerHeap::add(TimerIndex timer) {
  store_.links(timer).setState(inHeap);
  timers_.push(timer);
  moveUp(timers_.size() - 1, timer);
}

void TimerHeap::remove(TimerIndex timer) {
  const std::size_t hole = store_.links(timer).previous;
  const TimerIndex last = timers_.back();
  timers_.pop();
  if (hole == timers_.size()) return;
  if (hole > 0 && before(last, timers_[(hole - 1) / children])) {
    moveUp(hole, last);
  } else {
    moveDown(hole, last);
  }
}

void TimerHeap::place(std::size_t at, TimerIndex timer) {
  timers_[at] = timer;
  store_.links(timer).previous = static_cast<TimerIndex>(at);
}

void TimerHeap::moveUp(std::size_t hole, TimerIndex timer) {
  while (hole > 0) {
    const std::size_t parent = (hole - 1) / children;
    if (!before(timer, timers_[parent])) break;
    place(hole, timers_[parent]);
    hole = parent;
  }
  place(hole, timer);
}

void TimerHeap::moveDown(std::size_t hole, TimerIndex timer) {
  for (;;) {
    const std::size_t begin = hole * children + 1;
    const std::size_t end = std::min(begin + children, timers_.size());
    if (begin >= end) break;
    std::size_t least = begin;
    for (std::size_t i = begin + 1; i < end; ++i) {
      if (before(timers_[i], timers_[least])) least = i;
    }
    if (!before(timers_[least], timer)) break;
    place(hole, timers_[least]);
    hole = least;
  }
  place(hole, timer);
}

}  // namespace kairos::detail
