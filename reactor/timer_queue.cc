// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/reactor/timer_queue.h"

#include <algorithm>

namespace kairos::detail {

TimerIndex TimerQueue::make(Nanoseconds deadline, AsyncCallback callback) {
  const TimerIndex timer = store_.allocate();
  if (timer == 0) return 0;
  Timer& made = store_[timer];
  made.deadline = deadline;
  made.order = ++additions_;
  made.callback = callback;
  return timer;
}

TimerId TimerQueue::add(Nanoseconds deadline, AsyncCallback callback) {
  const TimerIndex timer = make(deadline, callback);
  if (timer == 0) return TimerId::none;
  if (!insert(timer)) {
    forget(timer);
    return TimerId::none;
  }
  return store_.id(timer);
}

TimerId TimerQueue::addDeferred(AsyncCallback callback) {
  const TimerIndex timer = make(time_, callback);
  if (timer == 0) return TimerId::none;
  store_.append(deferred_, timer, inDeferredList);
  return store_.id(timer);
}

bool TimerQueue::insert(TimerIndex timer) {
  const Nanoseconds deadline = store_[timer].deadline;
  if (deadline == never) {
    store_[timer].place = inNothing;
    return true;
  }
  if (polling_ && deadline <= pollTime_) {
    if (!heap_.reserve(heap_.size() + parkedCount_ + 1)) return false;
    store_.append(parked_, timer, inParkedList);
    ++parkedCount_;
    return true;
  }
  if (!wheel_.takes(deadline) && !heap_.reserve(heap_.size() + parkedCount_ + 1)) return false;
  insertInOrder(timer);
  return true;
}

// Requires room in the heap if the wheel does not take the timer.
void TimerQueue::insertInOrder(TimerIndex timer) {
  if (wheel_.takes(store_[timer].deadline)) {
    wheel_.add(timer);
  } else {
    heap_.add(timer);
  }
}

bool TimerQueue::remove(TimerId id) {
  const TimerIndex timer = store_.find(id);
  if (timer == 0) return false;
  leave(timer);
  forget(timer);
  return true;
}

// Takes the timer out of where it is.
void TimerQueue::leave(TimerIndex timer) {
  switch (store_[timer].place) {
    case inDeferredList: return store_.unlink(deferred_, timer);
    case inRunList: return store_.unlink(run_, timer);
    case inParkedList: --parkedCount_; return store_.unlink(parked_, timer);
    case inHeap: return heap_.remove(timer);
    case inNothing: return;
    default: return wheel_.remove(timer);
  }
}

void TimerQueue::forget(TimerIndex timer) {
  store_.release(timer);
  if (store_.size() == 0) heap_.releaseMemory();
}

Nanoseconds TimerQueue::nextDeadline() {
  while (run_.empty() && heap_.empty()) {
    if (wheel_.empty()) return never;
    const Nanoseconds earliest = wheel_.earliestOfFew();
    if (earliest != never) return earliest;
    wheel_.splitFirst(run_);
  }
  Nanoseconds next = never;
  for (const TimerIndex first : {run_.head, heap_.first()}) {
    if (first != 0) next = std::min(next, store_[first].deadline);
  }
  return next;
}

void TimerQueue::beginPoll() {
  polling_ = true;
  pollTime_ = time_;
  pollAdditions_ = additions_;
}

TimerIndex TimerQueue::firstDue() {
  while (run_.empty() && heap_.empty() && wheel_.startsBy(pollTime_)) wheel_.splitFirst(run_);
  TimerIndex best = 0;
  for (const TimerIndex first : {run_.head, heap_.first(), deferred_.head}) {
    if (first == 0 || store_[first].order > pollAdditions_) continue;
    if (best == 0 || runsBefore(store_[first], store_[best])) best = first;
  }
  return best != 0 && store_[best].deadline <= pollTime_ ? best : 0;
}

bool TimerQueue::takeDue(AsyncCallback& callback) {
  const TimerIndex timer = firstDue();
  if (timer == 0) return false;
  callback = store_[timer].callback;
  leave(timer);
  forget(timer);
  return true;
}

void TimerQueue::endPoll() {
  polling_ = false;
  while (!parked_.empty()) insertInOrder(store_.takeFirst(parked_));
  parkedCount_ = 0;
}

}  // namespace kairos::detail
