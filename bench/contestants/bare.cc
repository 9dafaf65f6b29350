// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/bench/contestants/bare_loop.h"
#include "kairos/bench/workloads/all.h"

namespace kairos::bench {

void enrollBare() { enrollAll<BareLoop<0>>("bare"); }

}  // namespace kairos::bench
