// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/tests/soak/programs.h"

namespace kairos::soak {
namespace {

// Together less than 1: some end later than they begin to end.
// clang-format off
constexpr Program all[] = {
    {"churn", 0.20, churn},
    {"manyIdle", 0.08, manyIdle},
    {"bulk", 0.10, bulk},
    {"burst", 0.05, burst},
    {"fewDescriptors", 0.08, fewDescriptors},
    {"timers", 0.05, timers},
    {"posts", 0.06, posts},
    {"datagrams", 0.08, datagrams},
    {"processes", 0.08, processes},
    {"disturbed", 0.08, disturbed},
    {"badPeers", 0.08, badPeers},
};
// clang-format on

}  // namespace

std::span<const Program> programs() { return all; }

}  // namespace kairos::soak
