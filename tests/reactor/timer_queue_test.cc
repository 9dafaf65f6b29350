// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/reactor/timer_queue.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <random>
#include <utility>
#include <vector>

namespace kairos::detail {
namespace {

void nothing(void*) {}

// The callback of a timer that is told from others by its number.
AsyncCallback numbered(std::uintptr_t number) { return {nothing, reinterpret_cast<void*>(number)}; }
std::uintptr_t numberOf(const AsyncCallback& callback) {
  return reinterpret_cast<std::uintptr_t>(callback.udata);
}

// The number of the one that is due first, 0: none.
std::uintptr_t takeOne(TimerQueue& queue) {
  const AsyncCallback callback = queue.takeDue();
  return callback.function != nullptr ? numberOf(callback) : 0;
}

// Everything that is due at `now`, in the order it comes.
std::vector<std::uintptr_t> takeAll(TimerQueue& queue, Nanoseconds now) {
  std::vector<std::uintptr_t> taken;
  queue.setTime(now);
  const TimerQueue::PollScope poll(queue);
  while (const std::uintptr_t number = takeOne(queue)) taken.push_back(number);
  return taken;
}

using Numbers = std::vector<std::uintptr_t>;

TEST(TimerQueueTest, TakesByDeadlineWhateverTheOrderOfAdding) {  // R29
  TimerQueue queue;
  queue.add(30, numbered(30));
  queue.add(10, numbered(10));
  queue.add(20, numbered(20));
  EXPECT_EQ(takeAll(queue, 30), (Numbers{10, 20, 30}));
  EXPECT_TRUE(queue.empty());
}

TEST(TimerQueueTest, TakesEqualDeadlinesInTheOrderAddedAcrossAllWays) {  // R30
  TimerQueue queue;
  queue.setTime(1000);
  queue.add(500'000'000, numbered(1));
  queue.setTime(499'999'000);
  queue.add(500'000'000, numbered(2));
  queue.setTime(500'000'000);
  queue.addDeferred(numbered(3));
  queue.add(500'000'000, numbered(4));
  queue.addDeferred(numbered(5));
  EXPECT_EQ(takeAll(queue, 500'000'000), (Numbers{1, 2, 3, 4, 5}));
}

TEST(TimerQueueTest, IsNotEarlyByOneNanosecond) {  // R27
  for (const Nanoseconds deadline : {1L, 4095L, 4096L, 4097L, 1L << 20, (1L << 36) + 1, 1L << 60}) {
    TimerQueue queue;
    queue.add(deadline, numbered(1));
    EXPECT_EQ(queue.nextDeadline(), deadline);
    EXPECT_EQ(takeAll(queue, deadline - 1), Numbers{});
    EXPECT_EQ(takeAll(queue, deadline), Numbers{1});
  }
}

TEST(TimerQueueTest, NeverTakesTheLastDeadlineButCountsIt) {  // R43
  TimerQueue queue;
  const TimerId id = queue.add(never, numbered(1));
  EXPECT_FALSE(queue.empty());
  EXPECT_EQ(queue.nextDeadline(), never);
  EXPECT_EQ(takeAll(queue, never), Numbers{});
  EXPECT_TRUE(queue.remove(id));
  EXPECT_TRUE(queue.empty());
}

TEST(TimerQueueTest, LeavesToTheNextPollWhatIsAddedDuringOne) {  // R13
  TimerQueue queue;
  queue.setTime(100);
  queue.add(100, numbered(1));
  {
    const TimerQueue::PollScope poll(queue);
    ASSERT_NE(takeOne(queue), 0u);
    queue.add(50, numbered(2));
    queue.add(100, numbered(3));
    queue.addDeferred(numbered(4));
    queue.add(40, numbered(5));
    EXPECT_EQ(takeOne(queue), 0u);
  }
  EXPECT_EQ(takeAll(queue, 100), (Numbers{5, 2, 3, 4}));
}

TEST(TimerQueueTest, KeepsRoomForWhatCallbacksAddWhileItsHeapEmpties) {
  TimerQueue queue;
  queue.setTime(1000);
  constexpr std::uintptr_t many = 5000;  // enough for an empty heap to give memory back
  for (std::uintptr_t i = 1; i <= many; ++i) queue.add(1000, numbered(i));
  {
    const TimerQueue::PollScope poll(queue);
    for (std::uintptr_t i = 1; i <= many; ++i) {
      ASSERT_NE(takeOne(queue), 0u);
      if (i != 1) continue;
      ASSERT_NE(queue.add(10, numbered(many + 1)), TimerId::none);
    }
    EXPECT_EQ(takeOne(queue), 0u);
  }
  EXPECT_EQ(takeAll(queue, 1000), Numbers{many + 1});
}

TEST(TimerQueueTest, RemovesADueTimerBeforeItIsTaken) {  // R34
  TimerQueue queue;
  queue.add(10, numbered(1));
  const TimerId second = queue.add(11, numbered(2));
  queue.setTime(20);
  const TimerQueue::PollScope poll(queue);
  ASSERT_NE(takeOne(queue), 0u);
  EXPECT_TRUE(queue.remove(second));
  EXPECT_EQ(takeOne(queue), 0u);
}

TEST(TimerQueueTest, KnowsTheNextDeadlineWhileManyShareABucket) {
  TimerQueue queue;
  std::vector<TimerId> ids;
  const Nanoseconds hour = 3'600'000'000'000;
  for (std::uintptr_t i = 0; i < 1000; ++i) {
    ids.push_back(queue.add(hour + static_cast<Nanoseconds>(i), numbered(i)));
  }
  for (std::size_t i = 0; i < ids.size(); ++i) {
    EXPECT_EQ(queue.nextDeadline(), hour + static_cast<Nanoseconds>(i));
    EXPECT_TRUE(queue.remove(ids[i]));
  }
  EXPECT_EQ(queue.nextDeadline(), never);
}

// The same operations on a map, which is slow and obviously right.
class Model {
 public:
  void add(TimerId id, Nanoseconds deadline, std::uintptr_t number) {
    const Key key{deadline, number};  // numbers go up with additions
    timers_[key] = id;
    keys_[id] = key;
  }
  bool remove(TimerId id) {
    const auto found = keys_.find(id);
    if (found == keys_.end()) return false;
    timers_.erase(found->second);
    keys_.erase(found);
    return true;
  }
  // The number of the first timer that is due and was added before `end`; 0: none.
  std::uintptr_t takeDue(Nanoseconds now, std::uintptr_t end) {
    for (const auto& [key, id] : timers_) {
      if (key.first > now || key.first == never) return 0;
      if (key.second >= end) continue;
      const std::uintptr_t number = key.second;
      remove(TimerId{id});
      return number;
    }
    return 0;
  }
  Nanoseconds next() const { return timers_.empty() ? never : timers_.begin()->first.first; }
  std::size_t size() const { return timers_.size(); }

 private:
  using Key = std::pair<Nanoseconds, std::uintptr_t>;
  std::map<Key, TimerId> timers_;
  std::map<TimerId, Key> keys_;
};

class RandomHistory {
 public:
  explicit RandomHistory(unsigned seed) : random_(seed) {}

  void step() {
    switch (pick(8)) {
      case 0:
      case 1:
      case 2:
        return add();
      case 3:
      case 4:
        return remove();
      case 5:
        return checkNext();
      case 6:
        now_ += deadlineAfter(0);
        return queue_.setTime(now_);
      default:
        return poll();
    }
  }
  void finish() {
    for (const std::uintptr_t number : takeAll(queue_, never - 1)) {
      ASSERT_EQ(number, model_.takeDue(never - 1, added_ + 1));
    }
    EXPECT_EQ(model_.size(), infinite_);
  }

 private:
  std::uint64_t pick(std::uint64_t end) { return random_() % end; }

  // Mostly near `from`, at all magnitudes, often the very same.
  Nanoseconds deadlineAfter(Nanoseconds from) {
    if (pick(4) == 0) return from + static_cast<Nanoseconds>(pick(3)) * 1'000'000;
    const auto magnitude = pick(38);
    return from + static_cast<Nanoseconds>(pick((std::uint64_t{1} << magnitude) + 1));
  }
  void add() {
    const std::uintptr_t number = ++added_;
    if (pick(5) == 0) {
      return remember(queue_.addDeferred(numbered(number)), queue_.time(), number);
    }
    Nanoseconds deadline = deadlineAfter(now_);
    if (pick(8) == 0) deadline = 2 * now_ - deadline;  // as far in the past
    if (pick(200) == 0) deadline = never;
    remember(queue_.add(deadline, numbered(number)), deadline, number);
  }
  void remember(TimerId id, Nanoseconds deadline, std::uintptr_t number) {
    ASSERT_NE(id, TimerId::none);
    ids_.push_back(id);
    if (deadline == never) ++infinite_;
    model_.add(id, deadline, number);
    deadlines_[id] = deadline;
  }
  void remove() {
    if (ids_.empty()) return;
    const std::size_t at = pick(ids_.size());
    const TimerId id = ids_[at];
    const bool removed = queue_.remove(id);
    ASSERT_EQ(removed, model_.remove(id));
    if (removed && deadlines_[id] == never) --infinite_;
    if (pick(2) == 0) {  // the others stay, as stale ids
      ids_[at] = ids_.back();
      ids_.pop_back();
    }
  }
  void checkNext() {
    if (queue_.hasDeferred()) return;
    ASSERT_EQ(queue_.nextDeadline(), model_.next());
  }
  void poll() {
    queue_.setTime(now_);
    const TimerQueue::PollScope poll(queue_);
    const std::uintptr_t end = added_ + 1;
    const std::uint64_t stopAfter = pick(10) == 0 ? pick(5) : ~std::uint64_t{0};  // as if one threw
    for (std::uint64_t taken = 0; taken < stopAfter; ++taken) {
      const std::uintptr_t number = takeOne(queue_);
      ASSERT_EQ(number, model_.takeDue(now_, end));
      if (number == 0) break;
      if (pick(4) == 0) add();
      if (pick(4) == 0) remove();
    }
  }

  std::mt19937_64 random_;
  TimerQueue queue_;
  Model model_;
  Nanoseconds now_ = 0;
  std::uintptr_t added_ = 0;
  std::size_t infinite_ = 0;
  std::vector<TimerId> ids_;
  std::map<TimerId, Nanoseconds> deadlines_;
};

class TimerQueueHistoryTest : public testing::TestWithParam<unsigned> {};

TEST_P(TimerQueueHistoryTest, EqualsASortedMap) {
  SCOPED_TRACE(testing::Message() << "seed " << GetParam());
  RandomHistory history(GetParam());
  for (int i = 0; i < 20'000 && !HasFailure(); ++i) history.step();
  history.finish();
}

INSTANTIATE_TEST_SUITE_P(Seeds, TimerQueueHistoryTest, testing::Range(1u, 21u));

}  // namespace
}  // namespace kairos::detail
