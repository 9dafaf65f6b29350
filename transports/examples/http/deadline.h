// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TRANSPORTS_EXAMPLES_HTTP_DEADLINE_H_
#define KAIROS_TRANSPORTS_EXAMPLES_HTTP_DEADLINE_H_

#include "kairos/reactor/reactor.h"
#include "kairos/transports/examples/http/coarse_clock.h"

namespace kairos::examples {

// A time limit that is moved often and rarely reached. A later one is only noted: the timer that is
// set finds it and goes on. So moving it costs a reading of the clock and no change of timers.
//
//   Ownership   Borrows the reactor, which must outlive it.
class Deadline {
 public:
  Deadline(Reactor& reactor, AsyncCallback reached) : reactor_(reactor), reached_(reached) {}
  ~Deadline() { reactor_.removeTimer(timer_); }
  Deadline(const Deadline&) = delete;
  Deadline& operator=(const Deadline&) = delete;

  // `reached` runs once, that much later, unless it is set again before.
  void set(Clock::duration delay) {
    due_ = coarseNow() + delay;
    if (timer_ != TimerId::none && due_ >= timerDue_) return;
    reactor_.removeTimer(timer_);
    startTimer();
  }

 private:
  static void onTimer(void* udata) {
    auto& deadline = *static_cast<Deadline*>(udata);
    deadline.timer_ = TimerId::none;
    if (deadline.due_ > deadline.timerDue_) return deadline.startTimer();
    deadline.reached_.function(deadline.reached_.udata);
  }

  void startTimer() {
    timerDue_ = due_;
    timer_ = reactor_.addTimer(due_, onTimer, this);
  }

  Reactor& reactor_;
  const AsyncCallback reached_;
  Clock::time_point due_{};
  Clock::time_point timerDue_{};
  TimerId timer_ = TimerId::none;
};

}  // namespace kairos::examples

#endif  // KAIROS_TRANSPORTS_EXAMPLES_HTTP_DEADLINE_H_
