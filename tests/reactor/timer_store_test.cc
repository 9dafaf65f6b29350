// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/reactor/timer_store.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>
#include <vector>

namespace kairos::detail {
namespace {

// The place of one more timer, 0: there is none.
TimerIndex allocated(TimerStore& store) { return store.makeReady() ? store.allocate() : 0; }

TEST(TimerStoreTest, GivesNoIdTwiceAlsoAfterItsMemoryWentBack) {  // R32, IR16
  TimerStore store;
  std::set<TimerId> seen;
  for (int round = 0; round < 5; ++round) {
    std::vector<TimerIndex> timers;
    for (int i = 0; i < 5000; ++i) {
      timers.push_back(allocated(store));
      EXPECT_TRUE(seen.insert(store.id(timers.back())).second);
    }
    for (const TimerIndex timer : timers) store.release(timer);
  }
  for (const TimerId id : seen) EXPECT_EQ(store.find(id), 0u);
}

TEST(TimerStoreTest, FindsALiveTimerAndNoOther) {
  TimerStore store;
  const TimerIndex timer = allocated(store);
  const TimerId id = store.id(timer);
  EXPECT_EQ(store.find(id), timer);
  const auto bits = static_cast<std::uint64_t>(id);
  const std::uint64_t nextId = bits + (std::uint64_t{1} << 24);
  for (const std::uint64_t invented :
       std::vector<std::uint64_t>{bits + 1, bits - 1, nextId, firstWheelList, 1, 0}) {
    EXPECT_EQ(store.find(TimerId{invented}), 0u) << invented;
  }
  store.release(timer);
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
    EXPECT_TRUE(seen.insert(store.id(timer)).second);
    store.release(timer);
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
      EXPECT_TRUE(seen.insert(store.id(timers.back())).second);
    }
    for (const TimerIndex timer : timers) store.release(timer);
    store.giveMemoryBack();
  }
}

TEST(TimerStoreTest, RefusesTheTimerThatHasNoPlaceLeft) {
  TimerStore store(1, 2000);
  std::vector<TimerIndex> timers;
  while (store.size() < 2000) {
    timers.push_back(allocated(store));
    ASSERT_NE(timers.back(), 0u);
  }
  EXPECT_EQ(allocated(store), 0u);
  store.release(timers[500]);
  EXPECT_EQ(allocated(store), timers[500]);
  EXPECT_EQ(allocated(store), 0u);
}

std::vector<TimerIndex> timersIn(const TimerStore& store, TimerIndex list) {
  std::vector<TimerIndex> timers;
  for (TimerIndex i = store.next(list); i != list; i = store.next(i)) timers.push_back(i);
  return timers;
}

TEST(TimerStoreTest, SortsByDeadlineThenOrder) {
  std::mt19937 random(7);
  for (const unsigned size : {1u, 2u, 3u, 17u, 1000u}) {
    TimerStore store;
    for (unsigned i = 0; i < size; ++i) {
      const TimerIndex timer = allocated(store);
      store[timer] = {static_cast<Nanoseconds>(random() % 50), i, {}};
      store.append(runList, timer);
    }
    store.sort(runList);
    std::vector<TimerIndex> sorted = timersIn(store, runList);
    EXPECT_EQ(sorted.size(), size);
    const auto before = [&](TimerIndex a, TimerIndex b) { return runsBefore(store[a], store[b]); };
    EXPECT_TRUE(std::is_sorted(sorted.begin(), sorted.end(), before));
    std::shuffle(sorted.begin(), sorted.end(), random);
    for (const TimerIndex timer : sorted) store.unlink(timer);
    EXPECT_TRUE(store.isEmpty(runList)) << "all are linked both ways";
  }
}

TEST(TimerStoreTest, MovesAWholeListInOrder) {
  TimerStore store;
  for (int i = 0; i < 5; ++i) store.append(parkedList, allocated(store));
  const std::vector<TimerIndex> timers = timersIn(store, parkedList);
  store.moveAll(parkedList, runList);
  EXPECT_TRUE(store.isEmpty(parkedList));
  EXPECT_EQ(timersIn(store, runList), timers);
  for (const TimerIndex timer : timers) store.unlink(timer);
  EXPECT_TRUE(store.isEmpty(runList));
}

}  // namespace
}  // namespace kairos::detail
