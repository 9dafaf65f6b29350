// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TESTS_SOAK_PROGRAMS_H_
#define KAIROS_TESTS_SOAK_PROGRAMS_H_

#include <span>
#include <string_view>

#include "kairos/tests/soak/figures.h"

namespace kairos::soak {

// Each puts a load on transports for about as long as the budget, and tells what came of it.
Figures churn(const Budget& budget);           // connections that come and go
Figures manyIdle(const Budget& budget);        // thousands of idle ones beside busy ones
Figures bulk(const Budget& budget);            // much both ways on few
Figures burst(const Budget& budget);           // very many at once
Figures fewDescriptors(const Budget& budget);  // a server that runs out of descriptors
Figures timers(const Budget& budget);          // a million
Figures posts(const Budget& budget);           // from four threads
Figures datagrams(const Budget& budget);
Figures processes(const Budget& budget);  // that give back what they are given
Figures disturbed(const Budget& budget);  // churn under calls that do less than they could
Figures badPeers(const Budget& budget);   // churn beside peers that stall, stop reading or die

struct Program {
  std::string_view name;
  double share;  // of the time of all
  Figures (*run)(const Budget& budget);
};

std::span<const Program> programs();

}  // namespace kairos::soak

#endif  // KAIROS_TESTS_SOAK_PROGRAMS_H_
