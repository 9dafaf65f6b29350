// SPDX-License-Identifier: MIT OR Apache-2.0
// Coroutines that were started without a context and got one later, and its end.
#include <coroutine>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include "kairos/futures-addon/cancel.h"
#include "kairos/futures-addon/check.h"
#include "kairos/futures-addon/group.h"
#include "kairos/futures-addon/timeout.h"
#include "kairos/tests/futures-addon/fixture.h"
#include "kairos/tests/futures-addon/manual_operation.h"

namespace kairos {
namespace {

struct Guard {
  explicit Guard(int& ofOpen) : open(ofOpen) { ++open; }
  ~Guard() { --open; }
  int& open;
};

class AdoptionTest : public FutureTest {
 protected:
  AdoptionTest() { ended_.emplace(reactor_); }
  ~AdoptionTest() override { EXPECT_EQ(open_, 0); }

  FutureContext& ended() { return *ended_; }
  void end() { ended_.reset(); }

  // What a coroutine does has no argument that has a context.
  struct Work {
    ManualOperation*& running;
    Promise<>* then = nullptr;
    int& open;
  };
  Work work(Promise<>* then = nullptr) { return {running_, then, open_}; }

  static Future<> operate(Work work) {
    const Guard guard(work.open);
    ManualOperation operation;
    work.running = &operation;
    co_await operation;
    if (work.then != nullptr) co_await work.then->future();
  }

  ManualOperation* running_ = nullptr;
  int open_ = 0;

 private:
  std::optional<FutureContext> ended_;
};

INSTANTIATE_TEST_SUITE_P(Backends, AdoptionTest, backends(), backendName);

// F45, IF11: it is known to its context from the moment that it has one.
TEST_P(AdoptionTest, TheEndOfAContextReachesWhatWasAttachedLate) {
  asyncSpawn(ended(), operate(work()));
  EXPECT_TRUE(ended().hasPendingOperations());
  EXPECT_EQ(open_, 1);
  end();
  EXPECT_EQ(open_, 0);
}

TEST_P(AdoptionTest, WhatWasAttachedLateIsCancelledByTheEnd) {
  Future<> future = operate(work());
  future.attach(ended());
  end();
  EXPECT_TRUE(running_->isCancelled());
  EXPECT_TRUE(future.cancelled());
  running_->complete();  // too late: it goes on no more
  EXPECT_EQ(open_, 1);
}

// Its second await, not its first, is of a future.
TEST_P(AdoptionTest, TheEndOfAContextReachesWhatMetItLate) {
  Promise<> promise(ended());
  Future<> future = operate(work(&promise));
  EXPECT_FALSE(ended().hasPendingOperations());
  running_->complete();
  EXPECT_TRUE(ended().hasPendingOperations());
  end();
  EXPECT_TRUE(future.cancelled());
}

TEST_P(AdoptionTest, IsPendingUntilItHasEnded) {
  asyncSpawn(context_, operate(work()));
  EXPECT_TRUE(context_.hasPendingOperations());
  running_->complete();
  EXPECT_FALSE(context_.hasPendingOperations());
}

// Whose frame is not in memory of the context: that it has met one must not outlast it.
TEST_P(AdoptionTest, AFinishedOneOutlivesTheContextThatItGot) {
  Future<> late = operate(work());
  running_->complete();
  late.attach(ended());
  Promise<> promise(ended());
  Future<> met = operate(work(&promise));
  running_->complete();
  promise.complete();
  while (ended().hasPendingOperations()) poll(Reactor::forever);
  EXPECT_TRUE(met.completed());
  end();
  EXPECT_TRUE(late.completed());
  EXPECT_NO_THROW(met.read());
}

Future<> failLate(ManualOperation*& running) {
  ManualOperation operation;
  running = &operation;
  co_await operation;
  throw std::runtime_error("late");
}

// IF7: after the end nobody is there to hear of an error, which harms nobody.
TEST_P(AdoptionTest, AFailureThatIsFoundAfterTheEndIsNobodys) {
  std::optional<Future<>> failed(failLate(running_));
  running_->complete();
  failed->attach(ended());
  end();
  failed.reset();
}

// Of what is made of a future after that: nothing runs, so nothing is taken in.
TEST_P(AdoptionTest, AFutureWhoseContextHasEndedIsOnlyRead) {
  Promise<int> promise(ended());
  const Future<int> done = promise.future();
  promise.complete(5);
  end();
  std::string text;
  Letter letter{text, 'a'};
  Waiter waiter;
  Future<int> future = done;
  EXPECT_THROW(future.addCallback(Letter::write, &letter), FutureError);
  EXPECT_THROW(future.addCallback(waiter, Letter::write, &letter), FutureError);
  EXPECT_THROW(static_cast<void>(join(future)), FutureError);
  EXPECT_THROW(static_cast<void>(wait(future, seconds(1))), FutureError);
  EXPECT_THROW(static_cast<void>(future and future), FutureError);
  EXPECT_FALSE(future.tryCancel());
  EXPECT_EQ(waitFor(context_, future), 5);
  EXPECT_EQ(future.read(), 5);
}

// It is like one that never had a context.
TEST_P(AdoptionTest, ACoroutineOfAFutureWhoseContextHasEndedGoesOnWithoutOne) {
  struct Local {
    static Future<int> operateFor(Future<int> done, ManualOperation*& running) {
      ManualOperation operation;
      running = &operation;
      co_await operation;
      co_return co_await std::move(done);
    }
  };
  std::string text;
  Letter letters[] = {{text, 'a'}, {text, 'b'}};
  Promise<int> promise(ended());
  Future<int> done = promise.future();
  promise.complete(5);
  end();
  Future<int> future = Local::operateFor(std::move(done), running_);
  for (Letter& letter : letters) future.addCallback(Letter::write, &letter);
  running_->complete();
  EXPECT_EQ(text, "ab");
  EXPECT_EQ(future.read(), 5);
}

TEST_P(AdoptionTest, AChainIsEndedByTheContextOfItsInnermost) {
  struct Local {
    static Future<> outer(Future<> inner) { co_await std::move(inner); }
  };
  Future<> inner = operate(work());
  Future<> outer = Local::outer(inner);
  asyncSpawn(ended(), inner);
  inner = Future<>();
  end();
  EXPECT_TRUE(outer.cancelled());
}

// IF8: those who wait for several run one after the other, and can be taken back until then.
TEST_P(AdoptionTest, WhoHasNotRunYetIsTakenBackFromItsOwnFuture) {
  const auto follow = [](Future<> other) -> Future<> { co_await other; };
  std::string text;
  Letter first{text, 'a'};
  Letter second{text, 'b'};
  Future<> inner = operate(work());
  Future<> outer = follow(inner);
  Probe between([&] {
    EXPECT_TRUE(outer.finished());
    EXPECT_EQ(inner.removeCallback(Letter::write, &first), 0U) << "it waits for the other";
    EXPECT_EQ(outer.removeCallback(Letter::write, &second), 1U);
    EXPECT_EQ(outer.removeCallback(Letter::write, &second), 0U);
  });
  inner.addCallback(Probe::run, &between);
  outer.addCallback(Letter::write, &first);
  outer.addCallback(Letter::write, &second);
  running_->complete();
  EXPECT_EQ(between.runs(), 1U);
  EXPECT_EQ(text, "a");
}

// IF3, IF8: of those who run one after the other, each may end others, throw, and suspend again.
TEST_P(AdoptionTest, WhoWaitsForSeveralMayEndOthersAndThrow) {
  struct Local {
    static Future<> follow(Future<> other) { co_await other; }
    static Future<> followTwice(Future<> other, ManualOperation& again, std::string& text) {
      co_await other;
      text += 's';
      co_await again;
    }
    static void fail(void* udata) { throw std::runtime_error(static_cast<const char*>(udata)); }
  };
  std::string text;
  Letter last{text, 'a'};
  Letter ofLater{text, 'l'};
  char first[] = "first";
  char second[] = "second";
  ManualOperation again;
  Future<> inner = operate(work());
  Future<> gone = Local::follow(inner);
  Probe ending([&] {
    gone.attach(ended());
    gone = Future<>();
    end();
  });
  Future<> outer;
  inner.addCallback(Probe::run, &ending);
  Future<> doomed = Local::follow(inner);
  std::swap(gone, doomed);  // the one behind
  inner.addCallback(Local::fail, first);
  outer = Local::follow(inner);
  Future<> later = Local::followTwice(inner, again, text);
  for (Future<>* const each : {&outer, &later}) {
    each->addCallback(Local::fail, second);
    each->addCallback(Letter::write, each == &outer ? &last : &ofLater);
  }
  EXPECT_THROW(
      {
        try {
          running_->complete();
        } catch (const std::runtime_error& error) {
          EXPECT_STREQ(error.what(), "first");
          throw;
        }
      },
      std::runtime_error);
  EXPECT_EQ(text, "sa");
  EXPECT_TRUE(doomed.finished() && outer.finished() && !later.finished());
  EXPECT_THROW(again.complete(), std::runtime_error);
  EXPECT_EQ(text, "sal");
}

}  // namespace
}  // namespace kairos
