// SPDX-License-Identifier: MIT OR Apache-2.0
// Coroutines that were started without a context and got one later, and its end.
#include <coroutine>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include "kairos/futures-addon/check.h"
#include "kairos/futures-addon/detail/operation_awaiter.h"
#include "kairos/tests/futures-addon/fixture.h"

namespace kairos {
namespace {

// An operation that needs no context, and ends when the test says so.
class Operation : public detail::OperationAwaiter {
 public:
  bool await_ready() const noexcept { return false; }
  template <class P>
  void await_suspend(std::coroutine_handle<P> coroutine) noexcept {
    callback_ = detail::resumptionOf(coroutine);
    suspended(coroutine);
  }
  void await_resume() const {
    if (isCancelled_) throw CancelledError();
  }
  bool cancel() noexcept override { return isCancelled_ = true; }
  bool isCancelled() const { return isCancelled_; }
  void complete() { callback_.function(callback_.udata); }

 private:
  AsyncCallback callback_{};
  bool isCancelled_ = false;
};

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
    Operation*& running;
    Promise<>* then = nullptr;
    int& open;
  };
  Work work(Promise<>* then = nullptr) { return {running_, then, open_}; }

  static Future<> operate(Work work) {
    const Guard guard(work.open);
    Operation operation;
    work.running = &operation;
    co_await operation;
    if (work.then != nullptr) co_await work.then->future();
  }

  Operation* running_ = nullptr;
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

Future<> failLate(Operation*& running) {
  Operation operation;
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

}  // namespace
}  // namespace kairos
