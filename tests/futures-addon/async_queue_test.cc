// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/futures-addon/async_queue.h"

#include <algorithm>
#include <memory>
#include <numeric>
#include <optional>
#include <string>
#include <vector>

#include "kairos/futures-addon/as_future.h"
#include "kairos/futures-addon/error.h"
#include "kairos/tests/futures-addon/fixture.h"
#include "kairos/tests/support/no_access.h"

namespace kairos {
namespace {

using Items = std::vector<int>;

class AsyncQueueTest : public FutureTest {
 protected:
  static Items itemsOf(const AsyncQueue<int>& queue) { return {queue.begin(), queue.end()}; }

  Future<> produce(AsyncQueue<int>& queue, int first, int last) {
    for (int i = first; i <= last; ++i) co_await queue.addLast(i);
  }
  Future<> consume(AsyncQueue<int>& queue, int count) {
    for (int i = 0; i < count; ++i) taken_.push_back(co_await queue.popFirst());
  }
  FutureContext& futureContext() { return context_; }

  AsyncQueue<int> queue_{context_};
  AsyncQueue<int> one_{context_, 1};
  Items taken_;
};

INSTANTIATE_TEST_SUITE_P(Backends, AsyncQueueTest, backends(), backendName);

// F70
TEST_P(AsyncQueueTest, PassesAllItemsThroughALimit) {
  for (const std::size_t limit : {1U, 10U}) {
    AsyncQueue<int> queue(context_, limit);
    taken_.clear();
    Future<> producing = produce(queue, 1, 1000);
    Future<> consuming = consume(queue, 1000);
    while (!consuming.finished()) {
      EXPECT_LE(queue.size(), limit);
      tick();
    }
    EXPECT_TRUE(producing.completed());
    Items expected(1000);
    std::iota(expected.begin(), expected.end(), 1);
    EXPECT_EQ(taken_, expected);
  }
}

// F71
TEST_P(AsyncQueueTest, SaysWhenItIsFullOrEmpty) {
  AsyncQueue<std::string> queue(context_, 2);
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.tryPopFirst(), std::nullopt);
  EXPECT_TRUE(queue.tryAddLast("b"));
  EXPECT_FALSE(queue.empty() || queue.full());
  EXPECT_TRUE(queue.tryAddFirst("a"));
  EXPECT_TRUE(queue.full());
  EXPECT_FALSE(queue.tryAddLast("c"));
  EXPECT_FALSE(queue.tryAddFirst("c"));
  EXPECT_EQ(queue.size(), 2U);
  EXPECT_EQ(queue.limit(), 2U);
  EXPECT_EQ(queue.tryPopLast(), "b");
  EXPECT_EQ(queue.tryPopLast(), "a");
  EXPECT_EQ(queue.tryPopLast(), std::nullopt);
  EXPECT_TRUE(queue.empty());
}

// F71
TEST_P(AsyncQueueTest, IsNeverFullWithoutALimit) {
  AsyncQueue<int> zero(context_, 0);
  for (AsyncQueue<int>* queue : {&queue_, &zero}) {
    EXPECT_EQ(queue->limit(), AsyncQueue<int>::unlimited);
    for (int i = 0; i < 1000; ++i) EXPECT_TRUE(queue->tryAddLast(i));
    EXPECT_FALSE(queue->full());
    EXPECT_EQ(queue->size(), 1000U);
  }
}

Future<int> takeFromBothEnds(FutureContext&, AsyncQueue<int>& queue) {
  const int first = co_await queue.popFirst();
  const int second = co_await queue.popLast();
  const int third = co_await queue.popFirst();
  co_return first - second + third;
}
Future<> addToBothEnds(FutureContext&, AsyncQueue<int>& queue) {
  co_await queue.addLast(100);
  co_await queue.addLast(1000);
  co_await queue.addFirst(2000);
}

// F72
TEST_P(AsyncQueueTest, HasTwoEndsForCoroutines) {
  AsyncQueue<int> queue(context_, 3);
  Future<int> taking = takeFromBothEnds(context_, queue);
  Future<> adding = addToBothEnds(context_, queue);
  settle();
  EXPECT_TRUE(adding.completed());
  EXPECT_EQ(taking.read(), 1100);
}

// F72, F75
TEST_P(AsyncQueueTest, HasTwoEnds) {
  for (int i = 0; i < 100; ++i) {
    EXPECT_TRUE(queue_.tryAddLast(i));
    EXPECT_TRUE(queue_.tryAddFirst(-i - 1));
  }
  EXPECT_EQ(queue_[0], -100);
  EXPECT_EQ(queue_[199], 99);
  EXPECT_TRUE(queue_.contains(42));
  EXPECT_FALSE(queue_.contains(100));
  int expected = -100;
  for (const int item : queue_) EXPECT_EQ(item, expected++);
  EXPECT_EQ(queue_.tryPopLast(), 99);
  EXPECT_EQ(queue_.tryPopFirst(), -100);
  Future<int> last = asFuture(context_, queue_.popLast());
  EXPECT_EQ(last.read(), 98);
}

TEST_P(AsyncQueueTest, GivesAnItemToWhoWaits) {
  Future<int> first = asFuture(context_, queue_.popFirst());
  Future<int> second = asFuture(context_, queue_.popLast());
  EXPECT_EQ(queue_.waiters(), 2U);
  EXPECT_TRUE(queue_.tryAddLast(1));
  EXPECT_EQ(queue_.tryPopFirst(), std::nullopt) << "nobody comes in between";
  EXPECT_TRUE(queue_.tryAddFirst(2));
  EXPECT_FALSE(first.finished());
  tick();
  EXPECT_EQ(first.read(), 1);
  EXPECT_EQ(second.read(), 2);
}

TEST_P(AsyncQueueTest, LetsInWhoWaitsForRoomInOrder) {
  ASSERT_TRUE(one_.tryAddLast(0));
  Future<> first = produce(one_, 1, 1);
  Future<> second = produce(one_, 2, 2);
  EXPECT_EQ(one_.tryPopFirst(), 0);
  EXPECT_FALSE(one_.tryAddLast(9)) << "nobody comes in between";
  EXPECT_EQ(itemsOf(one_), Items{1});
  settle();
  EXPECT_TRUE(first.completed());
  EXPECT_FALSE(second.finished());
  EXPECT_EQ(one_.tryPopFirst(), 1);
  EXPECT_EQ(one_.tryPopFirst(), 2);
  settle();
  EXPECT_TRUE(second.completed());
}

// F73
TEST_P(AsyncQueueTest, LosesNoItemToACancelledTaker) {
  Future<int> cancelled = asFuture(context_, queue_.popFirst());
  Future<int> served = asFuture(context_, queue_.popFirst());
  Future<int> third = asFuture(context_, queue_.popFirst());
  EXPECT_TRUE(cancelled.tryCancel());
  EXPECT_TRUE(queue_.tryAddLast(1));
  EXPECT_FALSE(served.tryCancel()) << "it has the item already";
  EXPECT_TRUE(third.tryCancel());
  settle();
  EXPECT_EQ(served.read(), 1);
  EXPECT_TRUE(queue_.tryAddLast(2));
  EXPECT_EQ(itemsOf(queue_), Items{2});
}

// F73
TEST_P(AsyncQueueTest, PassesOnWhatATurnHadThatGoes) {
  Probe never;
  Probe probe;
  std::optional<ItemTurn<int>> first(std::in_place);
  ItemTurn<int> second;
  queue_.popFirst(*first, Probe::run, &never);
  queue_.popFirst(second, Probe::run, &probe);
  EXPECT_TRUE(queue_.tryAddLast(7));
  first.reset();
  settle();
  EXPECT_EQ(probe.runs(), 1U);
  EXPECT_EQ(second.item, 7);
  queue_.popFirst(second, Probe::run, &probe);
  EXPECT_TRUE(queue_.tryAddLast(8));
  EXPECT_TRUE(queue_.tryAddLast(9));
  second.forget();
  EXPECT_EQ(itemsOf(queue_), (Items{8, 9})) << "to where it came from";
  settle();
  EXPECT_EQ(probe.runs(), 1U);
  EXPECT_EQ(never.runs(), 0U);
}

// F73, F74: what they had goes back in the order in which it was taken, from either end.
TEST_P(AsyncQueueTest, KeepsItsOrderWhenSeveralGoThatWereServed) {
  Probe never;
  ItemTurn<int> turns[4];
  for (int i = 0; i < 3; ++i) queue_.popFirst(turns[i], Probe::run, &never);
  for (int i = 1; i <= 4; ++i) EXPECT_TRUE(queue_.tryAddLast(i));
  for (auto& turn : turns) turn.forget();
  EXPECT_EQ(itemsOf(queue_), (Items{1, 2, 3, 4}));
  queue_.popFirst(turns[0], Probe::run, &never);
  for (int i = 1; i < 3; ++i) queue_.popLast(turns[i], Probe::run, &never);
  for (auto& turn : turns) turn.forget();
  EXPECT_EQ(itemsOf(queue_), (Items{1, 2, 3, 4}));
  settle();
  EXPECT_EQ(never.runs(), 0U);
}

// F73, F74
TEST_P(AsyncQueueTest, MovesUpThoseBehindOneThatGoes) {
  Probe probe;
  ItemTurn<int> turns[3];
  for (auto& turn : turns) queue_.popFirst(turn, Probe::run, &probe);
  EXPECT_TRUE(queue_.tryAddLast(1));
  EXPECT_TRUE(queue_.tryAddLast(2));
  turns[0].forget();
  settle();
  EXPECT_EQ(probe.runs(), 2U);
  EXPECT_EQ(turns[1].item, 1);
  EXPECT_EQ(turns[2].item, 2);
}

// F73
TEST_P(AsyncQueueTest, ForgetsAPutterThatIsCancelled) {
  ASSERT_TRUE(one_.tryAddLast(0));
  Future<> first = produce(one_, 1, 1);
  Future<> second = produce(one_, 2, 2);
  EXPECT_TRUE(first.tryCancel());
  EXPECT_EQ(one_.tryPopFirst(), 0);
  EXPECT_FALSE(second.tryCancel()) << "its item is in the queue";
  settle();
  EXPECT_TRUE(second.completed());
  EXPECT_EQ(one_.tryPopFirst(), 2);
}

// F74
TEST_P(AsyncQueueTest, ServesAThousandInOrder) {
  std::vector<Future<>> all;
  for (int i = 0; i < 1000; ++i) all.push_back(consume(queue_, 1));
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(queue_.tryAddLast(i));
  EXPECT_TRUE(queue_.empty());
  settle();
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(taken_[static_cast<std::size_t>(i)], i);
}

// An item that counts how often it is moved.
struct Moved {
  explicit Moved(std::size_t& count) : moves(&count) {}
  Moved(Moved&& other) noexcept : moves(other.moves) { ++*moves; }
  Moved& operator=(Moved&& other) noexcept {
    moves = other.moves;
    ++*moves;
    return *this;
  }
  ~Moved() = default;
  std::size_t* moves;
};

// F74: to wake one, the others who wait are not even looked at.
TEST_P(AsyncQueueTest, WakesOneAtTheSameCostHoweverManyWait) {
  const auto movesWith = [this](std::size_t waiting) {
    AsyncQueue<Moved> queue(context_);
    std::vector<ItemTurn<Moved>> turns(waiting);
    Probe probe;
    for (auto& turn : turns) queue.popFirst(turn, Probe::run, &probe);
    const std::size_t touched = std::min<std::size_t>(waiting, 2);  // it, and the next
    const NoAccess others(turns.data() + touched, turns.data() + waiting);
    EXPECT_EQ(others.pages() > 100, waiting > 2);
    std::size_t moves = 0;
    EXPECT_TRUE(queue.tryAddLast(Moved(moves)));
    settle();
    EXPECT_EQ(probe.runs(), 1U) << "nobody else is woken";
    EXPECT_EQ(queue.waiters(), waiting - 1);
    return moves;
  };
  EXPECT_EQ(movesWith(10'000), movesWith(1));
}

// F75
TEST_P(AsyncQueueTest, LetsPuttersInWhenItIsCleared) {
  ASSERT_TRUE(one_.tryAddLast(0));
  Future<> first = produce(one_, 1, 1);
  Future<> second = produce(one_, 2, 2);
  one_.clear();
  EXPECT_EQ(itemsOf(one_), Items{1});
  settle();
  EXPECT_TRUE(first.completed());
  one_.clear();
  settle();
  EXPECT_TRUE(second.completed());
}

TEST_P(AsyncQueueTest, IsUsedWithCallbacks) {
  Probe added;
  Probe taken;
  ItemTurn<int> add;
  ItemTurn<int> addMore;
  ItemTurn<int> take;
  one_.addLast(add, 1, Probe::run, &added);
  one_.addFirst(addMore, 2, Probe::run, &added);
  EXPECT_THROW(one_.addFirst(addMore, 2, Probe::run, &added), FutureError);
  EXPECT_EQ(added.runs(), 0U) << "never inside the call";
  settle();
  EXPECT_EQ(added.runs(), 1U);
  one_.popFirst(take, Probe::run, &taken);
  settle();
  EXPECT_EQ(take.item, 1);
  EXPECT_EQ(added.runs(), 2U);
  one_.popLast(take, Probe::run, &taken);
  settle();
  EXPECT_EQ(take.item, 2);
  EXPECT_EQ(taken.runs(), 2U);
}

TEST_P(AsyncQueueTest, CarriesWhatCanOnlyBeMoved) {
  AsyncQueue<std::unique_ptr<int>> queue(context_, 1);
  EXPECT_TRUE(queue.tryAddLast(std::make_unique<int>(1)));
  Future<> adding = asFuture(context_, queue.addLast(std::make_unique<int>(2)));
  EXPECT_EQ(*asFuture(context_, queue.popFirst()).read(), 1);
  Future<std::unique_ptr<int>> second = asFuture(context_, queue.popFirst());
  EXPECT_EQ(*second.read(), 2);
  settle();
  EXPECT_TRUE(adding.completed());
}

// F71
struct Fixed {
  explicit Fixed(int ofNumber) : number(ofNumber) {}
  const int number;
};

Future<int> takeNumber(FutureContext&, AsyncQueue<Fixed>& queue) {
  const Fixed item = co_await queue.popFirst();
  co_return item.number;
}

TEST_P(AsyncQueueTest, CarriesWhatCannotBeAssigned) {
  AsyncQueue<Fixed> queue(context_);
  EXPECT_TRUE(queue.tryAddLast(Fixed(1)));
  EXPECT_EQ(queue.tryPopLast()->number, 1);
  Future<int> waiting = takeNumber(context_, queue);
  for (int i = 2; i < 5; ++i) EXPECT_TRUE(queue.tryAddLast(Fixed(i)));
  EXPECT_EQ(takeNumber(context_, queue).read(), 3);
  Probe probe;
  ItemTurn<Fixed> turn;
  queue.popFirst(turn, Probe::run, &probe);
  settle();
  EXPECT_EQ(waiting.read(), 2);
  EXPECT_EQ(turn.item->number, 4);
}

TEST_P(AsyncQueueTest, LeavesWhatItHasNoRoomFor) {
  AsyncQueue<std::unique_ptr<int>> queue(context_, 1);
  EXPECT_TRUE(queue.tryAddLast(std::make_unique<int>(1)));
  auto item = std::make_unique<int>(2);
  EXPECT_FALSE(queue.tryAddLast(std::move(item)));
  EXPECT_FALSE(queue.tryAddFirst(std::move(item)));
  ASSERT_NE(item, nullptr);
  queue.clear();
  EXPECT_TRUE(queue.tryAddLast(std::move(item)));
  EXPECT_EQ(item, nullptr);
  AsyncQueue<std::string> texts(context_);
  const std::string text = "copied";
  EXPECT_TRUE(texts.tryAddLast(text));
  EXPECT_TRUE(texts.tryAddFirst(text));
  EXPECT_EQ(texts.tryPopLast(), text);
}

TEST_P(AsyncQueueTest, RefusesThoseWhoWaitWhenItIsDestroyed) {
  std::optional<AsyncQueue<int>> queue(std::in_place, context_);
  Future<int> served = asFuture(context_, queue->popFirst());
  Future<int> waiting = asFuture(context_, queue->popFirst());
  EXPECT_TRUE(queue->tryAddLast(1));
  queue.reset();
  settle();
  EXPECT_EQ(served.read(), 1) << "it had the item already";
  EXPECT_THROW(waiting.read(), FutureError);
}

}  // namespace
}  // namespace kairos
