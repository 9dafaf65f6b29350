// SPDX-License-Identifier: MIT OR Apache-2.0
// Clocks that are not like this machine's.
#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "kairos/reactor/reactor_access.h"
#include "kairos/tests/conformance/fixture.h"

namespace kairos {
namespace {

using namespace std::chrono_literals;

// Finds nothing, at a time that stands still.
class StillBackend final : public detail::Backend {
 public:
  StillBackend(Clock::time_point now, Waits& waits) : now_(now), waits_(waits) {}

  std::error_code watch(Fd, std::uint64_t, detail::Interest, detail::Interest) noexcept override {
    return {};
  }
  std::span<const detail::Ready> wait(Clock::duration limit, std::error_code&) noexcept override {
    waits_.push_back(limit);
    return {};
  }
  Clock::time_point now() noexcept override { return now_; }
  std::unique_ptr<detail::Backend> openAnother() noexcept override { return nullptr; }

 private:
  const Clock::time_point now_;
  Waits& waits_;
};

// R43
TEST(ClockTest, MayBeFurtherFromADeadlineThanADurationCanTell) {
  Waits waits;
  Reactor reactor{detail::ReactorAccess::create(
      {std::make_unique<StillBackend>(Clock::time_point(-1h), waits), std::error_code()})};
  Probe timer;
  EXPECT_NE(reactor.addTimer(Clock::time_point::max() - 1ns, Probe::run, &timer), TimerId::none);
  EXPECT_EQ(reactor.poll(Reactor::forever).callbacks, 0u);
  EXPECT_EQ(reactor.poll(1s).callbacks, 0u);
  EXPECT_EQ(waits, (Waits{Reactor::forever, 1s}));
}

}  // namespace
}  // namespace kairos
