// SPDX-License-Identifier: MIT OR Apache-2.0
// Futures that are made of several.
#include "kairos/futures-addon/group.h"

#include <array>
#include <memory>
#include <span>
#include <stdexcept>
#include <utility>
#include <vector>

#include "kairos/futures-addon/cancel.h"
#include "kairos/tests/futures-addon/fixture.h"

namespace kairos {
namespace {

enum class End { pending, completed, failed, cancelled };

class GroupTest : public FutureTest {
 protected:
  Promise<>& promise(End end = End::pending) {
    promises_.push_back(std::make_unique<Promise<>>(context_));
    finish(*promises_.back(), end);
    return *promises_.back();
  }
  Future<> future(End end) { return promise(end).future(); }

  void finish(Promise<>& promise, End end) {
    // What a failure says is read by nobody when another one decides.
    if (end == End::failed) {
      promise.fail(std::runtime_error("broken"));
      static_cast<void>(promise.future().readError());
    }
    if (end == End::completed) promise.complete();
    if (end == End::cancelled) promise.cancel();
  }

  static End endOf(const FutureBase& future) {
    if (future.completed()) return End::completed;
    if (future.cancelled()) return End::cancelled;
    if (!future.failed()) return End::pending;
    static_cast<void>(future.readError());
    return End::failed;
  }

  // What nobody has finished.
  void finishAll() {
    for (auto& each : promises_) {
      if (!each->finished()) each->complete();
    }
    settle();
  }

 private:
  std::vector<std::unique_ptr<Promise<>>> promises_;
};

INSTANTIATE_TEST_SUITE_P(Backends, GroupTest, backends(), backendName);

// F17
TEST_P(GroupTest, AndWaitsForBothAndFailsWithTheFirst) {
  struct Case {
    End first, second, result;
  };
  for (const Case& each : {Case{End::completed, End::completed, End::completed},
                           Case{End::completed, End::pending, End::pending},
                           Case{End::failed, End::pending, End::failed},
                           Case{End::cancelled, End::pending, End::cancelled},
                           Case{End::completed, End::failed, End::failed},
                           Case{End::completed, End::cancelled, End::cancelled},
                           Case{End::failed, End::completed, End::failed},
                           Case{End::failed, End::cancelled, End::failed},
                           Case{End::cancelled, End::failed, End::cancelled}}) {
    for (const bool isLeftFirst : {true, false}) {
      Promise<>& left = promise();
      Promise<>& right = promise();
      Future<> both = left.future() and right.future();
      finish(isLeftFirst ? left : right, each.first);
      settle();
      finish(isLeftFirst ? right : left, each.second);
      settle();
      EXPECT_EQ(endOf(both), each.result);
      finishAll();
    }
  }
}

// F17
TEST_P(GroupTest, AndOfFinishedOnesIsFinished) {
  EXPECT_EQ(endOf(future(End::completed) and future(End::completed)), End::completed);
  EXPECT_EQ(endOf(future(End::completed) and future(End::failed)), End::failed);
  EXPECT_EQ(endOf(future(End::pending) and future(End::failed)), End::failed);
  finishAll();
}

// F18: pending, completed and failed ones on both sides, before and after.
TEST_P(GroupTest, OrIsDecidedByTheFirst) {
  struct Case {
    End left, right, result;
  };
  const std::vector<Case> cases{{End::completed, End::pending, End::completed},
                                {End::failed, End::pending, End::failed},
                                {End::cancelled, End::pending, End::completed},
                                {End::pending, End::completed, End::completed},
                                {End::pending, End::failed, End::failed},
                                {End::pending, End::cancelled, End::completed},
                                {End::completed, End::failed, End::completed},
                                {End::failed, End::completed, End::failed},
                                {End::completed, End::completed, End::completed},
                                {End::failed, End::failed, End::failed},
                                {End::cancelled, End::failed, End::completed},
                                {End::failed, End::cancelled, End::failed},
                                {End::pending, End::pending, End::pending}};
  for (const Case& each : cases) {
    EXPECT_EQ(endOf(future(each.left) or future(each.right)), each.result);
    for (const bool isLeftFirst : {true, false}) {
      Promise<>& first = promise();
      Promise<>& second = promise();
      Future<> either =
          isLeftFirst ? first.future() or second.future() : second.future() or first.future();
      finish(first, each.left);
      finish(second, each.right);
      settle();
      EXPECT_EQ(endOf(either), each.result);
      finishAll();
    }
  }
}

// F18, IF10
TEST_P(GroupTest, OrLeavesTheLoserAlone) {
  std::string text;
  Letter letter{text, 'l'};
  Promise<>& winner = promise();
  Promise<>& loser = promise();
  loser.future().addCallback(Letter::write, &letter);
  Future<> either = winner.future() or loser.future();
  winner.complete();
  settle();
  EXPECT_TRUE(either.completed());
  EXPECT_FALSE(loser.finished());
  EXPECT_EQ(text, "");
  loser.complete();
  EXPECT_EQ(poll(), 1U);
  EXPECT_EQ(text, "l");
}

// F19
TEST_P(GroupTest, AllWaitsForAllHoweverTheyEnd) {
  EXPECT_TRUE(allFutures(context_, {}).completed());
  EXPECT_TRUE(allFutures(future(End::failed), future(End::cancelled)).completed());

  Promise<>& late = promise();
  const std::vector<FutureBase> futures{future(End::completed), late.future(), late.future(),
                                        future(End::failed)};
  Future<> all = allFutures(context_, futures);
  settle();
  EXPECT_FALSE(all.finished());
  late.cancel();
  settle();
  EXPECT_TRUE(all.completed());
}

Future<int> valueAfter(FutureContext& context, int value, milliseconds delay) {
  co_await sleepAsync(context, delay);
  co_return value;
}

// F19
TEST_P(GroupTest, AllFinishedGivesThemBackInOrder) {
  std::vector<Future<int>> futures;
  for (int i = 0; i < 3; ++i) futures.push_back(valueAfter(context_, i, milliseconds(9 - i)));
  std::vector<Future<int>> finished = waitFor(context_, allFinished(context_, futures));
  EXPECT_EQ(finished, futures) << "the same, in order";
  for (int i = 0; i < 3; ++i) EXPECT_EQ(finished[static_cast<std::size_t>(i)].read(), i);
  EXPECT_TRUE(waitFor(context_, allFinished(context_, std::vector<Future<int>>())).empty());
}

// F19
TEST_P(GroupTest, AllWaitsForAnyRangeOfFutures) {
  std::vector<Future<int>> futures;
  for (int i = 0; i < 3; ++i) futures.push_back(valueAfter(context_, i, milliseconds(9 - i)));
  Future<> all = allFutures(context_, futures);
  Future<> last = allFutures(context_, std::span(futures).last(1));
  Future<> both = allFutures(context_, std::array{futures[0], futures[2]});
  waitFor(context_, last);
  EXPECT_FALSE(futures[1].finished());
  waitFor(context_, both);
  waitFor(context_, all);
  for (const Future<int>& future : futures) EXPECT_TRUE(future.completed());
  EXPECT_TRUE(allFutures(context_, std::vector<Future<int>>()).completed());
}

// F19
TEST_P(GroupTest, TheWinnerOfARaceIsTold) {
  Promise<int> first(context_);
  Promise<> second(context_);
  const FutureBase left = first.future();
  const FutureBase right = second.future();
  Future<FutureBase> winner = race(context_, {left, right});
  second.complete();
  settle();
  EXPECT_TRUE(winner.read() == right);
  EXPECT_TRUE(winner.read() != left);
  EXPECT_TRUE(winner.read() == second.future());
}

// F18, F19: nothing is left on the losers, which run nothing of ours when they are finished.
TEST_P(GroupTest, LeavesNothingOnTheLosers) {
  Promise<int> winner(context_);
  Promise<int> loser(context_);
  const Future<FutureBase> raced = race(context_, {winner.future(), loser.future()});
  const Future<Future<int>> first = one(context_, std::vector{winner.future(), loser.future()});
  const Future<> either = loser.future() or winner.future();
  const Future<> both = loser.future() and winner.future();
  winner.cancel();
  settle();
  EXPECT_TRUE(raced.completed());
  EXPECT_TRUE(first.completed());
  EXPECT_TRUE(either.completed());
  EXPECT_TRUE(both.cancelled());
  loser.complete(2);
  EXPECT_EQ(poll(), 0U);
}

// F19
TEST_P(GroupTest, OneAndRaceGiveTheFirst) {
  EXPECT_THROW(static_cast<void>(one(context_, std::vector<Future<int>>())), FutureError);
  EXPECT_THROW(static_cast<void>(race(context_, {})), FutureError);

  std::vector<Future<int>> futures;
  for (int i = 0; i < 3; ++i) futures.push_back(valueAfter(context_, i, milliseconds(9 - i)));
  Future<int> first = waitFor(context_, one(context_, futures));
  EXPECT_EQ(first.read(), 2);
  EXPECT_FALSE(futures[0].finished());
  waitFor(context_, allFutures(futures[0], futures[1]));
  EXPECT_EQ(one(context_, futures).read().read(), 0);  // the leftmost of those that are finished
  const std::vector<FutureBase> finished(futures.rbegin(), futures.rend());
  EXPECT_EQ(race(context_, finished).read(), futures[2]);

  Promise<> promise(context_);
  FutureBase winner = waitFor(context_, race(context_, {promise.future(), futures[1]}));
  EXPECT_TRUE(winner.completed());
  EXPECT_FALSE(promise.finished());
}

// F19
TEST_P(GroupTest, MayHaveTheSameMemberTwice) {
  Promise<>& twice = promise();
  Future<> both = twice.future() and twice.future();
  Future<> either = twice.future() or twice.future();
  twice.complete();
  settle();
  EXPECT_TRUE(both.completed());
  EXPECT_TRUE(either.completed());
}

// F36
TEST_P(GroupTest, IsCancelledWithoutItsMembers) {
  std::vector<Future<int>> futures;
  for (int i = 0; i < 3; ++i) futures.push_back(valueAfter(context_, i, milliseconds(5)));
  const std::vector<FutureBase> bases(futures.begin(), futures.end());
  Future<> groups[] = {allFutures(context_, bases), futures[0] and futures[1],
                       futures[1] or futures[2], join(one(context_, futures)),
                       join(race(context_, bases))};
  Future<Future<int>> first = one(context_, futures);
  Future<FutureBase> winner = race(context_, bases);
  EXPECT_TRUE(first.tryCancel() && winner.tryCancel());
  EXPECT_TRUE(first.cancelled() && winner.cancelled());
  for (Future<>& group : groups) {
    EXPECT_TRUE(group.tryCancel());
    EXPECT_TRUE(group.cancelled());
  }
  for (Future<int>& future : futures) EXPECT_FALSE(future.finished());
  waitFor(context_, allFutures(context_, bases));
  settle();
}

// F36: nothing of them is called when the members end.
TEST_P(GroupTest, LeavesNothingOnItsMembersWhenItIsCancelled) {
  Promise<>& left = promise();
  Promise<>& right = promise();
  const std::vector<Future<>> futures{left.future(), right.future()};
  const std::vector<FutureBase> members(futures.begin(), futures.end());
  Future<> groups[] = {allFutures(context_, members), members[0] and members[1],
                       members[0] or members[1]};
  Future<FutureBase> winner = race(context_, members);
  Future<Future<>> first = one(context_, futures);
  Future<std::vector<Future<>>> all = allFinished(context_, futures);
  for (Future<>& group : groups) EXPECT_TRUE(group.tryCancel());
  EXPECT_TRUE(winner.tryCancel() && first.tryCancel() && all.tryCancel());
  settle();
  left.complete();
  right.complete();
  EXPECT_EQ(poll(), 0U);
}

Future<> longOrShort(FutureContext& context) {
  co_await (sleepAsync(context, seconds(2)) or sleepAsync(context, seconds(1)));
}

// F37
TEST_P(GroupTest, IsCancelledInsideACoroutineWithinATick) {
  Future<> future = longOrShort(context_);
  EXPECT_TRUE(future.tryCancel());
  tick();
  EXPECT_TRUE(future.cancelled());
  EXPECT_EQ(time_.elapsed(), Clock::duration::zero());
  drain(context_, seconds(10));  // the sleeps go on
}

// IF10
TEST_P(GroupTest, LeavesNothingOnALongLivedFuture) {
  Promise<>& longLived = promise();
  const Future<> future = longLived.future();
  const std::size_t before = context_.liveBlocks();
  for (int i = 0; i < 100'000; ++i) {
    Promise<> winner(context_);
    Future<> either = future or winner.future();
    winner.complete();
    settle();
  }
  EXPECT_EQ(context_.liveBlocks(), before);
  longLived.complete();
}

}  // namespace
}  // namespace kairos
