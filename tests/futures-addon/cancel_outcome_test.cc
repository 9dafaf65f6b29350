// SPDX-License-Identifier: MIT OR Apache-2.0
// What a request to cancel comes to in a chain: what its innermost makes of it, where it is
// delivered when some phases cannot be cancelled, and what cancelAndWait() has seen at its end.
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kairos/futures-addon/cancel.h"
#include "kairos/tests/futures-addon/fixture.h"

namespace kairos {
namespace {

// How a promise ends, or does not, and the letter of that: completed, failed, cancelled, pending.
struct Ending {
  void (*end)(Promise<>& promise);
  char letter;
};
constexpr Ending endings[] = {
    {[](Promise<>& promise) { promise.complete(); }, 'c'},
    {[](Promise<>& promise) { promise.fail(std::runtime_error("broken")); }, 'f'},
    {[](Promise<>& promise) { promise.cancel(); }, 'x'},
    {[](Promise<>&) {}, 'p'},
};

class CancelOutcomeTest : public FutureTest {
 protected:
  static Future<> level(Future<> inner) { co_await inner; }
  static Future<> chain(Future<> leaf, int levels) {
    for (int i = 0; i < levels; ++i) leaf = level(std::move(leaf));
    return leaf;
  }
  static char letterOf(const FutureBase& future) {
    if (!future.finished()) return 'p';
    if (future.completed()) return 'c';
    if (future.cancelled()) return 'x';
    static_cast<void>(future.readError());
    return 'f';
  }
};

INSTANTIATE_TEST_SUITE_P(Backends, CancelOutcomeTest, backends(), backendName);

// F22: the innermost has ended, and nobody above it knows yet; or it is pending.
TEST_P(CancelOutcomeTest, AResultThatIsThereWins) {
  for (const int levels : {0, 1, 3}) {
    for (const Ending& ending : endings) {
      SCOPED_TRACE(testing::Message() << levels << ending.letter);
      Promise<> promise(context_);
      Future<> outer = chain(promise.future(), levels);
      ending.end(promise);
      waitFor(context_, cancelAndWait(outer));
      EXPECT_EQ(letterOf(outer), ending.letter == 'p' ? 'x' : ending.letter);
      EXPECT_EQ(letterOf(promise.future()), letterOf(outer));
    }
  }
}

// A promise that ends in the manner of `ending` when it is asked to.
class Answering {
 public:
  Answering(FutureContext& context, const Ending& ending) : promise(context), ending_(ending) {
    promise.setCancelCallback(onCancel, this);
  }

  Promise<> promise;
  int asked = 0;

 private:
  static void onCancel(void* udata) {
    auto& self = *static_cast<Answering*>(udata);
    ++self.asked;
    self.ending_.end(self.promise);
  }

  const Ending& ending_;
};

// F40: also for those above it, who wait for as long as it does nothing.
TEST_P(CancelOutcomeTest, AProducerDecidesWhatBecomesOfTheRequest) {
  for (const int levels : {0, 1, 3}) {
    for (const Ending& ending : endings) {
      SCOPED_TRACE(testing::Message() << levels << ending.letter);
      Answering producer(context_, ending);
      Future<> outer = chain(producer.promise.future(), levels);
      Future<> done = cancelAndWait(outer);
      EXPECT_EQ(producer.asked, 1) << "inside the call";
      settleUntil(sleepAsync(context_, milliseconds(100)));
      EXPECT_EQ(done.finished(), ending.letter != 'p');
      EXPECT_EQ(letterOf(outer), ending.letter);
      if (ending.letter == 'p') producer.promise.complete();
      waitFor(context_, done);
      EXPECT_EQ(letterOf(outer), ending.letter == 'p' ? 'c' : ending.letter);
      EXPECT_EQ(producer.asked, 1);
    }
  }
}

// A coroutine of phases: 'n' cannot be cancelled, 's' can, 'z' can and takes no time.
struct Phases {
  std::string_view word;
  bool goOn;  // from the beginning again
  milliseconds length;

  Future<> run(FutureContext& context, std::string& log) const {
    do {
      for (const char phase : word) {
        if (phase == 'n') co_await noCancel(sleepAsync(context, length));
        if (phase == 's') co_await sleepAsync(context, length);
        if (phase == 'z') co_await sleepAsync(context, milliseconds(0));
        log += phase;
      }
    } while (goOn);
  }
};

// F24: the request waits for the first phase that can be cancelled, and ends the coroutine there.
TEST_P(CancelOutcomeTest, EndsInTheFirstPhaseThatCanBeCancelled) {
  struct Case {
    Phases phases;
    milliseconds requestAfter;
    milliseconds end;
    std::string_view log;
  };
  constexpr milliseconds hundred(100);
  constexpr milliseconds fifty(50);
  const Case cases[] = {
      {{"nns", false, hundred}, milliseconds(0), milliseconds(200), "nn"},
      {{"nns", false, hundred}, milliseconds(10), milliseconds(200), "nn"},
      {{"nsn", false, hundred}, milliseconds(0), milliseconds(100), "n"},
      {{"nsn", false, hundred}, milliseconds(10), milliseconds(100), "n"},
      {{"snn", false, hundred}, milliseconds(0), milliseconds(0), ""},
      {{"snn", false, hundred}, milliseconds(10), milliseconds(10), ""},
      {{"nz", true, fifty}, milliseconds(0), milliseconds(50), "n"},
      {{"nz", true, fifty}, milliseconds(333), milliseconds(350), "nznznznznznzn"},
      {{"zn", true, fifty}, milliseconds(0), milliseconds(0), ""},
      {{"zn", true, fifty}, milliseconds(333), milliseconds(350), "znznznznznznzn"},
  };
  for (const int levels : {0, 2}) {
    for (const Case& each : cases) {
      SCOPED_TRACE(testing::Message() << each.phases.word << ' ' << each.requestAfter.count());
      const Clock::duration start = time_.elapsed();
      std::string log;
      Future<> outer = chain(each.phases.run(context_, log), levels);
      if (each.requestAfter > milliseconds(0)) {
        settleUntil(sleepAsync(context_, each.requestAfter));
      }
      waitFor(context_, cancelAndWait(outer));
      EXPECT_TRUE(outer.cancelled());
      EXPECT_EQ(log, each.log);
      EXPECT_EQ(time_.elapsed() - start, each.end);
    }
  }
}

// Awaits `inner`, and cleans up for a while when that is cancelled.
Future<> cleaningUp(FutureContext& context, Future<> inner, Letter letter, milliseconds time) {
  try {
    co_return co_await inner;
  } catch (const CancelledError&) {
  }
  co_await sleepAsync(context, time);
  Letter::write(&letter);
  throw CancelledError();
}

// IF4
TEST_P(CancelOutcomeTest, IsSeenByWhoWaitsForItWhenAllHaveCleanedUp) {
  std::string text;
  Future<> leaf = sleepAsync(context_, seconds(1));
  Future<> inner = cleaningUp(context_, leaf, {text, 'i'}, milliseconds(5));
  Future<> outer = cleaningUp(context_, inner, {text, 'o'}, milliseconds(3));
  Future<> done = cancelAndWait(outer);
  Letter letter{text, 'd'};
  done.addCallback(Letter::write, &letter);
  EXPECT_TRUE(leaf.cancelled());
  waitFor(context_, done);
  EXPECT_EQ(text, "iod");
  EXPECT_EQ(time_.elapsed(), milliseconds(8));
  EXPECT_TRUE(inner.cancelled() && outer.cancelled());
}

Future<> beginAndSleep(FutureContext& context, Future<>& beside) {
  beside = sleepAsync(context, seconds(1));
  co_await sleepAsync(context, seconds(2));
}

// IF4: what was begun beside goes on, and so do those who await it.
TEST_P(CancelOutcomeTest, ReachesNothingBesideWhatIsAwaited) {
  Future<> beside;
  Future<> outer = level(beginAndSleep(context_, beside));
  Future<> other = chain(beside, 2);
  EXPECT_TRUE(outer.tryCancel());
  settle();
  EXPECT_TRUE(outer.cancelled());
  EXPECT_FALSE(beside.finished() || other.finished());
  waitFor(context_, other);
  EXPECT_EQ(time_.elapsed(), seconds(1));
}

}  // namespace
}  // namespace kairos
