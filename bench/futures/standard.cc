// SPDX-License-Identifier: MIT OR Apache-2.0
#include <cstddef>
#include <future>
#include <vector>

#include "kairos/bench/futures/harness.h"

namespace kairos::bench {
namespace {

void setAndGet(std::size_t times) {
  long sum = 0;
  for (std::size_t i = 0; i < times; ++i) {
    std::promise<int> promise;
    std::future<int> future = promise.get_future();
    promise.set_value(1);
    sum += future.get();
  }
  expect(sum == static_cast<long>(times), "a value is missing");
}

}  // namespace

std::vector<Way> standardWays() { return {{"callback", "std-promise", setAndGet}}; }

}  // namespace kairos::bench
