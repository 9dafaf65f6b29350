// SPDX-License-Identifier: MIT OR Apache-2.0
// The second level of tracking: the calls that made a future, and those that ended it.
#include <stdexcept>
#include <string>
#include <vector>

#include "kairos/futures-addon/diagnostics.h"
#include "kairos/tests/futures-addon/fixture.h"

namespace kairos {

// With names that the dynamic linker knows, and not the last thing that their callers do.
[[gnu::noinline]] Future<> sleepForTheStackTest(FutureContext& context) {
  return sleepAsync(context, seconds(1));
}
[[gnu::noinline]] Future<> callOfTheStackTest(FutureContext& context) {
  Future<> future = sleepForTheStackTest(context);
  EXPECT_FALSE(future.finished());
  return future;
}
[[gnu::noinline]] Future<> otherCallOfTheStackTest(FutureContext& context) {
  Future<> future = sleepForTheStackTest(context);
  EXPECT_FALSE(future.finished());
  return future;
}
[[gnu::noinline]] void failForTheStackTest(Promise<>& promise) {
  promise.fail(std::runtime_error("broken"));
  EXPECT_TRUE(promise.finished());
}

namespace {

class StackTraceTest : public FutureTest {
 protected:
  static std::size_t find(const StackTrace& stack, const char* function) {
    return toText(stack).find(std::string("kairos::") + function + "(");
  }
};

INSTANTIATE_TEST_SUITE_P(Backends, StackTraceTest, backends(), backendName);

// F50
TEST_P(StackTraceTest, NamesTheCallsThatMadeAFuture) {
  const Future<> future = callOfTheStackTest(context_);
  const StackTrace stack = pendingFutures(context_).at(0).stack;
  EXPECT_GT(stack.frames().size(), 3U);
  const std::size_t inside = find(stack, "sleepForTheStackTest");
  ASSERT_NE(inside, std::string::npos) << toText(stack);
  EXPECT_NE(find(stack, "callOfTheStackTest"), std::string::npos);
  EXPECT_LT(inside, find(stack, "callOfTheStackTest"));
  settleUntil(future);
}

// F51
TEST_P(StackTraceTest, TellsCallersOfOnePlaceApart) {
  std::vector<Future<>> futures;
  for (int i = 0; i < 3; ++i) futures.push_back(callOfTheStackTest(context_));
  futures.push_back(otherCallOfTheStackTest(context_));
  const std::vector<FutureGroup> groups = futuresInProgress(context_);
  ASSERT_EQ(groups.size(), 2U);
  EXPECT_EQ(groups[0].count, 3U);
  EXPECT_NE(find(groups[1].stack, "otherCallOfTheStackTest"), std::string::npos);
  EXPECT_EQ(groups[0].created.line, groups[1].created.line);
  EXPECT_NE(toText(groups).find("kairos::otherCallOfTheStackTest("), std::string::npos);
  settleUntil(futures.back());
}

// F52
TEST_P(StackTraceTest, KeepsWhereAFutureFailed) {
  Promise<> promise(context_);
  failForTheStackTest(promise);
  const std::vector<FailurePlace> places = failurePlaces(promise.future());
  ASSERT_EQ(places.size(), 1U);
  EXPECT_NE(find(places[0].stack, "failForTheStackTest"), std::string::npos);
  EXPECT_THROW(promise.future().read(), std::runtime_error);
}

StackTrace stackAt(int depth) {
  if (depth == 0) return StackTrace::current();
  StackTrace stack = stackAt(depth - 1);
  EXPECT_FALSE(stack.frames().empty());
  return stack;
}

TEST(StackTraceLimitTest, KeepsTheInnermostOfADeepStack) {
  EXPECT_EQ(stackAt(100).frames().size(), StackTrace::framesMax);
  EXPECT_TRUE(StackTrace().frames().empty());
}

}  // namespace
}  // namespace kairos
