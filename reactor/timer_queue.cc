// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/reactor/timer_queue.h"

#include <algorithm>

namespace kairos::detail {

inline TimerIndex TimerQueue::make(Nanoseconds deadline, AsyncCallback callback) {
  const TimerIndex index = store_.allocate();
  if (index == 0) return 0;
  Timer& made = store_[index];
  made.deadline = deadline;
  made.order = ++additions_;
  made.callback = callback;
  return index;
}

TimerId TimerQueue::add(Nanoseconds deadline, AsyncCallback callback) {
  const TimerIndex index = make(deadline, callback);
  if (index == 0) return TimerId::none;
  Timer& made = store_[index];
  const bool ordinary = deadline > parkedUntil_ && deadline != never;
  if (ordinary && wheel_.add(made, index)) return TimerStore::id(made, index);
  return addOutsideTheWheel(made, index);
}

TimerId TimerQueue::addDeferred(AsyncCallback callback) {
  const TimerIndex index = make(time_, callback);
  if (index == 0) return TimerId::none;
  Timer& made = store_[index];
  store_.append(deferred_, made, index, inDeferredList);
  return TimerStore::id(made, index);
}

TimerId TimerQueue::addOutsideTheWheel(Timer& timer, TimerIndex index) {
  if (timer.deadline == never) {
    timer.setPlace(inNothing);
  } else if (!heap_.reserve(heap_.size() + parkedCount_ + 1)) {
    store_.release(timer, index);
    return TimerId::none;
  } else if (polling_ && timer.deadline <= pollTime_) {
    store_.append(parked_, timer, index, inParkedList);
    ++parkedCount_;
  } else {
    heap_.add(index);
  }
  return TimerStore::id(timer, index);
}

bool TimerQueue::remove(TimerId id) {
  const TimerIndex index = store_.find(id);
  if (index == 0) return false;
  forget(store_[index], index);
  return true;
}

// Takes the timer out of where it is, and out of the store.
inline void TimerQueue::forget(Timer& timer, TimerIndex index) {
  if (timer.place() < firstPlaceOutsideTheWheel) {
    wheel_.remove(timer);
  } else {
    leave(timer, index);
  }
  release(timer, index);
}

inline void TimerQueue::release(Timer& timer, TimerIndex index) {
  store_.release(timer, index);
  if (store_.size() == 0) heap_.releaseMemory();  // so nothing is parked either
}

void TimerQueue::leave(const Timer& timer, TimerIndex index) {
  switch (timer.place()) {
    case inDeferredList:
      return store_.unlink(deferred_, timer);
    case inRunList:
      return store_.unlink(run_, timer);
    case inParkedList:
      --parkedCount_;
      return store_.unlink(parked_, timer);
    case inHeap:
      return heap_.remove(index);
    default:
      return;
  }
}

Nanoseconds TimerQueue::nextDeadline() {
  while (run_.empty() && heap_.empty()) {
    if (wheel_.empty()) return never;
    const Nanoseconds earliest = wheel_.earliest(additions_);
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
  parkedUntil_ = pollTime_ = time_;
  pollAdditions_ = additions_;
}

bool TimerQueue::takeDue(AsyncCallback& callback) {
  const bool onlyDeferred = run_.empty() && heap_.empty() && !wheel_.startsBy(pollTime_);
  if (onlyDeferred) return takeDeferred(callback);
  const TimerIndex index = firstDue();
  if (index == 0) return false;
  Timer& due = store_[index];
  callback = due.callback;
  forget(due, index);
  return true;
}

inline bool TimerQueue::takeDeferred(AsyncCallback& callback) {
  const TimerIndex index = firstDeferred();
  if (index == 0) return false;
  Timer& due = store_[index];
  callback = due.callback;
  store_.unlink(deferred_, due);
  release(due, index);
  return true;
}

// The one that is due first, 0 if it was added during this poll.
inline TimerIndex TimerQueue::firstDeferred() const {
  const TimerIndex first = deferred_.head;
  return first != 0 && store_[first].order <= pollAdditions_ ? first : 0;
}

TimerIndex TimerQueue::firstDue() {
  while (run_.empty() && heap_.empty() && wheel_.startsBy(pollTime_)) wheel_.splitFirst(run_);
  TimerIndex best = firstDeferred();
  for (const TimerIndex first : {run_.head, heap_.first()}) {
    if (first == 0 || store_[first].order > pollAdditions_) continue;
    if (best == 0 || runsBefore(store_[first], store_[best])) best = first;
  }
  return best != 0 && store_[best].deadline <= pollTime_ ? best : 0;
}

// What was parked may belong into the wheel, if a callback threw before all due timers were taken.
void TimerQueue::endPoll() {
  polling_ = false;
  parkedUntil_ = unparked;
  while (!parked_.empty()) {
    const TimerIndex index = store_.takeFirst(parked_);
    if (!wheel_.add(store_[index], index)) heap_.add(index);
  }
  parkedCount_ = 0;
}

}  // namespace kairos::detail
