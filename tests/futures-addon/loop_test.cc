// SPDX-License-Identifier: MIT OR Apache-2.0
// Loop, and the loop of a thread.
#include "kairos/futures-addon/loop.h"

#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <system_error>
#include <thread>

#include "kairos/futures-addon/check.h"
#include "kairos/futures-addon/promise.h"
#include "kairos/tests/support/descriptors.h"
#include "kairos/tests/support/unique_fd.h"

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

struct Tells {
  ~Tells() { isGone = true; }
  bool& isGone;
};
Future<> waitUntilTheEnd(FutureContext& context, bool& isGone) {
  const Tells tells{isGone};
  co_await sleepAsync(context, Reactor::forever);
}

// F98
TEST(LoopTest, LivesFromTheFirstUseToTheEndOfItsThread) {
  const auto before = openFds();
  bool isGone = false;
  std::thread([&] {
    EXPECT_TRUE(openedSince(before).empty());
    asyncCheck(waitUntilTheEnd(threadLoop().futureContext(), isGone));
    EXPECT_FALSE(openedSince(before).empty());
    EXPECT_FALSE(isGone);
  }).join();
  EXPECT_TRUE(isGone);
  EXPECT_TRUE(openedSince(before).empty());
}

// F99
TEST(LoopTest, RunsOnItsThreadUntilItIsStopped) {
  Loop& loop = threadLoop();
  std::string order;
  loop.futureContext().callSoon([](void*) { threadLoop().stop(); }, nullptr);
  loop.futureContext().callSoon([](void* udata) { *static_cast<std::string*>(udata) += 'a'; },
                                &order);
  runForever();
  EXPECT_EQ(order, "a") << "the rest of the tick has run";
  std::thread other([&loop] { loop.stop(); });
  runForever();
  other.join();
  setThreadLoop(nullptr);
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

// F98: instead of hanging.
TEST(LoopTest, RefusesToWaitForWhatNothingCanFinish) {
  Loop loop;
  Promise<> promise(loop.futureContext());
  try {
    loop.waitFor(promise.future());
    ADD_FAILURE();
  } catch (const std::system_error& error) {
    EXPECT_EQ(error.code(), std::errc::resource_deadlock_would_occur);
  }
}

// Stops its loop at its end, when a descriptor of a new file is there. Says what that was written.
struct StopAtTheEnd {
  ~StopAtTheEnd() {
    const UniqueFd file(::eventfd(0, EFD_NONBLOCK));
    loop.stop();
    std::uint64_t count = 0;
    written = ::read(file.get(), &count, sizeof count);
  }
  Loop& loop;
  ssize_t& written;
};

Future<> stopAtTheEnd(Loop& loop, ssize_t& written) {
  const StopAtTheEnd stop{loop, written};
  co_await sleepAsync(loop.futureContext(), std::chrono::hours(1));
}

// F99: a number that was closed may be another's.
TEST(LoopTest, IsStoppedByWhatItsEndRuns) {
  ssize_t written = 0;
  auto loop = std::make_unique<Loop>();
  Future<> stops = stopAtTheEnd(*loop, written);
  loop.reset();
  EXPECT_TRUE(stops.cancelled());
  EXPECT_EQ(written, -1);
}

}  // namespace
}  // namespace kairos
