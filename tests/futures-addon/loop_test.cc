// SPDX-License-Identifier: MIT OR Apache-2.0
// Loop, and the loop of a thread.
#include "kairos/futures-addon/loop.h"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <thread>

#include "kairos/futures-addon/promise.h"

namespace kairos {
namespace {

using std::chrono::milliseconds;

Future<int> twice(Loop&, int value) {
  co_await sleepAsync(milliseconds(0));
  co_return 2 * value;
}

TEST(LoopTest, RunsFuturesAndTransports) {
  Loop loop;
  EXPECT_EQ(&loop.futureContext().reactor(), &loop.reactor());
  Promise<int> promise(loop.futureContext());
  loop.futureContext().callSoon([](void* udata) { static_cast<Promise<int>*>(udata)->complete(2); },
                                &promise);
  EXPECT_EQ(loop.waitFor(promise.future()), 2);
  loop.futureContext().callSoon([](void* udata) { static_cast<Loop*>(udata)->stop(); }, &loop);
  EXPECT_TRUE(loop.hasPendingOperations());
  loop.run();
  EXPECT_FALSE(loop.hasPendingOperations());
}

// F98
TEST(LoopTest, IsMadeForEachThreadThatAsks) {
  Loop& first = threadLoop();
  EXPECT_EQ(&first, &threadLoop());
  std::thread([&first] {
    EXPECT_NE(&first, &threadLoop());
    EXPECT_EQ(waitFor(twice(threadLoop(), 4)), 8);
  }).join();
  EXPECT_EQ(waitFor(twice(first, 2)), 4);
}

// F98
TEST(LoopTest, IsNotReplacedWhileSomethingIsPending) {
  Future<> sleep = sleepAsync(milliseconds(1));
  EXPECT_THROW(setThreadLoop(std::make_unique<Loop>()), FutureError);
  waitFor(sleep);
  auto other = std::make_unique<Loop>();
  Loop* const address = other.get();
  setThreadLoop(std::move(other));
  EXPECT_EQ(&threadLoop(), address);
  setThreadLoop(nullptr);
}

// F98
TEST(LoopTest, IsNotReplacedWhileACallbackIsQueued) {
  bool hasRun = false;
  threadLoop().futureContext().callSoon([](void* udata) { *static_cast<bool*>(udata) = true; },
                                        &hasRun);
  EXPECT_THROW(setThreadLoop(std::make_unique<Loop>()), FutureError);
  EXPECT_TRUE(threadLoop().drain(std::chrono::seconds(60)));
  EXPECT_TRUE(hasRun);
  setThreadLoop(nullptr);
}

}  // namespace
}  // namespace kairos
