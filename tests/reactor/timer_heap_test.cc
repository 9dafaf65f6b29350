// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/reactor/timer_heap.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace kairos::detail {
namespace {

// The place of one more timer, 0: there is none.
TimerIndex allocated(TimerStore& store) { return store.makeReady() ? store.allocate() : 0; }

TEST(TimerHeapTest, KeepsTheFirstOnTopThroughRandomRemovals) {
  std::mt19937 random(5);
  TimerStore store;
  TimerHeap heap(store);
  ASSERT_TRUE(heap.reserve(2000));
  std::vector<TimerIndex> in;
  for (std::uint64_t order = 0; order < 2000; ++order) {
    const TimerIndex timer = allocated(store);
    store[timer] = {static_cast<Nanoseconds>(random() % 300), order, {}};
    heap.add(timer);
    in.push_back(timer);
  }
  while (!in.empty()) {
    const auto first = *std::min_element(in.begin(), in.end(), [&](TimerIndex a, TimerIndex b) {
      return runsBefore(store[a], store[b]);
    });
    ASSERT_EQ(heap.first(), first);
    const bool top = random() % 2 == 0;
    const TimerIndex gone = top ? first : in[random() % in.size()];
    heap.remove(gone);
    std::erase(in, gone);
  }
  EXPECT_TRUE(heap.empty());
  EXPECT_EQ(heap.first(), 0u);
}

}  // namespace
}  // namespace kairos::detail
