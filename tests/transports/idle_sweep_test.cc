// SPDX-License-Identifier: MIT OR Apache-2.0
// Each allocation of an idle limit fails in turn.
#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <utility>

#include "kairos/tests/transports/scene.h"
#include "kairos/transports/idle_limit.h"

namespace kairos {
namespace {

using namespace std::chrono_literals;

// Two are watched, and end; the second is watched again.
class IdleScene : public Scene {
 public:
  explicit IdleScene(const Stage& stage) : Scene(stage), limit_(context(), 1ms) {
    useUpTimers();
    watch(first_);
    watch(second_);
  }

  ~IdleScene() {
    for (std::size_t i = 0; i < used_; ++i) reactor().removeTimer(timers_[i]);
  }

  void close() {
    limit_.cancel(first_);
    limit_.cancel(second_);
  }

  void expectSuccess() const {
    EXPECT_TRUE(isWell());
    EXPECT_TRUE(isWatchedAgain_);
  }

 private:
  // The next one needs memory: a reactor takes it for many at a time.
  void useUpTimers() {
    const MemoryAssured assured;
    std::size_t begin = 0;
    for (int takes = 0; takes < 2; ++takes) {
      begin = used_;
      addUntilMemoryIsTaken();
    }
    const std::size_t atATime = used_ - begin;
    for (std::size_t i = 1; i < atATime; ++i) addTimer();
  }
  void addUntilMemoryIsTaken() {
    const AllocationCount taken;
    while (taken.allocations() == 0 && used_ < timers_.size()) addTimer();
  }
  void addTimer() {
    timers_[used_++] = reactor().addTimer(
        1h, [](void*) {}, nullptr);
  }

  void watch(Act<IdleOperation>& operation) {
    operation.begin([&](auto... with) { return limit_.watch(operation, with...); });
  }
  void onSecond() {
    if (!std::exchange(isWatchedAgain_, true)) watch(second_);
  }

  std::array<TimerId, 20000> timers_;
  std::size_t used_ = 0;
  IdleLimit limit_;
  Act<IdleOperation> first_{*this};
  Act<IdleOperation> second_{*this, [this] { onSecond(); }};
  bool isWatchedAgain_ = false;
};

TEST(IdleSweepTest, SurvivesTheWantOfMemory) { sweepAllocations<IdleScene>(1); }

}  // namespace
}  // namespace kairos
