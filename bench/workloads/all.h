// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_BENCH_WORKLOADS_ALL_H_
#define KAIROS_BENCH_WORKLOADS_ALL_H_

#include <string>

#include "kairos/bench/contestants/contestant.h"
#include "kairos/bench/workloads/deferred.h"
#include "kairos/bench/workloads/dispatch.h"
#include "kairos/bench/workloads/idle.h"
#include "kairos/bench/workloads/memory.h"
#include "kairos/bench/workloads/poll.h"
#include "kairos/bench/workloads/registration.h"
#include "kairos/bench/workloads/timer_fire.h"
#include "kairos/bench/workloads/timers.h"

namespace kairos::bench {

// The names are BM_<workload>/<contestant>/<parameters>.
template <Contestant C>
void enrollAll(const std::string& name) {
  enrollTimers<C>(name);
  enrollTimerFire<C>(name);
  enrollDispatch<C>(name);
  enrollPoll<C>(name);
  enrollRegistration<C>(name);
  enrollDeferred<C>(name);
  enrollMemory<C>(name);
  enrollIdle<C>(name);
}

}  // namespace kairos::bench

#endif  // KAIROS_BENCH_WORKLOADS_ALL_H_
