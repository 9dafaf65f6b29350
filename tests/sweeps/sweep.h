// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TESTS_SWEEPS_SWEEP_H_
#define KAIROS_TESTS_SWEEPS_SWEEP_H_

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>

#include "kairos/tests/conformance/fixture.h"
#include "kairos/tests/support/allocations.h"
#include "kairos/tests/sweeps/life.h"

namespace kairos {

// Where the reactors of a sweep come from.
struct Maker {
  const char* name;
  Reactor (*make)();
};

inline std::ostream& operator<<(std::ostream& out, const Maker& maker) { return out << maker.name; }

inline auto makers() {
  return testing::Values(
      Maker{"epoll", [] { return detail::ReactorAccess::create(detail::openEpollBackend()); }},
      Maker{"poll", [] { return detail::ReactorAccess::create(detail::openPollBackend()); }},
      Maker{"default", [] { return Reactor(); }});
}

inline std::string makerName(const testing::TestParamInfo<Maker>& info) { return info.param.name; }

// Plays each scenario again and again, with a fault at its first moment, at its second, and so on,
// until it has no more moments. How often the fault happened.
template <class MakeFault>
std::size_t sweep(const Maker& maker, MakeFault makeFault) {
  constexpr std::size_t momentsMax = 10'000;
  std::size_t happened = 0;
  for (const Scenario& scenario : scenarios) {
    for (std::size_t nth = 1; nth < momentsMax; ++nth) {
      SCOPED_TRACE(testing::Message() << scenario.name << ", fault " << nth);
      const std::set<Fd> fdsBefore = openFds();
      const AllocationCount memoryBefore;
      bool isOver = false;
      {
        const auto fault = makeFault(nth);
        Life life(maker.make, *fault);
        scenario.play(life);
        isOver = !fault->happened();
        life.recover();
      }
      EXPECT_EQ(memoryBefore.bytes(), 0);
      EXPECT_EQ(openFds(), fdsBefore);
      if (isOver || testing::Test::HasFailure()) break;
      ++happened;
    }
  }
  return happened;
}

}  // namespace kairos

#endif  // KAIROS_TESTS_SWEEPS_SWEEP_H_
