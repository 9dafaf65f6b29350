// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/reactor/timer_heap.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace kairos::detail {
namespace {

TEST(TimerHeapTest, KeepsTheFirstOnTopThroughRandomRemovals) {
  std::mt19937 random(5);
  TimerStore store;
  TimerHeap heap(store);
  ASSERT_TRUE(heap.reserve(2000));
  std::vector<TimerIndex> in;
  for (std::uint64_t order = 0; order < 2000; ++order) {
    const TimerIndex timer = store.allocate();
    store[timer].deadline = static_cast<Nanoseconds>(random() % 300);
    store[timer].order = order;
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
