// SPDX-License-Identifier: MIT OR Apache-2.0
// Chains of a million, for which the stack must be enough.
#include <utility>
#include <vector>

#include "kairos/futures-addon/async_lock.h"
#include "kairos/futures-addon/cancel.h"
#include "kairos/futures-addon/check.h"
#include "kairos/futures-addon/timeout.h"
#include "kairos/tests/futures-addon/fixture.h"
#include "kairos/tests/futures-addon/manual_operation.h"
#include "kairos/tests/support/process_state.h"

namespace kairos {
namespace {

constexpr int depth = 1'000'000;

class DepthTest : public testing::Test {
 protected:
  static Future<int> plusOne(Future<int> future) { co_return 1 + co_await std::move(future); }
  // A chain that is destroyed only when its outermost future is.
  static Future<int> plusOneKept(Future<int> future) { co_return 1 + co_await future; }

  // A chain on `innermost`.
  template <class Link>
  static Future<int> chain(Future<int> innermost, Link link, int length = depth) {
    for (int i = 0; i < length; ++i) innermost = link(std::move(innermost));
    return innermost;
  }

  Reactor reactor_;
  FutureContext context_{reactor_};
  Promise<int> promise_{context_};
};

// F07, IF8
TEST_F(DepthTest, ChainsOfCallbacksNeedNoStack) {
  struct Chain {
    std::vector<Promise<>> links;
    std::size_t at = 0;

    static void next(void* udata) {
      auto& chain = *static_cast<Chain*>(udata);
      if (chain.at < chain.links.size()) chain.links[chain.at++].complete();
    }
  } chain;
  chain.links.reserve(depth);
  for (int i = 0; i < depth; ++i) {
    chain.links.emplace_back(context_);
    chain.links.back().future().addCallback(Chain::next, &chain);
  }
  Chain::next(&chain);
  while (context_.hasPendingOperations()) reactor_.poll(Reactor::forever);
  EXPECT_EQ(chain.at, chain.links.size());
  promise_.complete(0);
}

// IF8: whoever gets it hands it on at once.
TEST_F(DepthTest, HandingALockOnNeedsNoStack) {
  struct Chain {
    AsyncLock lock;
    std::size_t served = 0;

    static void next(void* udata) {
      auto& chain = *static_cast<Chain*>(udata);
      ++chain.served;
      chain.lock.release();
    }
  } chain{AsyncLock(context_)};
  std::vector<Turn> turns(depth);
  ASSERT_TRUE(chain.lock.tryAcquire());
  for (Turn& turn : turns) chain.lock.acquire(turn, Chain::next, &chain);
  chain.lock.release();
  while (context_.hasPendingOperations()) reactor_.poll(Reactor::forever);
  EXPECT_EQ(chain.served, turns.size());
  EXPECT_FALSE(chain.lock.isLocked());
  promise_.complete(0);
}

// F07, IF8
TEST_F(DepthTest, ChainsOfAwaitsNeedNoStack) {
  Future<int> future = chain(promise_.future(), plusOne);
  promise_.complete(0);
  EXPECT_EQ(waitFor(context_, std::move(future)), depth);
}

// IF8
TEST_F(DepthTest, DestroyingAChainNeedsNoStack) {
  Future<int> future = chain(promise_.future(), plusOneKept);
  promise_.complete(0);
  EXPECT_EQ(waitFor(context_, std::move(future)), depth);
}

// IF8
TEST_F(DepthTest, ChainsOfNoCancelNeedNoStack) {
  constexpr int length = 10'000;  // each link takes a tick
  Future<int> future = chain(
      promise_.future(), [](Future<int> inner) { return noCancel(std::move(inner)); }, length);
  promise_.complete(0);
  EXPECT_EQ(waitFor(context_, std::move(future)), 0);
}

// F20, IF8: one exception for each level, which sanitizers make slow.
TEST_F(DepthTest, CancellingAChainNeedsNoStack) {
  constexpr int length = 30'000;
  Future<int> future = chain(promise_.future(), plusOne, length);
  EXPECT_TRUE(future.tryCancel());
  EXPECT_THROW(waitFor(context_, std::move(future)), CancelledError);
}

Future<int> awaitManually(ManualOperation& operation) {
  co_await operation;
  co_return 0;
}

// IF8
TEST_F(DepthTest, SeveralWhoWaitWithoutAContextNeedNoStack) {
  const int length = underSanitizer() ? depth / 10 : depth;
  ManualOperation operation;
  std::vector<Future<int>> links{awaitManually(operation)};
  links.reserve(static_cast<std::size_t>(length));
  std::size_t ends = 0;
  const auto alsoAwait = [&](Future<int> link) -> Future<> {
    co_await link;
    ++ends;
  };
  for (int i = 1; i < length; ++i) {
    asyncCheck(alsoAwait(links.back()));
    links.push_back(plusOne(links.back()));
  }
  operation.complete();
  ASSERT_TRUE(links.back().finished());
  EXPECT_EQ(links.back().read(), length - 1);
  EXPECT_EQ(ends, links.size() - 1);
  while (!links.empty()) links.pop_back();  // each holds the one before
  promise_.complete(0);
}

Future<int> awaitManyTimes(Future<int> one) {
  int total = 0;
  for (int i = 0; i < depth; ++i) total += co_await one;
  co_return total;
}

// F34, IF8
TEST_F(DepthTest, CancellingNestedLimitsNeedsNoStack) {
  const auto wait = [](Future<int> inner) {
    return kairos::wait(std::move(inner), Reactor::forever);
  };
  Future<int> future = chain(promise_.future(), wait, 200'000);
  EXPECT_TRUE(future.tryCancel());
  EXPECT_TRUE(promise_.finished());
}

// F07
TEST_F(DepthTest, ManyReadyAwaitsNeedNoStack) {
  promise_.complete(1);
  Future<int> future = awaitManyTimes(promise_.future());
  ASSERT_TRUE(future.finished());
  EXPECT_EQ(future.read(), depth);
}

}  // namespace
}  // namespace kairos
