// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/reactor/timer_store.h"

#include <algorithm>
#include <cstdlib>

namespace kairos::detail {

TimerStore::~TimerStore() {
  for (std::size_t i = 0; i < chunks_.size(); ++i) std::free(chunks_[i]);
}

TimerIndex TimerStore::allocate() {
  TimerIndex timer = free_;
  if (timer != 0) {
    free_ = (*this)[timer].next;
  } else {
    timer = allocateNew();
    if (timer == 0) return 0;
  }
  ++size_;
  return timer;
}

TimerIndex TimerStore::allocateNew() {
  if (usedEnd_ == indexEnd) return 0;
  if (usedEnd_ / chunkSize >= chunks_.size()) {
    if (!chunks_.reserve(chunks_.size() + 1)) return 0;
    void* chunk = std::malloc(chunkSize * sizeof(Timer));
    if (chunk == nullptr) return 0;
    chunks_.push(static_cast<Timer*>(chunk));
  }
  const TimerIndex timer = usedEnd_++;
  (*this)[timer].generation = firstGeneration_ & lastGeneration;
  return timer;
}

void TimerStore::release(TimerIndex timer) {
  Timer& left = (*this)[timer];
  left.place = unused;
  --size_;
  if (left.generation != lastGeneration) {
    ++left.generation;
    left.next = free_;
    free_ = timer;
  }
  if (timer >= chunkSize) {
    highestGeneration_ = std::max<std::uint64_t>(highestGeneration_, left.generation);
    if (size_ == 0) releaseChunks();
  }
}

// Generations must stay plentiful for the places that come next: near the end the memory is kept.
void TimerStore::releaseChunks() {
  if (highestGeneration_ > lastGeneration / 2) return;
  firstGeneration_ = std::max(firstGeneration_, highestGeneration_);
  while (chunks_.size() > 1) {
    std::free(chunks_.back());
    chunks_.pop();
  }
  usedEnd_ = chunkSize;
  free_ = 0;
  for (TimerIndex timer = chunkSize - 1; timer != 0; --timer) {
    if ((*this)[timer].generation == lastGeneration) continue;
    (*this)[timer].next = free_;
    free_ = timer;
  }
}

TimerIndex TimerStore::find(TimerId id) const {
  const auto bits = static_cast<std::uint64_t>(id);
  const auto timer = static_cast<TimerIndex>(bits % indexEnd);
  if (timer == 0 || timer >= usedEnd_) return 0;
  const Timer& found = (*this)[timer];
  const bool live = found.generation == bits >> indexBits && found.place != unused;
  return live ? timer : 0;
}

void TimerStore::append(TimerList& list, TimerIndex timer, std::uint32_t place) {
  Timer& added = (*this)[timer];
  added.place = place & 0xffffff;
  added.next = 0;
  added.previous = list.tail;
  if (list.tail != 0) {
    (*this)[list.tail].next = timer;
  } else {
    list.head = timer;
  }
  list.tail = timer;
}

void TimerStore::unlink(TimerList& list, TimerIndex timer) {
  const Timer& left = (*this)[timer];
  if (left.previous != 0) {
    (*this)[left.previous].next = left.next;
  } else {
    list.head = left.next;
  }
  if (left.next != 0) {
    (*this)[left.next].previous = left.previous;
  } else {
    list.tail = left.previous;
  }
}

TimerIndex TimerStore::takeFirst(TimerList& list) {
  const TimerIndex timer = list.head;
  unlink(list, timer);
  return timer;
}

// Merges two chains (ordered, linked by `next` alone) and returns the first of the result.
TimerIndex TimerStore::merge(TimerIndex a, TimerIndex b) {
  TimerIndex first = 0;
  TimerIndex* end = &first;
  while (a != 0 && b != 0) {
    TimerIndex& smaller = runsBefore((*this)[b], (*this)[a]) ? b : a;
    *end = smaller;
    end = &(*this)[smaller].next;
    smaller = *end;
  }
  *end = a != 0 ? a : b;
  return first;
}

// Merge sort from below: runs_[i] is empty or a chain of 2^i timers.
void TimerStore::sort(TimerList& list) {
  TimerIndex timer = list.head;
  while (timer != list.tail && runsBefore((*this)[timer], (*this)[(*this)[timer].next])) {
    timer = (*this)[timer].next;
  }
  if (timer == list.tail) return;

  TimerIndex runs[indexBits + 1] = {};
  for (TimerIndex next = list.head; next != 0;) {
    TimerIndex chain = next;
    next = (*this)[chain].next;
    (*this)[chain].next = 0;
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
  for (TimerIndex at = sorted; at != 0; at = (*this)[at].next) {
    (*this)[at].previous = list.tail;
    list.tail = at;
  }
}

}  // namespace kairos::detail
