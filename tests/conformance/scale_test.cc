// SPDX-License-Identifier: MIT OR Apache-2.0
// Many timers and many descriptors. Bounds of time are of processor time, and wide: they tell a
// linear search from a logarithm.
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "kairos/tests/conformance/fixture.h"
#include "kairos/tests/support/allocations.h"
#include "kairos/tests/support/process_state.h"
#include "kairos/tests/support/random_seed.h"

namespace kairos {
namespace {

using namespace std::chrono_literals;

class ScaleTest : public VirtualTimeTest {
 protected:
  // A million; less where the compiler or a sanitizer makes everything slow.
  const std::size_t many_ = misuseAborts || underSanitizer() ? 200'000 : 1'000'000;
  // Wide enough for those.
  const Clock::duration eachAtMost_ = underValgrind() ? 300us : 30us;
};

INSTANTIATE_TEST_SUITE_P(Backends, ScaleTest, backends(), backendName);

// R38
TEST_P(ScaleTest, RemovesManyTimersInRandomOrderWithoutSearching) {
  Random random;
  Probe timer;
  std::vector<TimerId> timers;
  for (int i = 0; i < 200'000; ++i) {
    timers.push_back(addTimer(random.below(3'600'000'000) * 1us + 1s, timer));
  }
  std::shuffle(timers.begin(), timers.end(), random.engine());
  const auto before = cpuTime();
  std::size_t removed = 0;
  for (const TimerId id : timers) removed += reactor_.removeTimer(id) ? 1u : 0u;
  EXPECT_EQ(removed, timers.size());
  // A search for each looks at 2 * 10^10 timers: tens of seconds.
  EXPECT_LT(cpuTime() - before, 5s);
}

// Checks that deadlines come in order.
struct Watcher {
  VirtualTime& time;
  std::size_t runs = 0;
  std::size_t disorders = 0;
  Clock::time_point last{};
};

struct Expected {
  Watcher* watcher;
  Clock::time_point deadline;

  static void run(void* udata) {
    const auto& self = *static_cast<Expected*>(udata);
    Watcher& watcher = *self.watcher;
    ++watcher.runs;
    if (self.deadline < watcher.last || self.deadline > watcher.time.now()) ++watcher.disorders;
    watcher.last = self.deadline;
  }
};

// R42
TEST_P(ScaleTest, RunsManyTimersByDeadline) {
  Random random;
  Watcher watcher{time_};
  std::vector<Expected> timers(many_);
  const auto before = cpuTime();
  for (Expected& timer : timers) {
    timer = {&watcher, time_.now() + random.below(60'000'000'000) * 1ns};
    ASSERT_NE(reactor_.addTimer(timer.deadline, Expected::run, &timer), TimerId::none);
  }
  for (std::size_t polls = 0; watcher.runs < many_ && polls < 100'000; ++polls) {
    time_.advance(1ms);
    poll(Reactor::forever);
  }
  EXPECT_EQ(watcher.runs, many_);
  EXPECT_EQ(watcher.disorders, 0u);
  EXPECT_LT(cpuTime() - before, many_ * eachAtMost_);
}

// R42
TEST_P(ScaleTest, RunsManyTimersOfOneDeadlineInTheOrderAdded) {
  std::size_t next = 0;
  std::size_t disorders = 0;
  struct Numbered {
    std::size_t number;
    std::size_t* next;
    std::size_t* disorders;
    static void run(void* udata) {
      const auto& self = *static_cast<Numbered*>(udata);
      if (self.number != (*self.next)++) ++*self.disorders;
    }
  };
  std::vector<Numbered> timers(many_);
  const auto deadline = time_.now() + 1s;
  const auto before = cpuTime();
  for (std::size_t i = 0; i < many_; ++i) {
    timers[i] = {i, &next, &disorders};
    reactor_.addTimer(deadline, Numbered::run, &timers[i]);
  }
  EXPECT_EQ(poll(Reactor::forever), many_);
  EXPECT_EQ(disorders, 0u);
  EXPECT_LT(cpuTime() - before, many_ * eachAtMost_);
}

// R39
TEST_P(ScaleTest, RemembersNothingOfManyRemovedTimers) {
  Probe timer;
  for (int i = 1; i <= 3; ++i) addTimer(i * 1s, timer);
  std::vector<TimerId> removed;
  for (int i = 0; i < 10'000; ++i) removed.push_back(addTimer(1h, timer));
  for (const TimerId id : removed) EXPECT_TRUE(reactor_.removeTimer(id));
  time_.forget();
  while (timer.runs() < 3) poll(Reactor::forever);
  EXPECT_EQ(time_.waits(), (Waits{1s, 1s, 1s}));
  EXPECT_EQ(reactor_.poll(Reactor::forever).error, std::errc::resource_deadlock_would_occur);
}

// More descriptors than a process may open: a backend without a kernel that takes any number.
class AnyDescriptorBackend final : public detail::Backend {
 public:
  explicit AnyDescriptorBackend(std::vector<detail::Ready>& ready) : ready_(ready) {}

  std::error_code watch(Fd, std::uint64_t token, detail::Interest,
                        detail::Interest to) noexcept override {
    if (to.any()) ready_.push_back({token, to.read, to.write});
    return {};
  }
  std::span<const detail::Ready> wait(Clock::duration, std::error_code&) noexcept override {
    return ready_;
  }
  Clock::time_point now() noexcept override { return Clock::time_point(1h); }
  std::unique_ptr<detail::Backend> openAnother() noexcept override { return nullptr; }

 private:
  std::vector<detail::Ready>& ready_;  // each that is watched, always
};

// R64
TEST(DescriptorScaleTest, ServesFiftyThousandForTheMemoryItPromises) {
  constexpr std::size_t many = 50'000;
  std::vector<detail::Ready> ready;
  ready.reserve(many);
  Reactor reactor{detail::ReactorAccess::create(
      {std::make_unique<AnyDescriptorBackend>(ready), std::error_code()})};
  std::vector<std::size_t> runs(many);
  const AllocationCount count;
  for (std::size_t i = 0; i < many; ++i) {
    const CallbackFunc callback = [](void* udata) { ++*static_cast<std::size_t*>(udata); };
    ASSERT_FALSE(reactor.addReader(static_cast<Fd>(i), callback, &runs[i]));
  }
  EXPECT_LE(count.bytes(), static_cast<std::ptrdiff_t>(many * 56 + 65'536));
  EXPECT_LE(count.allocations(), many / 100) << "growth is amortised";
  EXPECT_EQ(reactor.poll(Clock::duration::zero()).callbacks, many);
  EXPECT_EQ(std::count(runs.begin(), runs.end(), 1u), static_cast<std::ptrdiff_t>(many));
}

}  // namespace
}  // namespace kairos
