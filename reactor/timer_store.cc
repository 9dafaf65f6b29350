// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/reactor/timer_store.h"

#include <algorithm>

namespace kairos::detail {

bool TimerStore::addPlaces() {
  if (links_.empty() && !addLists()) return false;
  const auto begin = static_cast<TimerIndex>(links_.size());
  const TimerIndex end = std::min(begin + addedAtOnce, end_);
  if (begin == end) return false;
  if (!links_.reserve(end) || !timers_.reserve(end - firstTimerIndex)) return false;
  for (TimerIndex timer = begin; timer < end; ++timer) {
    const TimerIndex next = timer + 1 < end ? timer + 1 : 0;
    links_.push({next, 0, firstGeneration_ << TimerLinks::stateBits | unused});
    timers_.push({});
  }
  free_ = begin;
  return true;
}

bool TimerStore::addLists() {
  if (!links_.reserve(firstTimerIndex)) return false;
  while (links_.size() < firstTimerIndex) links_.push({});
  for (const TimerIndex list : {deferredList, runList, parkedList, neverList}) setEmpty(list);
  return true;
}

// Generations must stay plentiful for the places that come next: near the end the places are kept.
void TimerStore::startAgain() {
  if (links_.size() <= keptEnd || highestGeneration_ > lastGeneration / 2) return;
  firstGeneration_ = std::max(firstGeneration_, highestGeneration_);
  links_.truncate(firstTimerIndex);
  timers_.truncate(0);
  free_ = 0;
}

void TimerStore::giveMemoryBack() {
  if (links_.size() > keptEnd) return;
  links_.shrinkTo(keptEnd);
  timers_.shrinkTo(keptEnd - firstTimerIndex);
}

void TimerStore::moveAll(TimerIndex from, TimerIndex to) {
  const TimerIndex head = links_[from].next;
  const TimerIndex tail = links_[from].previous;
  links_[to].next = head;
  links_[to].previous = tail;
  links_[head].previous = to;
  links_[tail].next = to;
  setEmpty(from);
}

// Merges two chains (ordered, linked by `next` alone) and returns the first of the result.
TimerIndex TimerStore::merge(TimerIndex a, TimerIndex b) {
  TimerIndex first = 0;
  TimerIndex* end = &first;
  while (a != 0 && b != 0) {
    TimerIndex& smaller = runsBefore((*this)[b], (*this)[a]) ? b : a;
    *end = smaller;
    end = &links_[smaller].next;
    smaller = *end;
  }
  *end = a != 0 ? a : b;
  return first;
}

// Merge sort from below: runs[i] is empty or a chain of 2^i timers.
void TimerStore::sort(TimerIndex list) {
  TimerIndex timer = links_[list].next;
  const TimerIndex last = links_[list].previous;
  while (timer != last && runsBefore((*this)[timer], (*this)[next(timer)])) timer = next(timer);
  if (timer == last) return;

  TimerIndex runs[TimerLinks::stateBits + 1] = {};
  for (TimerIndex rest = links_[list].next; rest != list;) {
    TimerIndex chain = rest;
    rest = next(chain);
    links_[chain].next = 0;
    unsigned i = 0;
    for (; runs[i] != 0; ++i) {
      chain = merge(runs[i], chain);
      runs[i] = 0;
    }
    runs[i] = chain;
  }
  TimerIndex sorted = 0;
  for (const TimerIndex run : runs) sorted = merge(run, sorted);
  links_[list].next = sorted;
  closeRing(list);
}

// Makes a ring of the chain that begins at the list.
void TimerStore::closeRing(TimerIndex list) {
  TimerIndex previous = list;
  for (TimerIndex at = next(list); at != 0; at = next(at)) {
    links_[at].previous = previous;
    previous = at;
  }
  links_[previous].next = list;
  links_[list].previous = previous;
}

}  // namespace kairos::detail
