// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/reactor/timer_store.h"

#include <algorithm>

namespace kairos::detail {

// Index 0 means none: its place is there, and never live.
TimerIndex TimerStore::allocateNew() {
  while (next_ < timers_.size() && timers_[next_].place() == retired) ++next_;
  if (next_ > places_ || !timers_.reserve(next_ + std::size_t{1})) return 0;
  Timer fresh{};
  fresh.tag = firstGeneration_ << Timer::placeBits | unused;
  while (timers_.size() <= next_) timers_.push(fresh);
  ++size_;
  return next_++;
}

void TimerStore::noteReleased(const Timer& timer) {
  highestGeneration_ = std::max(highestGeneration_, timer.generation());
}

// Generations must stay plentiful for the places that come next: near the end the memory is kept.
void TimerStore::startAgain() {
  free_ = 0;
  next_ = 1;
  if (timers_.size() <= kept || highestGeneration_ > lastGeneration / 2) return;
  firstGeneration_ = std::max(firstGeneration_, highestGeneration_);
  timers_.truncate(kept);
}

// Merges two chains (ordered, linked by `next` alone) and returns the first of the result.
TimerIndex TimerStore::merge(TimerIndex a, TimerIndex b) {
  TimerIndex first = 0;
  TimerIndex* end = &first;
  while (a != 0 && b != 0) {
    TimerIndex& smaller = runsBefore(timers_[b], timers_[a]) ? b : a;
    *end = smaller;
    end = &timers_[smaller].next;
    smaller = *end;
  }
  *end = a != 0 ? a : b;
  return first;
}

// Merge sort from below: runs[i] is empty or a chain of 2^i timers.
void TimerStore::sort(TimerList& list) {
  TimerIndex index = list.head;
  while (index != list.tail && runsBefore(timers_[index], timers_[timers_[index].next])) {
    index = timers_[index].next;
  }
  if (index == list.tail) return;

  TimerIndex runs[Timer::placeBits + 1] = {};
  for (TimerIndex next = list.head; next != 0;) {
    TimerIndex chain = next;
    next = timers_[chain].next;
    timers_[chain].next = 0;
    unsigned i = 0;
    for (; runs[i] != 0; ++i) {
      chain = merge(runs[i], chain);
      runs[i] = 0;
    }
    runs[i] = chain;
  }
  TimerIndex sorted = 0;
  for (const TimerIndex run : runs) sorted = merge(run, sorted);

  list = {sorted, 0};
  for (TimerIndex at = sorted; at != 0; at = timers_[at].next) {
    timers_[at].previous = list.tail;
    list.tail = at;
  }
}

}  // namespace kairos::detail
