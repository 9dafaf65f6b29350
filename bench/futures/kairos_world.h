// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_BENCH_FUTURES_KAIROS_WORLD_H_
#define KAIROS_BENCH_FUTURES_KAIROS_WORLD_H_

#include "kairos/bench/futures/harness.h"
#include "kairos/futures-addon/future_context.h"
#include "kairos/reactor/reactor.h"

namespace kairos::bench {

// The reactor of all workloads, and the context on it.
struct World {
  void poll() { expect(!reactor.poll(Reactor::forever).error, "the poll was refused"); }

  Reactor reactor;
  FutureContext context{reactor};
};

inline World& world() {
  static World made;
  return made;
}

}  // namespace kairos::bench

#endif  // KAIROS_BENCH_FUTURES_KAIROS_WORLD_H_
