// SPDX-License-Identifier: MIT OR Apache-2.0
#include <malloc.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <random>
#include <vector>

#include "kairos/reactor/reactor.h"
#include "kairos/tests/soak/programs.h"

namespace kairos::soak {
namespace {

using namespace std::chrono_literals;

// Checks that all fire in the order of their deadlines, those that are equal in the order in which
// they were added, and none early.
class OrderedTimers {
 public:
  OrderedTimers(Reactor& reactor, Figures& figures) : reactor_(reactor), figures_(figures) {}

  void add(std::size_t count, std::uint32_t differentDeadlines) {
    timers_.resize(count);
    left_ = count;
    const Clock::time_point base = Clock::now();
    for (Timer& timer : timers_) {
      timer = {this, base + std::chrono::microseconds(random_() % differentDeadlines)};
      if (reactor_.addTimer(timer.deadline, onTimer, &timer) == TimerId::none) ++figures_.errors;
    }
  }

  void runAll(double patienceSeconds) {
    last_ = {nullptr, Clock::time_point::min()};
    lastPlace_ = nullptr;
    const Budget patience(patienceSeconds);
    while (left_ > 0 && !patience.isOver()) reactor_.poll(100ms);
    figures_.lost += left_;
    for (int i = 0; i < 200; ++i) reactor_.poll(0s);
  }

 private:
  struct Timer {
    OrderedTimers* all;
    Clock::time_point deadline;
  };

  static void onTimer(void* udata) {
    auto& timer = *static_cast<Timer*>(udata);
    timer.all->fired(timer);
  }

  void fired(const Timer& timer) {
    --left_;
    const bool isInOrder = timer.deadline > last_.deadline ||
                           (timer.deadline == last_.deadline && &timer > lastPlace_);
    if (isInOrder && Clock::now() >= timer.deadline) {
      ++figures_.ok;
    } else {
      ++figures_.corrupt;
    }
    last_ = timer;
    lastPlace_ = &timer;
  }

  Reactor& reactor_;
  Figures& figures_;
  std::minstd_rand random_{1};
  std::vector<Timer> timers_;
  std::size_t left_ = 0;
  Timer last_{};
  const Timer* lastPlace_ = nullptr;
};

void addAndRemove(Reactor& reactor, std::size_t pairs, Figures& figures) {
  const auto never = [](void*) {};
  for (std::size_t i = 0; i < pairs; ++i) {
    const TimerId timer =
        reactor.addTimer(std::chrono::microseconds(1000000 + i % 1000), never, nullptr);
    if (!reactor.removeTimer(timer)) ++figures.errors;
  }
}

}  // namespace

// Rounds of a million that fire, and of ten million that are removed; smaller ones when the time is
// short. What the allocator keeps is given back before the memory is looked at.
Figures timers(const Budget& budget) {
  Figures figures{.name = "timers"};
  const std::size_t count = budget.seconds() < 10 ? 50'000 : 1'000'000;
  figures.fdsBefore = figures.fdsAfter = openDescriptors(::getpid());
  Reactor reactor;
  OrderedTimers all(reactor, figures);
  double spent = 0;
  int rounds = 0;
  do {
    all.add(count, rounds % 2 == 0 ? 1'000'000 : 3);
    all.runAll(120);
    const Budget pairs(0);
    addAndRemove(reactor, count * 10, figures);
    spent += pairs.spent();
    ::malloc_trim(0);
    (rounds == 0 ? figures.rssBefore : figures.rssAfter) = residentKilobytes(::getpid());
  } while (++rounds < 2 || !budget.isOver());
  char text[100];
  std::snprintf(text, sizeof text, "%d rounds of %zu, %.0f ns for an add and a remove", rounds,
                count, spent * 1e9 / static_cast<double>(count) / 10 / rounds);
  figures.more = text;
  return figures;
}

}  // namespace kairos::soak
