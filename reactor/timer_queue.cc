// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/reactor/timer_queue.h"

namespace kairos::detail {

inline TimerIndex TimerQueue::make(Nanoseconds deadline, AsyncCallback callback) {
  const TimerIndex timer = store_.allocate();
  store_[timer] = {deadline, ++additions_, callback};
  return timer;
}

TimerId TimerQueue::add(Nanoseconds deadline, AsyncCallback callback) {
  if (!store_.makeReady()) return TimerId::none;
  const TimerIndex timer = make(deadline, callback);
  const TimerId id = store_.id(timer);
  const bool ordinary = deadline > parkedUntil_ && deadline != never;
  if (ordinary && wheel_.add(deadline, timer)) return id;
  return addOutsideTheWheel(deadline, timer);
}

TimerId TimerQueue::addDeferred(AsyncCallback callback) {
  if (!store_.makeReady()) return TimerId::none;
  const TimerIndex timer = make(time_, callback);
  const TimerId id = store_.id(timer);
  store_.append(deferredList, timer);
  return id;
}

TimerId TimerQueue::addOutsideTheWheel(Nanoseconds deadline, TimerIndex timer) {
  if (deadline == never) {
    store_.append(neverList, timer);
  } else if (!heap_.reserve(heap_.size() + parkedCount_ + 1)) {
    store_.release(timer);
    return TimerId::none;
  } else if (polling_ && deadline <= pollTime_) {
    store_.links(timer).setState(inParkedList);
    store_.append(parkedList, timer);
    ++parkedCount_;
  } else {
    heap_.add(timer);
  }
  return store_.id(timer);
}

bool TimerQueue::remove(TimerId id) {
  const TimerIndex timer = store_.find(id);
  if (timer == 0) return false;
  wheel_.noteRemoved(timer);
  forget(timer);
  return true;
}

// Takes the timer out of where it is, and out of the store.
inline void TimerQueue::forget(TimerIndex timer) {
  if (store_.links(timer).state() == inList) {
    store_.unlink(timer);
  } else {
    leaveHeapOrParkedList(timer);
  }
  store_.release(timer);
}

// Nothing is parked either.
void TimerQueue::giveMemoryBack() {
  store_.giveMemoryBack();
  heap_.giveMemoryBack();
}

void TimerQueue::leaveHeapOrParkedList(TimerIndex timer) {
  if (store_.links(timer).state() == inHeap) return heap_.remove(timer);
  --parkedCount_;
  store_.unlink(timer);
}

Nanoseconds TimerQueue::nextDeadline() {
  if (empty()) return never;
  while (store_.isEmpty(runList) && heap_.empty()) {
    if (wheel_.empty()) return never;
    const Nanoseconds earliest = wheel_.earliest(additions_);
    if (earliest != never) return earliest;
    if (!wheel_.empty()) wheel_.splitFirst();
  }
  return store_[firstInOrder()].deadline;
}

// The first of those that have left the wheel, or came too late for it.
inline TimerIndex TimerQueue::firstInOrder() const {
  const TimerIndex first = store_.first(runList);
  return heap_.empty() ? first : firstOf(first, heap_.first());
}

// The one that runs first; either may be 0, none.
TimerIndex TimerQueue::firstOf(TimerIndex a, TimerIndex b) const {
  if (a == 0 || b == 0) return a | b;
  return runsBefore(store_[b], store_[a]) ? b : a;
}

void TimerQueue::beginPoll() {
  polling_ = true;
  idlePolls_ = 0;
  parkedUntil_ = pollTime_ = time_;
  pollAdditions_ = additions_;
}

// What was added since the poll began, and is due, is in the deferred or in the parked list.
AsyncCallback TimerQueue::takeDue() {
  if (empty()) return {};
  const bool onlyDeferred = store_.isEmpty(runList) && heap_.empty() && !wheel_.startsBy(pollTime_);
  const TimerIndex deferred = firstDeferred();
  const TimerIndex due = onlyDeferred ? deferred : firstDue(deferred);
  if (due == 0) return {};
  const AsyncCallback callback = store_[due].callback;
  forget(due);
  return callback;
}

// 0 also if it was added since the poll began.
inline TimerIndex TimerQueue::firstDeferred() const {
  const TimerIndex first = store_.first(deferredList);
  return first != 0 && store_[first].order <= pollAdditions_ ? first : 0;
}

TimerIndex TimerQueue::firstDue(TimerIndex deferred) {
  while (store_.isEmpty(runList) && heap_.empty() && wheel_.startsBy(pollTime_)) {
    wheel_.splitFirst();
  }
  const TimerIndex first = firstInOrder();
  if (first == 0 || store_[first].deadline > pollTime_) return deferred;
  return firstOf(first, deferred);
}

// What was parked may belong into the wheel, if a callback threw before all due timers were taken.
void TimerQueue::endPoll() {
  polling_ = false;
  parkedUntil_ = unparked;
  if (parkedCount_ == 0) return;
  for (TimerIndex timer; (timer = store_.first(parkedList)) != 0;) {
    store_.unlink(timer);
    store_.links(timer).setState(inList);
    if (!wheel_.add(store_[timer].deadline, timer)) heap_.add(timer);
  }
  parkedCount_ = 0;
}

}  // namespace kairos::detail
