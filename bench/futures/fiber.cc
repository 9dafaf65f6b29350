// SPDX-License-Identifier: MIT OR Apache-2.0
#include <boost/fiber/all.hpp>
#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <vector>

#include "kairos/bench/futures/harness.h"

namespace kairos::bench {
namespace {

namespace fibers = boost::fibers;

void setAndGet(std::size_t times) {
  long sum = 0;
  for (std::size_t i = 0; i < times; ++i) {
    fibers::promise<int> promise;
    fibers::future<int> future = promise.get_future();
    promise.set_value(1);
    sum += future.get();
  }
  expect(sum == static_cast<long>(times), "a value is missing");
}

// In batches, because a stack is kept for each until it is joined.
void spawn(std::size_t times) {
  long sum = 0;
  for (std::size_t i = 0; i < times; ++i) fibers::fiber([&sum] { ++sum; }).join();
  expect(sum == static_cast<long>(times), "a start is missing");
}

template <class Body>
void runBatch(std::size_t times, Body body) {
  long sum = 0;
  std::vector<fibers::fiber> all;
  for (std::size_t i = 0; i < batch; ++i) {
    all.emplace_back([&sum, body, count = times / batch] {
      for (std::size_t k = 0; k < count; ++k) body(), ++sum;
    });
  }
  for (fibers::fiber& each : all) each.join();
  expect(sum == static_cast<long>(times / batch * batch), "a turn is missing");
}

void hop(std::size_t times) {
  runBatch(times, [] { boost::this_fiber::yield(); });
}

void sleep(std::size_t times) {
  runBatch(times, [] { boost::this_fiber::sleep_for(std::chrono::nanoseconds(1)); });
}

// Two fibers and two channels each.
void queue(std::size_t times) {
  using Channel = fibers::buffered_channel<int>;
  std::deque<Channel> channels;
  std::vector<fibers::fiber> all;
  long sum = 0;
  const std::size_t trips = times / batch / 2;
  const auto give = [&sum](Channel& to, Channel& from, bool first, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      if (first) to.push(1);
      int item = 0;
      from.pop(item);
      sum += item;
      if (!first) to.push(1);
    }
  };
  for (std::size_t i = 0; i < batch; ++i) {
    Channel& there = channels.emplace_back(2);
    Channel& back = channels.emplace_back(2);
    all.emplace_back(give, std::ref(back), std::ref(there), false, trips);
    all.emplace_back(give, std::ref(there), std::ref(back), true, trips);
  }
  for (fibers::fiber& each : all) each.join();
  expect(sum == static_cast<long>(trips * batch * 2), "an item is missing");
}

// Two fibers for each mutex, which does not hand over: who has it lets the other come and wait, and
// who has released it lets the other take it.
void lock(std::size_t times) {
  std::deque<fibers::mutex> mutexes;
  std::vector<fibers::fiber> all;
  long sum = 0;
  const std::size_t turns = times / batch / 2;
  for (std::size_t i = 0; i < batch; ++i) {
    fibers::mutex& mutex = mutexes.emplace_back();
    for (int k = 0; k < 2; ++k) {
      all.emplace_back([&mutex, &sum, turns] {
        for (std::size_t turn = 0; turn < turns; ++turn) {
          mutex.lock();
          ++sum;
          boost::this_fiber::yield();
          mutex.unlock();
          boost::this_fiber::yield();
        }
      });
    }
  }
  for (fibers::fiber& each : all) each.join();
  expect(sum == static_cast<long>(turns * batch * 2), "a turn is missing");
}

}  // namespace

std::vector<Way> fiberWays() {
  return {{"callback", "boost-fiber", setAndGet}, {"pending", "boost-fiber", hop},
          {"sleep", "boost-fiber", sleep},        {"spawn", "boost-fiber", spawn},
          {"queue", "boost-fiber", queue},        {"lock", "boost-fiber", lock}};
}

}  // namespace kairos::bench
