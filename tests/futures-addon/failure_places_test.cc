// SPDX-License-Identifier: MIT OR Apache-2.0
// Where an error arose, and what it came through. Tracking is on.
#include <stdexcept>
#include <string>
#include <vector>

#include "kairos/futures-addon/cancel.h"
#include "kairos/futures-addon/diagnostics.h"
#include "kairos/futures-addon/group.h"
#include "kairos/futures-addon/timeout.h"
#include "kairos/tests/futures-addon/fixture.h"

namespace kairos {
namespace {

class FailurePlacesTest : public FutureTest {
 protected:
  // The kinds with their lines, the origin first. The error counts as looked at.
  std::vector<std::string> placesOf(const FutureBase& future) {
    settleUntil(future);
    EXPECT_TRUE(future.failed());
    EXPECT_NE(future.readError(), nullptr);
    std::vector<std::string> lines;
    for (const FailurePlace& place : failurePlaces(future)) {
      lines.push_back(std::string(place.kind) + ' ' + std::to_string(place.place.line));
    }
    return lines;
  }
  void fail() { promise_.fail(std::runtime_error("broken")); }
  static constexpr unsigned failLine = __LINE__ - 1;

  Promise<> promise_{context_};
};

INSTANTIATE_TEST_SUITE_P(Backends, FailurePlacesTest, backends(), backendName);

using Lines = std::vector<std::string>;

std::string at(const char* kind, unsigned line) {
  return std::string(kind) + ' ' + std::to_string(line);
}

// F52
TEST_P(FailurePlacesTest, AreThoseOfThePromise) {
  const unsigned line = __LINE__ + 1;
  promise_.fail(std::runtime_error("broken"));
  EXPECT_EQ(placesOf(promise_.future()), Lines{at("Promise", line)});
  EXPECT_STREQ(failurePlaces(promise_.future())[0].place.function, "TestBody");
}

constexpr unsigned passAwait = __LINE__ + 1;
Future<> pass(Future<> future) { co_await future; }

// F52
TEST_P(FailurePlacesTest, FollowTheErrorThroughCoroutines) {
  const Future<> root = pass(pass(promise_.future()));
  fail();
  EXPECT_EQ(placesOf(root), (Lines{at("Promise", failLine), at("coroutine", passAwait),
                                   at("coroutine", passAwait)}));
}

// F52
TEST_P(FailurePlacesTest, FollowTheErrorThroughWhatIsMadeOfFutures) {
  const unsigned line = __LINE__ + 1;
  const Future<> root = pass(noCancel(wait(pass(promise_.future()), seconds(1))));
  fail();
  EXPECT_EQ(placesOf(root),
            (Lines{at("Promise", failLine), at("coroutine", passAwait), at("wait", line),
                   at("noCancel", line), at("coroutine", passAwait)}));
}

TEST_P(FailurePlacesTest, FollowTheErrorThroughPairs) {
  const Future<> sleep = sleepAsync(context_, seconds(1));
  const Future<> both = pass(promise_.future() and sleep);
  const Future<> either = pass(sleep or promise_.future());
  fail();
  ASSERT_EQ(placesOf(both).size(), 3U);
  EXPECT_EQ(placesOf(both)[0], at("Promise", failLine));
  EXPECT_EQ(placesOf(either)[0], at("Promise", failLine));
  settleUntil(sleep);
}

Future<> throwAtOnce() {
  throw std::runtime_error("broken");
  co_return;
}

// F52: without an await, all that is known is the function.
TEST_P(FailurePlacesTest, NameACoroutineThatNeverAwaited) {
  const Future<> root = pass(throwAtOnce());
  ASSERT_EQ(placesOf(root).size(), 2U);
  EXPECT_STREQ(failurePlaces(root)[0].place.function, "throwAtOnce");
  EXPECT_EQ(placesOf(root)[1], at("coroutine", passAwait));
  promise_.complete();
}

constexpr unsigned translateAwait = __LINE__ + 4;
Future<> translate(Future<> future) {
  bool isBroken = false;
  try {
    co_await future;
  } catch (const std::exception&) {
    isBroken = true;
  }
  if (isBroken) throw std::logic_error("another");
}

// Another error has an origin of its own.
TEST_P(FailurePlacesTest, EndAtWhatThrewTheErrorFirst) {
  const Future<> root = pass(translate(promise_.future()));
  fail();
  EXPECT_EQ(placesOf(root), (Lines{at("coroutine", translateAwait), at("coroutine", passAwait)}));
}

TEST_P(FailurePlacesTest, AreEmptyWithoutAFailure) {
  EXPECT_TRUE(failurePlaces(promise_.future()).empty());
  promise_.complete();
  EXPECT_TRUE(failurePlaces(promise_.future()).empty());
}

TEST_P(FailurePlacesTest, OfALimitBeginThere) {
  const unsigned line = __LINE__ + 1;
  const Future<> root = pass(wait(promise_.future(), seconds(1)));
  EXPECT_EQ(placesOf(root), (Lines{at("wait", line), at("coroutine", passAwait)}));
}

TEST_P(FailurePlacesTest, AreWrittenForPeople) {
  const Future<> root = pass(promise_.future());
  fail();
  ASSERT_EQ(placesOf(root).size(), 2U);
  const std::string text = toText(failurePlaces(root));
  EXPECT_EQ(text.find("Promise fail at "), 0U) << text;
  EXPECT_NE(text.find("\ncoroutine pass at "), std::string::npos) << text;
}

TEST_P(FailurePlacesTest, NeedNoStackForALongWay) {
  constexpr std::size_t depth = 100'000;
  Future<> root = promise_.future();
  for (std::size_t i = 0; i < depth; ++i) root = pass(std::move(root));
  fail();
  EXPECT_EQ(placesOf(root).size(), depth + 1);
}

}  // namespace
}  // namespace kairos
