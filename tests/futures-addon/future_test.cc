// SPDX-License-Identifier: MIT OR Apache-2.0
// Future and Promise with callbacks alone.
#include <array>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

#include "kairos/tests/futures-addon/fixture.h"

namespace kairos {
namespace {

INSTANTIATE_TEST_SUITE_P(Backends, FutureTest, backends(), backendName);

// F01
TEST_P(FutureTest, RunsCallbacksInTheOrderAdded) {
  std::string text;
  Letter letters[] = {{text, '1'}, {text, '2'}, {text, '3'}, {text, '4'}, {text, '5'}};
  Promise<int> promise(context_);
  Future<int> future = promise.future();
  for (Letter& letter : letters) future.addCallback(Letter::write, &letter);
  promise.complete(1);
  EXPECT_EQ(text, "");
  tick();
  EXPECT_EQ(text, "12345");
  settle();
  EXPECT_EQ(text, "12345");
}

// F04
TEST_P(FutureTest, RunsACallbackOfAFinishedFutureInTheNextTick) {
  std::string text;
  Letter letter{text, 'a'};
  Promise<> promise(context_);
  promise.complete();
  promise.future().addCallback(Letter::write, &letter);
  EXPECT_EQ(text, "");
  tick();
  EXPECT_EQ(text, "a");
  settle();
  EXPECT_EQ(text, "a") << "once";
}

// What is added during a drain runs in the next one.
TEST_P(FutureTest, RunsWhatACallbackMakesReadyInTheNextTick) {
  Promise<> first(context_);
  Promise<> second(context_);
  std::string text;
  Letter letter{text, 'b'};
  Probe completeSecond([&] { second.complete(); });
  first.future().addCallback(Probe::run, &completeSecond);
  second.future().addCallback(Letter::write, &letter);
  first.complete();
  EXPECT_EQ(poll(), 1U);
  EXPECT_EQ(text, "");
  EXPECT_EQ(poll(), 1U);
  EXPECT_EQ(text, "b");
}

// F05
TEST_P(FutureTest, RemovesAllEqualPairs) {
  std::string text;
  Letter a{text, 'a'};
  Letter b{text, 'b'};
  Promise<> promise(context_);
  Future<> future = promise.future();
  future.addCallback(Letter::write, &a);
  future.addCallback(Letter::write, &b);
  future.addCallback(Letter::write, &a);
  EXPECT_EQ(future.removeCallback(Letter::write, &a), 2U);
  EXPECT_EQ(future.removeCallback(Letter::write, &a), 0U);
  promise.complete();
  settle();
  EXPECT_EQ(text, "b");
}

// F05: all that a callback knows of its future is what it was given.
TEST_P(FutureTest, HandsTheFutureOnByTheUserPointer) {
  struct Reader {
    static void read(void* udata) {
      auto& reader = *static_cast<Reader*>(udata);
      reader.seen = reader.future.read();
    }
    Future<int> future;
    int seen = 0;
  };
  Promise<int> first(context_);
  Promise<int> second(context_);
  Reader readers[] = {{first.future()}, {first.future()}, {second.future()}};
  for (Reader& reader : readers) reader.future.addCallback(Reader::read, &reader);
  first.complete(1);
  second.complete(2);
  settle();
  EXPECT_EQ(readers[0].seen, 1);
  EXPECT_EQ(readers[1].seen, 1);
  EXPECT_EQ(readers[2].seen, 2);
}

// F05: one with a waiter of its own is forgotten by that.
TEST_P(FutureTest, RemovesNoCallbackThatHasItsOwnWaiter) {
  std::string text;
  Letter a{text, 'a'};
  Promise<> promise(context_);
  Future<> future = promise.future();
  Waiter waiter;
  future.addCallback(waiter, Letter::write, &a);
  future.addCallback(Letter::write, &a);
  EXPECT_EQ(future.removeCallback(Letter::write, &a), 1U);
  promise.complete();
  EXPECT_EQ(future.removeCallback(Letter::write, &a), 0U);
  settle();
  EXPECT_EQ(text, "a");
}

// F05: removal is final, also for what is about to run.
TEST_P(FutureTest, RemovesCallbacksThatAreScheduled) {
  std::string text;
  Letter a{text, 'a'};
  Promise<> promise(context_);
  Future<> future = promise.future();
  Probe remover([&] { EXPECT_EQ(future.removeCallback(Letter::write, &a), 1U); });
  future.addCallback(Probe::run, &remover);
  future.addCallback(Letter::write, &a);
  promise.complete();
  settle();
  EXPECT_EQ(text, "");
  EXPECT_EQ(remover.runs(), 1U);
}

// F05: of the future that is asked, and no other.
TEST_P(FutureTest, RemovesNoCallbackOfAnotherFuture) {
  std::string text;
  Letter a{text, 'a'};
  Promise<> first(context_);
  Promise<> second(context_);
  for (Promise<>* promise : {&first, &second}) {
    promise->future().addCallback(Letter::write, &a);
    promise->complete();
  }
  EXPECT_EQ(first.future().removeCallback(Letter::write, &a), 1U);
  settle();
  EXPECT_EQ(text, "a");
}

TEST_P(FutureTest, ForgetsAWaiterThatIsDestroyed) {
  Promise<> promise(context_);
  Future<> future = promise.future();
  Probe probe;
  {
    Waiter waiter;
    future.addCallback(waiter, Probe::run, &probe);
    EXPECT_TRUE(waiter.isWaiting());
  }
  Waiter scheduled;
  future.addCallback(scheduled, Probe::run, &probe);
  promise.complete();
  scheduled.forget();
  settle();
  EXPECT_EQ(probe.runs(), 0U);
}

struct Counted {
  explicit Counted(int& ofCopies) : copies(&ofCopies) {}
  Counted(const Counted& other) : copies(other.copies) { ++*copies; }
  Counted(Counted&&) = default;
  Counted& operator=(Counted&&) = default;

  int* copies;
};

struct Large : Counted {
  using Counted::Counted;
  std::array<char, 100'000> bytes{};
};

template <class Value>
void expectNoCopy(FutureContext& context) {
  int copies = 0;
  Promise<Value> promise(context);
  promise.complete(Value(copies));
  Future<Value> future = promise.future();
  static_cast<void>(future.read());
  Value taken = std::move(future).read();
  EXPECT_EQ(taken.copies, &copies);
  EXPECT_EQ(copies, 0);

  Promise<Value> ofKept(context);
  ofKept.complete(taken);
  EXPECT_EQ(ofKept.future().read().copies, &copies);
  EXPECT_EQ(copies, 1) << "what the producer keeps";
}

// F06: small and large.
TEST_P(FutureTest, CopiesNoValue) {
  expectNoCopy<Counted>(context_);
  expectNoCopy<Large>(context_);
}

// F06
TEST_P(FutureTest, HoldsMovableValuesAndReferences) {
  Promise<std::unique_ptr<int>> movable(context_);
  movable.complete(std::make_unique<int>(7));
  EXPECT_EQ(*movable.future().read(), 7);

  int target = 1;
  Promise<int&> reference(context_);
  reference.complete(target);
  EXPECT_EQ(&reference.future().read(), &target);

  Promise<> nothing(context_);
  nothing.complete();
  nothing.future().read();
}
static_assert(std::is_empty_v<detail::Kept<void>>, "nothing is kept of it");
static_assert(sizeof(detail::ValueState<void>) == sizeof(detail::FutureState));

// What `finishAgain` throws, which has to name all `lines`, in this order.
template <class Call>
void expectRefusal(Call finishAgain, const std::array<unsigned, 3>& lines) {
  try {
    finishAgain();
    ADD_FAILURE() << "it was accepted";
  } catch (const FinishedTwiceError& error) {
    const std::string text = error.what();
    std::size_t at = 0;
    for (const unsigned line : lines) {
      at = text.find("future_test.cc:" + std::to_string(line) + ' ', at);
      ASSERT_NE(at, std::string::npos) << line << " in: " << text;
    }
  }
}

// F09
TEST_P(FutureTest, RefusesToFinishTwiceAndNamesAllThreePlaces) {
  const unsigned first = __LINE__ + 1;
  Promise<int> promise(context_);
  promise.complete(1);
  expectRefusal([&] { promise.complete(2); }, {first, first + 1, first + 2});
  expectRefusal([&] { promise.fail(std::logic_error("late")); }, {first, first + 1, first + 3});
  expectRefusal([&] { promise.cancel(); }, {first, first + 1, first + 4});
  EXPECT_EQ(promise.future().read(), 1);

  const unsigned other = __LINE__ + 1;
  Promise<> failed(context_);
  failed.fail(std::runtime_error("first"));
  expectRefusal([&] { failed.complete(); }, {other, other + 1, other + 2});
  expectRefusal([&] { failed.fail(std::logic_error("late")); }, {other, other + 1, other + 3});
  expectRefusal([&] { failed.cancel(); }, {other, other + 1, other + 4});
  EXPECT_THROW(failed.future().read(), std::runtime_error);
}

// F10
TEST_P(FutureTest, KeepsTypeAndMessageOfAnError) {
  Promise<int> promise(context_);
  promise.fail(std::out_of_range("beyond"));
  try {
    promise.future().read();
    ADD_FAILURE() << "nothing was thrown";
  } catch (const std::out_of_range& error) {
    EXPECT_STREQ(error.what(), "beyond");
  }
  Promise<int> other(context_);
  EXPECT_THROW(other.fail(std::exception_ptr()), FutureError);
  other.complete(1);
}

// F11, F12
TEST_P(FutureTest, SaysWhatItIs) {
  Promise<int> promise(context_);
  Future<int> future = promise.future();
  EXPECT_FALSE(future.finished() || future.completed() || future.failed() || future.cancelled());
  EXPECT_THROW(future.read(), PendingError);
  EXPECT_THROW(future.readError(), PendingError);

  promise.complete(3);
  EXPECT_TRUE(future.finished() && future.completed());
  EXPECT_FALSE(future.failed() || future.cancelled());
  EXPECT_EQ(future.read(), 3);
  EXPECT_THROW(future.readError(), NoErrorError);
}

// F11, F12
TEST_P(FutureTest, SaysWhatItIsWithoutAValue) {
  Promise<int> failing(context_);
  failing.fail(std::runtime_error("broken"));
  Future<int> failed = failing.future();
  EXPECT_TRUE(failed.finished() && failed.failed());
  EXPECT_FALSE(failed.completed() || failed.cancelled());
  EXPECT_THROW(failed.read(), std::runtime_error);
  EXPECT_THROW(std::rethrow_exception(failed.readError()), std::runtime_error);

  Promise<int> cancelling(context_);
  cancelling.cancel();
  Future<int> cancelled = cancelling.future();
  EXPECT_TRUE(cancelled.finished() && cancelled.cancelled());
  EXPECT_FALSE(cancelled.completed() || cancelled.failed());
  EXPECT_THROW(cancelled.read(), CancelledError);
  EXPECT_THROW(cancelled.readError(), CancelledError);
}

// F39
TEST_P(FutureTest, LetsAProducerGoOnAfterACancel) {
  Promise<int> promise(context_);
  Future<int> future = promise.future();
  EXPECT_TRUE(future.tryCancel());
  EXPECT_FALSE(promise.complete(1));
  EXPECT_FALSE(promise.fail(std::runtime_error("late")));
  EXPECT_FALSE(promise.cancel());
  EXPECT_TRUE(future.cancelled());
}

Future<std::size_t> sizeOf(FutureContext&, const Future<std::string>& text) {
  co_return (co_await text).size();
}

// What it is a handle to can be looked at whatever it is itself.
TEST_P(FutureTest, IsReadAndAwaitedThoughItIsConst) {
  Promise<std::string> promise(context_);
  const Future<std::string> text = promise.future();
  Future<std::size_t> size = sizeOf(context_, text);
  promise.complete("four");
  settle();
  EXPECT_EQ(size.read(), 4U);
  EXPECT_EQ(text.read(), "four") << "it was not moved from";
}

TEST_P(FutureTest, IsMadeOfAResultThatIsKnown) {
  const std::string text = "known";
  Future<std::string> known = completedFuture(context_, text);
  EXPECT_TRUE(known.completed());
  EXPECT_EQ(known.read(), text);
  EXPECT_EQ(*completedFuture(context_, std::make_unique<int>(3)).read(), 3);
  EXPECT_TRUE(completedFuture(context_).completed());
}

TEST_P(FutureTest, IsEqualToItsOtherHandles) {
  Promise<int> promise(context_);
  Promise<int> other(context_);
  const FutureBase future = promise.future();
  EXPECT_TRUE(future == promise.future());
  EXPECT_FALSE(future == other.future());
  EXPECT_FALSE(future == FutureBase());
  EXPECT_TRUE(Future<int>() == FutureBase());
}

TEST_P(FutureTest, FailsWhenItsPromiseIsDropped) {
  Future<int> future;
  {
    Promise<int> promise(context_);
    future = promise.future();
  }
  EXPECT_THROW(future.read(), BrokenPromiseError);
}

// One that is assigned to, at once.
TEST_P(FutureTest, BreaksThePromiseThatIsAssignedTo) {
  Promise<int> promise(context_);
  Promise<int> other(context_);
  Future<int> first = promise.future();
  Future<int> second = other.future();
  promise = std::move(other);
  EXPECT_THROW(first.read(), BrokenPromiseError);
  promise.complete(2);
  EXPECT_EQ(second.read(), 2);
}

}  // namespace
}  // namespace kairos
