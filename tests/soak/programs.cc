// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/tests/soak/programs.h"

namespace kairos::soak {
namespace {

// Together less than 1: some end later than they begin to end.
constexpr Program all[] = {
    {"churn", 0.20, churn},
    {"manyIdle", 0.08, manyIdle},
    {"bulk", 0.10, bulk},
    {"burst", 0.05, burst},
    {"fewDescriptors", 0.08, fewDescriptors},
    {"timers", 0.05, timers},
    {"posts", 0.06, posts},
    {"datagrams", 0.08, datagrams},
    {"disturbed", 0.10, disturbed},
    {"badPeers", 0.10, badPeers},
};

}  // namespace

std::span<const Program> programs() { return all; }

}  // namespace kairos::soak
