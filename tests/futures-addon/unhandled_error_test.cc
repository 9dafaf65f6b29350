// SPDX-License-Identifier: MIT OR Apache-2.0
// Errors that nobody reads: asyncCheck(), and failed futures that are dropped.
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "kairos/futures-addon/check.h"
#include "kairos/tests/futures-addon/fixture.h"

namespace kairos {
namespace {

class UnhandledErrorTest : public FutureTest {
 protected:
  UnhandledErrorTest() { context_.setUnhandledErrorCallback(onError, this); }

  static Future<> failAfter(FutureContext& context, milliseconds delay) {
    if (delay > milliseconds(0)) co_await sleepAsync(context, delay);
    throw std::runtime_error("broken");
  }
  void settleFor(milliseconds time) { settleUntil(sleepAsync(context_, time)), settle(); }

  std::vector<std::string> errors_;
  std::vector<SourceLocation> places_;

 private:
  static void onError(void* udata) {
    auto& self = *static_cast<UnhandledErrorTest*>(udata);
    const FutureContext::UnhandledError unhandled = self.context_.unhandledError();
    self.places_.push_back(unhandled.created);
    try {
      std::rethrow_exception(unhandled.error);
    } catch (const std::exception& error) {
      self.errors_.emplace_back(error.what());
    }
  }
};

INSTANTIATE_TEST_SUITE_P(Backends, UnhandledErrorTest, backends(), backendName);

const std::vector<std::string> once{"broken"};

// F13
TEST_P(UnhandledErrorTest, IsToldOfACheckedFutureWithItsOrigin) {
  Future<> future = failAfter(context_, milliseconds(5));
  asyncCheck(future);
  EXPECT_FALSE(future.finished());
  settleFor(milliseconds(10));
  EXPECT_EQ(errors_, once);
  ASSERT_EQ(places_.size(), 1U);
  const std::string function = places_[0].function;
  EXPECT_NE(function.find("failAfter"), std::string::npos) << function;
  EXPECT_THROW(future.read(), std::runtime_error);
}

// F13: in the tick after it has failed.
TEST_P(UnhandledErrorTest, IsToldOfACheckedPromiseWithItsPlace) {
  const unsigned line = __LINE__ + 1;
  Promise<> promise(context_);
  asyncCheck(promise.future());
  settle();
  EXPECT_TRUE(errors_.empty());
  promise.fail(std::runtime_error("broken"));
  EXPECT_TRUE(errors_.empty()) << "never inside the call";
  tick();
  EXPECT_EQ(errors_, once);
  ASSERT_EQ(places_.size(), 1U);
  EXPECT_EQ(places_[0].line, line);
  const std::string file = places_[0].file;
  EXPECT_NE(file.find("unhandled_error_test.cc"), std::string::npos) << file;
  settle();
  EXPECT_EQ(errors_, once);
}

// F13
TEST_P(UnhandledErrorTest, IsToldOfACheckedFutureThatHasFailed) {
  Future<> future = failAfter(context_, milliseconds(0));
  ASSERT_TRUE(future.failed());
  asyncCheck(std::move(future));
  EXPECT_TRUE(errors_.empty());
  settle();
  EXPECT_EQ(errors_, once);
}

TEST_P(UnhandledErrorTest, IsNotToldOfValuesAndCancellations) {
  asyncCheck(sleepAsync(context_, milliseconds(1)));
  Future<> cancelled = sleepAsync(context_, seconds(1));
  asyncCheck(cancelled);
  cancelled.tryCancel();
  settleFor(milliseconds(5));
  EXPECT_TRUE(errors_.empty());
}

// F14, F57: once, however many handles there were.
TEST_P(UnhandledErrorTest, IsToldOfAFailedFutureThatIsDropped) {
  {
    Future<> future = failAfter(context_, milliseconds(1));
    Future<> another = future;
    settleFor(milliseconds(2));
    EXPECT_TRUE(errors_.empty());
  }
  settle();
  EXPECT_EQ(errors_, once);

  static_cast<void>(failAfter(context_, milliseconds(1)));
  settleFor(milliseconds(2));
  EXPECT_EQ(errors_.size(), 2U);
}

Future<> leaveAChild(FutureContext&, Future<> child, Future<> sleep, bool& failedFirst) {
  const Future<> kept = std::move(child);
  co_await sleep;
  failedFirst = kept.failed();
}

// F57: of a child that is not awaited, which is no error of its parent.
TEST_P(UnhandledErrorTest, IsToldOnceOfAChildThatNobodyAwaits) {
  bool failedFirst = false;
  Future<> parent = leaveAChild(context_, failAfter(context_, milliseconds(1)),
                                sleepAsync(context_, milliseconds(2)), failedFirst);
  settleFor(milliseconds(5));
  EXPECT_TRUE(failedFirst);
  EXPECT_TRUE(parent.completed());
  EXPECT_EQ(errors_, once);
}

// IF7: an error for whoever has its future, and for nobody else.
TEST_P(UnhandledErrorTest, IsToldOfAPromiseThatIsDroppedIfAnybodyHasItsFuture) {
  { const Promise<> nobodys(context_); }
  settle();
  EXPECT_TRUE(errors_.empty());

  Future<> held;
  {
    const Promise<> promise(context_);
    held = promise.future();
  }
  settle();
  EXPECT_TRUE(errors_.empty()) << "it may be read yet";
  held = Future<>();
  settle();
  EXPECT_EQ(errors_.size(), 1U);

  Probe probe;
  {
    const Promise<> promise(context_);
    promise.future().addCallback(Probe::run, &probe);
  }
  settle();
  EXPECT_EQ(probe.runs(), 1U);
  EXPECT_EQ(errors_.size(), 2U);
}

TEST_P(UnhandledErrorTest, IsNotToldOfWhatWasRead) {
  {
    Future<> future = failAfter(context_, milliseconds(0));
    EXPECT_THROW(future.read(), std::runtime_error);
    Future<> other = failAfter(context_, milliseconds(0));
    static_cast<void>(other.readError());
  }
  settle();
  EXPECT_TRUE(errors_.empty());
}

TEST_P(UnhandledErrorTest, IsThrownOutOfPollWithoutACallback) {
  context_.setUnhandledErrorCallback(nullptr, nullptr);
  std::string text;
  Letter letter{text, 'a'};
  asyncCheck(failAfter(context_, milliseconds(0)));
  context_.callSoon(Letter::write, &letter);
  EXPECT_THROW(poll(), std::runtime_error);
  EXPECT_EQ(text, "");
  settle();
  EXPECT_EQ(text, "a");
}

Future<> failWithoutContext() {
  throw std::runtime_error("broken");
  co_return;
}

TEST_P(UnhandledErrorTest, EndsTheProgramWithoutAContext) {
  EXPECT_DEATH(asyncCheck(failWithoutContext()), "");
  asyncSpawn(context_, failWithoutContext());
  settle();
  EXPECT_EQ(errors_, once);
}

// F13: by several, before it has failed and after.
TEST_P(UnhandledErrorTest, IsToldOnceOfWhatIsCheckedByMany) {
  Future<> future = failAfter(context_, milliseconds(5));
  asyncCheck(future);
  asyncCheck(future);
  settleFor(milliseconds(10));
  asyncCheck(future);
  settle();
  EXPECT_EQ(errors_, once);
}

// The end of a context gives up on what goes on and on, and on the errors of that.
TEST_P(UnhandledErrorTest, IsForgottenByAContextThatEnds) {
  Probe fails;
  {
    FutureContext context(reactor_);
    fails.setAction([&] {
      static_cast<void>(failAfter(context, milliseconds(0)));
      context.callSoon(Probe::run, &fails);
    });
    context.callSoon(Probe::run, &fails);
  }
  EXPECT_GT(fails.runs(), 1U);
}

// F13
TEST_P(UnhandledErrorTest, IsForgottenByACallbackThatThrows) {
  Probe throws([] { throw std::logic_error("callback"); });
  context_.setUnhandledErrorCallback(Probe::run, &throws);
  static_cast<void>(failAfter(context_, milliseconds(0)));
  EXPECT_THROW(settle(), std::logic_error);
  EXPECT_EQ(context_.unhandledError().error, nullptr);
}

}  // namespace
}  // namespace kairos
