// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_REACTOR_TIMER_QUEUE_H_
#define KAIROS_REACTOR_TIMER_QUEUE_H_

#include <cstddef>
#include <cstdint>
#include <limits>

#include "kairos/reactor/reactor.h"
#include "kairos/reactor/timer_heap.h"
#include "kairos/reactor/timer_store.h"
#include "kairos/reactor/timer_wheel.h"

namespace kairos::detail {

// All timers of a reactor, taken in the order (deadline, addition). Reads no clock: it is told.
//
// A timer is in one of: the wheel (later ones), the run list (the sorted part that left the wheel),
// the heap (added too late for the wheel), the deferred list (zero delay: its deadlines, readings
// of the clock, come in order), the parked list (added by a callback, and due already: for the next
// poll), or in nothing (never due).
// Invariant: what is in the run list and the heap runs before what is in the wheel.
class TimerQueue {
 public:
  explicit TimerQueue(std::uint64_t firstGeneration = 1) : store_(firstGeneration) {}

  bool empty() const { return store_.size() == 0; }
  bool hasDeferred() const { return !empty() && !store_.isEmpty(deferredList); }

  // The last reading of the clock.
  Nanoseconds time() const { return time_; }
  void setTime(Nanoseconds now) {
    time_ = now;
    wheel_.advance(now);
  }

  // TimerId::none: no memory.
  TimerId add(Nanoseconds deadline, AsyncCallback callback);
  // A timer that is due at the last reading of the clock.
  TimerId addDeferred(AsyncCallback callback);
  bool remove(TimerId id);

  // The earliest deadline, deferred timers left aside; `never`: there is none.
  Nanoseconds nextDeadline();

  // A poll begins, and there is no timer. After some in a row, the memory that many took goes back:
  // not at once, since whoever had many is likely to have many again.
  void noteIdlePoll() {
    if (++idlePolls_ == idlePollsWithMemory) giveMemoryBack();
  }
  static constexpr std::uint32_t idlePollsWithMemory = 64;

  // While one lives, takeDue hands out, one by one, the timers that were there when it was made and
  // that were due at the last reading of the clock by then.
  class PollScope {
   public:
    explicit PollScope(TimerQueue& queue) : queue_(queue) { queue_.beginPoll(); }
    ~PollScope() { queue_.endPoll(); }
    PollScope(const PollScope&) = delete;
    PollScope& operator=(const PollScope&) = delete;

   private:
    TimerQueue& queue_;
  };
  // Its function is null when there is none.
  AsyncCallback takeDue();

 private:
  static constexpr Nanoseconds unparked = std::numeric_limits<Nanoseconds>::min();

  TimerIndex make(Nanoseconds deadline, AsyncCallback callback);
  TimerId addOutsideTheWheel(Nanoseconds deadline, TimerIndex timer);
  void forget(TimerIndex timer);
  void leaveHeapOrParkedList(TimerIndex timer);
  TimerIndex firstDeferred() const;
  TimerIndex firstDue(TimerIndex deferred);
  TimerIndex firstInOrder() const;
  TimerIndex firstOf(TimerIndex a, TimerIndex b) const;
  void giveMemoryBack();
  void beginPoll();
  void endPoll();

  TimerStore store_;
  TimerWheel wheel_{store_};
  TimerHeap heap_{store_};
  std::size_t parkedCount_ = 0;  // the heap has room for as many
  std::uint64_t additions_ = 0;
  Nanoseconds time_ = 0;
  std::uint32_t idlePolls_ = 0;
  bool polling_ = false;
  Nanoseconds parkedUntil_ = unparked;  // pollTime_ while polling_
  Nanoseconds pollTime_ = 0;            // due means: deadline <= pollTime_ ...
  std::uint64_t pollAdditions_ = 0;     // ... and order <= pollAdditions_
};

}  // namespace kairos::detail

#endif  // KAIROS_REACTOR_TIMER_QUEUE_H_
