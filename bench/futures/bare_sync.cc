// SPDX-License-Identifier: MIT OR Apache-2.0
// Handing over by hand: few wait, nobody is cancelled, nothing outlives anything.
#include <coroutine>
#include <cstddef>
#include <deque>
#include <utility>
#include <vector>

#include "kairos/bench/futures/bare_coroutine.h"
#include "kairos/bench/futures/harness.h"

namespace kairos::bench {
namespace {

// An item goes to who waits for one, else it is kept.
struct Queue {
  struct Take {
    bool await_ready() const noexcept { return queue.hasItem; }
    void await_suspend(std::coroutine_handle<> coroutine) const { queue.waiting = coroutine; }
    int await_resume() const noexcept {
      queue.hasItem = false;
      return queue.item;
    }
    Queue& queue;
  };

  void put(int value) {
    item = value;
    hasItem = true;
    if (waiting) ready.add(std::exchange(waiting, nullptr));
  }
  Take take() { return {*this}; }

  ReadyQueue& ready;
  std::coroutine_handle<> waiting = nullptr;
  int item = 0;
  bool hasItem = false;
};

Detached serve(Queue& there, Queue& back, std::size_t times, long& sum) {
  for (std::size_t i = 0; i < times; ++i) {
    there.put(1);
    sum += co_await back.take();
  }
}

Detached giveBack(Queue& there, Queue& back, std::size_t times, long& sum) {
  for (std::size_t i = 0; i < times; ++i) {
    sum += co_await there.take();
    back.put(1);
  }
}

void queue(std::size_t times) {
  ReadyQueue ready;
  std::deque<Queue> queues;
  long sum = 0;
  const std::size_t trips = times / batch / 2;
  for (std::size_t i = 0; i < batch; ++i) {
    Queue& there = queues.emplace_back(Queue{ready});
    Queue& back = queues.emplace_back(Queue{ready});
    giveBack(there, back, trips, sum);
    serve(there, back, trips, sum);
  }
  ready.run();
  expect(sum == static_cast<long>(trips * batch * 2), "an item is missing");
}

// It stays locked while it is handed over.
struct Lock {
  struct Acquire {
    bool await_ready() const noexcept { return !std::exchange(lock.isLocked, true); }
    void await_suspend(std::coroutine_handle<> coroutine) const {
      lock.behind = std::exchange(lock.waiting, coroutine);
    }
    void await_resume() const noexcept {}
    Lock& lock;
  };

  Acquire acquire() { return {*this}; }
  void release() {
    if (!waiting) {
      isLocked = false;
    } else {
      ready.add(std::exchange(waiting, std::exchange(behind, nullptr)));
    }
  }

  ReadyQueue& ready;
  std::coroutine_handle<> waiting = nullptr;  // at most two, while nobody has it
  std::coroutine_handle<> behind = nullptr;
  bool isLocked = false;
};

Detached lockMany(Lock& lock, std::size_t times, long& sum) {
  for (std::size_t i = 0; i < times; ++i) {
    co_await lock.acquire();
    ++sum;
    lock.release();
  }
}

// Two for each lock, of whom one gets it in each turn, and the other waits.
void lock(std::size_t times) {
  ReadyQueue ready;
  std::deque<Lock> locks;
  long sum = 0;
  const std::size_t turns = times / batch / 2;
  for (std::size_t i = 0; i < batch; ++i) {
    Lock& each = locks.emplace_back(Lock{.ready = ready, .isLocked = true});
    lockMany(each, turns, sum);
    lockMany(each, turns, sum);
  }
  for (Lock& each : locks) each.release();
  ready.run();
  expect(sum == static_cast<long>(turns * batch * 2), "a turn is missing");
}

}  // namespace

std::vector<Way> bareSyncWays() { return {{"queue", "bare", queue}, {"lock", "bare", lock}}; }

}  // namespace kairos::bench
