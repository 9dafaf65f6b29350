// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/reactor/timer_store.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>
#include <vector>

namespace kairos::detail {
namespace {

TimerIndex allocated(TimerStore& store) {
  const TimerIndex timer = store.allocate();
  store[timer].setPlace(inNothing);
  return timer;
}

TEST(TimerStoreTest, GivesNoIdTwiceAlsoAfterItsMemoryWentBack) {  // R32, IR16
  TimerStore store;
  std::set<TimerId> seen;
  for (int round = 0; round < 5; ++round) {
    std::vector<TimerIndex> timers;
    for (int i = 0; i < 5000; ++i) {
      timers.push_back(allocated(store));
      EXPECT_TRUE(seen.insert(TimerStore::id(store[timers.back()], timers.back())).second);
    }
    for (const TimerIndex timer : timers) store.release(store[timer], timer);
  }
  for (const TimerId id : seen) EXPECT_EQ(store.find(id), 0u);
}

TEST(TimerStoreTest, FindsALiveTimerAndNoOther) {
  TimerStore store;
  const TimerIndex timer = allocated(store);
  const TimerId id = TimerStore::id(store[timer], timer);
  EXPECT_EQ(store.find(id), timer);
  const auto bits = static_cast<std::uint64_t>(id);
  const std::uint64_t nextId = bits + (std::uint64_t{1} << 24);
  for (const std::uint64_t invented :
       std::vector<std::uint64_t>{bits + 1, bits - 1, nextId, 1, 0}) {
    EXPECT_EQ(store.find(TimerId{invented}), 0u) << invented;
  }
  store.release(store[timer], timer);
  EXPECT_EQ(store.find(id), 0u);
  EXPECT_EQ(store.find(TimerId{nextId}), 0u) << "the id that comes next";
}

TEST(TimerStoreTest, RetiresAPlaceWhoseGenerationsAreUsedUp) {  // IR16
  TimerStore store(TimerStore::lastGeneration - 1);
  std::set<TimerId> seen;
  std::set<TimerIndex> places;
  for (int i = 0; i < 10; ++i) {
    const TimerIndex timer = allocated(store);
    ASSERT_NE(timer, 0u);
    places.insert(timer);
    EXPECT_TRUE(seen.insert(TimerStore::id(store[timer], timer)).second);
    store.release(store[timer], timer);
    for (const TimerId id : seen) EXPECT_EQ(store.find(id), 0u);
  }
  EXPECT_EQ(places.size(), 5u) << "two generations each";
}

TEST(TimerStoreTest, KeepsItsMemoryWhenGenerationsBecomeScarce) {
  TimerStore store(TimerStore::lastGeneration - 1);
  std::set<TimerId> seen;
  for (int round = 0; round < 2; ++round) {
    std::vector<TimerIndex> timers;
    for (int i = 0; i < 3000; ++i) {
      timers.push_back(allocated(store));
      ASSERT_NE(timers.back(), 0u);
      EXPECT_TRUE(seen.insert(TimerStore::id(store[timers.back()], timers.back())).second);
    }
    for (const TimerIndex timer : timers) store.release(store[timer], timer);
  }
}

TEST(TimerStoreTest, RefusesTheTimerThatHasNoPlaceLeft) {
  TimerStore store(1, 2000);
  std::vector<TimerIndex> timers;
  while (store.size() < 2000) {
    timers.push_back(allocated(store));
    ASSERT_NE(timers.back(), 0u);
  }
  EXPECT_EQ(store.allocate(), 0u);
  store.release(store[timers[500]], timers[500]);
  EXPECT_EQ(store.allocate(), timers[500]);
  EXPECT_EQ(store.allocate(), 0u);
}

TEST(TimerStoreTest, SortsByDeadlineThenOrder) {
  std::mt19937 random(7);
  for (const unsigned size : {0u, 1u, 2u, 3u, 17u, 1000u}) {
    TimerStore store;
    TimerList list;
    for (unsigned i = 0; i < size; ++i) {
      const TimerIndex timer = store.allocate();
      store[timer].deadline = static_cast<Nanoseconds>(random() % 50);
      store[timer].order = i;
      store.append(list, store[timer], timer, inRunList);
    }
    store.sort(list);
    unsigned count = 0;
    TimerIndex previous = 0;
    for (TimerIndex i = list.head; i != 0; previous = i, i = store[i].next, ++count) {
      EXPECT_EQ(store[i].previous, previous);
      EXPECT_TRUE(previous == 0 || runsBefore(store[previous], store[i]));
    }
    EXPECT_EQ(count, size);
    EXPECT_EQ(list.tail, previous);
  }
}

}  // namespace
}  // namespace kairos::detail
