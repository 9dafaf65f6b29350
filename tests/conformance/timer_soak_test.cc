// SPDX-License-Identifier: MIT OR Apache-2.0
// Random histories of thousands of timers against a sorted set, with user data that is freed on
// removal. On virtual time.
#include <gtest/gtest.h>

#include <iterator>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "kairos/tests/conformance/fixture.h"
#include "kairos/tests/support/process_state.h"
#include "kairos/tests/support/random_seed.h"

namespace kairos {
namespace {

using namespace std::chrono_literals;

class TimerSoak;

// One timer: the user data, and its place in the expected order.
struct Pending {
  TimerSoak* soak;
  Clock::time_point deadline;
  std::uint64_t order;
  std::uint64_t addedIn;  // number of the poll, if a callback added it
  TimerId id;
  std::size_t position;  // among the pending
};

struct RunsBefore {
  bool operator()(const Pending* a, const Pending* b) const {
    return a->deadline != b->deadline ? a->deadline < b->deadline : a->order < b->order;
  }
};

class TimerSoak {
 public:
  TimerSoak(const BackendKind& kind, Random& random) : random_(random), time_(kind.open) {
    // Zero delays are ordered by the last reading of the clock: there is one from now on.
    reactor_.removeTimer(reactor_.addTimer(1ms, onTimer, this));
  }

  // Towards that many pending timers.
  void step(std::size_t population) {
    const bool grow = pending_.size() < population;
    if (random_.oneIn(16)) {
      poll();
    } else if (random_.oneIn(4) ? !grow : grow) {
      add();
    } else {
      removeAny();
    }
  }

  void finish() {
    while (!pending_.empty()) removeAny();
    EXPECT_EQ(reactor_.poll(Reactor::forever).error, std::errc::resource_deadlock_would_occur);
  }

  std::size_t runs() const { return runs_; }

 private:
  void add() {
    const Clock::duration delays[] = {0ns, 1ns, 100ns, 1us, 50us, 1ms, 1ms + 1ns, 1s, 24h};
    const Clock::duration delay = delays[random_.below(std::size(delays))];
    auto timer = std::make_unique<Pending>();
    *timer = {this, {}, ++additions_, isPolling_ ? pollNumber_ : 0, {}, pending_.size()};
    if (random_.oneIn(2)) {
      timer->deadline = delay > 0ns ? time_.now() + delay : time_.lastReading();
      timer->id = reactor_.addTimer(delay, onTimer, timer.get());
    } else {
      timer->deadline = time_.now() + (random_.oneIn(2) ? delay : -delay);
      timer->id = reactor_.addTimer(timer->deadline, onTimer, timer.get());
    }
    EXPECT_NE(timer->id, TimerId::none);
    expected_.insert(timer.get());
    pending_.push_back(std::move(timer));
  }

  void removeAny() {
    if (pending_.empty()) return;
    Pending& timer = *pending_[random_.below(pending_.size())];
    const TimerId id = timer.id;
    EXPECT_TRUE(reactor_.removeTimer(id));
    forget(timer);
    EXPECT_FALSE(reactor_.removeTimer(id));
  }

  void forget(Pending& timer) {
    expected_.erase(&timer);
    std::unique_ptr<Pending>& place = pending_[timer.position];
    pending_.back()->position = timer.position;
    std::swap(place, pending_.back());
    pending_.pop_back();
  }

  void poll() {
    if (random_.oneIn(2)) time_.advance(random_.below(100'000) * 1ns);
    const Clock::duration timeout = random_.below(2) * 100us;
    ++pollNumber_;
    const std::size_t before = runs_;
    isPolling_ = true;
    const PollResult result = reactor_.poll(timeout);
    isPolling_ = false;
    EXPECT_EQ(result.error, std::error_code());
    EXPECT_EQ(result.callbacks, runs_ - before);
    const Pending* const next = firstDue();
    EXPECT_EQ(next, nullptr) << "due, but not run";
    time_.forget();
  }

  // The one that has to run next in this poll.
  const Pending* firstDue() const {
    for (const Pending* timer : expected_) {
      if (timer->deadline > time_.lastWaitEnded()) break;
      if (timer->addedIn != pollNumber_) return timer;
    }
    return nullptr;
  }

  static void onTimer(void* udata) {
    auto& timer = *static_cast<Pending*>(udata);
    TimerSoak& soak = *timer.soak;
    ++soak.runs_;
    EXPECT_EQ(soak.firstDue(), &timer);
    const TimerId id = timer.id;
    soak.forget(timer);
    if (soak.random_.oneIn(3)) soak.actInCallback(id);
  }

  void actInCallback(TimerId mine) {
    EXPECT_FALSE(reactor_.removeTimer(mine));
    for (std::size_t n = random_.below(4); n > 0; --n) {
      if (random_.oneIn(2)) add();
      if (random_.oneIn(2)) removeAny();
    }
    if (random_.oneIn(4)) time_.advance(random_.below(10'000) * 1ns);
  }

  Random& random_;
  VirtualTime time_;
  Reactor reactor_{detail::ReactorAccess::create(time_.open())};
  std::vector<std::unique_ptr<Pending>> pending_;
  std::set<const Pending*, RunsBefore> expected_;
  std::uint64_t additions_ = 0;
  std::uint64_t pollNumber_ = 0;
  std::size_t runs_ = 0;
  bool isPolling_ = false;
};

class TimerSoakTest : public testing::TestWithParam<BackendKind> {};

INSTANTIATE_TEST_SUITE_P(Backends, TimerSoakTest, backends(), backendName);

// R44
TEST_P(TimerSoakTest, RunsAsASortedSetInRandomHistories) {
  const int steps = historySteps(underSanitizer() ? 100'000 : 400'000);
  const std::size_t populations[] = {0, 3, 100, 5000, 0, 2000, 0};
  Random random;
  TimerSoak soak(GetParam(), random);
  std::size_t population = 0;
  for (int i = 0; i < steps; ++i) {
    if (i % 10'000 == 0) population = populations[random.below(std::size(populations))];
    soak.step(population);
    if (i % 64 == 0 && HasFailure()) FAIL() << "about step " << i;
  }
  soak.finish();
  // How many depends on the populations drawn: with all of them 0, about one in a hundred.
  EXPECT_GT(soak.runs(), 0u);
}

}  // namespace
}  // namespace kairos
