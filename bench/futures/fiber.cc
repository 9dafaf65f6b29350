// SPDX-License-Identifier: MIT OR Apache-2.0
#include <boost/fiber/all.hpp>
#include <chrono>
#include <cstddef>
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

}  // namespace

std::vector<Way> fiberWays() {
  return {{"callback", "boost-fiber", setAndGet},
          {"pending", "boost-fiber", hop},
          {"sleep", "boost-fiber", sleep},
          {"spawn", "boost-fiber", spawn}};
}

}  // namespace kairos::bench
