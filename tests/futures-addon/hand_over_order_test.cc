// SPDX-License-Identifier: MIT OR Apache-2.0
// All orders of serving and cancelling inside one tick, of everything that is waited for in turn,
// against a model: whichever comes first wins, and what was given is never lost. IF3, IF9, F64,
// F73, F85
#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "kairos/futures-addon/async_event.h"
#include "kairos/futures-addon/async_lock.h"
#include "kairos/futures-addon/async_queue.h"
#include "kairos/futures-addon/async_semaphore.h"
#include "kairos/futures-addon/future_stream.h"
#include "kairos/futures-addon/token_bucket.h"
#include "kairos/tests/futures-addon/fixture.h"

namespace kairos {
namespace {

// Something that nobody can have at first, and for which several wait.
struct Thing {
  std::function<Future<>(std::string& text, char who)> wait;
  std::function<void()> serve;  // lets one go on, or the next who comes
  bool servesAll = false;       // but nobody who comes later
};

template <class Of, class Await>
Future<> waitOn(FutureContext&, std::shared_ptr<Of> of, Await await, std::string& text, char who) {
  co_await await(*of);
  text += who;
}

template <class Of, class Await>
auto waiting(FutureContext& context, std::shared_ptr<Of> of, Await await) {
  return [&context, of, await](std::string& text, char who) {
    return waitOn(context, of, await, text, who);
  };
}

Thing heldSemaphore(FutureContext& context) {
  const auto of = std::make_shared<AsyncSemaphore>(context, 8);
  while (of->tryAcquire()) {
  }
  return {waiting(context, of, [](AsyncSemaphore& it) { return it.acquire(); }),
          [of] { of->release(); }};
}

Thing emptyQueue(FutureContext& context) {
  const auto of = std::make_shared<AsyncQueue<int>>(context);
  return {waiting(context, of, [](AsyncQueue<int>& it) { return it.popFirst(); }),
          [of] { EXPECT_TRUE(of->tryAddLast(1)); }};
}

Thing fullQueue(FutureContext& context) {
  const auto of = std::make_shared<AsyncQueue<int>>(context, 1);
  EXPECT_TRUE(of->tryAddLast(0));
  return {waiting(context, of, [](AsyncQueue<int>& it) { return it.addLast(1); }),
          [of] { of->tryPopFirst(); }};
}

Thing emptyStream(FutureContext& context) {
  const auto of = std::make_shared<FutureStream<int>>(context);
  return {waiting(context, of, [](FutureStream<int>& it) { return it.read(); }),
          [of] { EXPECT_TRUE(of->tryWrite(1)); }};
}

Thing emptyBucket(FutureContext& context) {
  const auto of = std::make_shared<TokenBucket>(context, TokenBucketOptions{.capacity = 8});
  EXPECT_TRUE(of->tryConsume(8));
  return {waiting(context, of, [](TokenBucket& it) { return it.consume(2); }),
          [of] { of->replenish(2); }};
}

Thing clearEvent(FutureContext& context) {
  const auto of = std::make_shared<AsyncEvent>(context);
  return {waiting(context, of, [](AsyncEvent& it) { return it.wait(); }),
          [of] {
            of->fire();
            of->clear();
          },
          true};
}

// A lock that is released as often as it is held: the second time by who got it.
Thing heldLock(FutureContext& context) {
  const auto of = std::make_shared<AsyncLock>(context);
  EXPECT_TRUE(of->tryAcquire());
  return {waiting(context, of, [](AsyncLock& it) { return it.acquire(); }),
          [of] { of->release(); }};
}

// What the futures of a thing should make of the same events.
class Model {
 public:
  explicit Model(bool servesAll) : servesAll_(servesAll) {}

  void wait(char who) {
    if (free_ > 0) {
      --free_;
      served_ += who;
    } else {
      waiting_ += who;
    }
  }
  void serve() {
    do {
      if (waiting_.empty()) {
        free_ += servesAll_ ? 0 : 1;
        return;
      }
      served_ += waiting_.front();
      waiting_.erase(0, 1);
    } while (servesAll_);
  }
  // Asked again, it is the same request.
  bool cancel(char who) {
    const auto at = waiting_.find(who);
    if (at == std::string::npos) return served_.find(who) == std::string::npos;
    waiting_.erase(at, 1);
    return true;
  }
  const std::string& served() const { return served_; }
  const std::string& waiting() const { return waiting_; }

 private:
  const bool servesAll_;
  std::size_t free_ = 0;
  std::string waiting_;
  std::string served_;
};

// 's' serves, a number cancels that one.
class Trial {
 public:
  Trial(FutureContext& context, Thing (*make)(FutureContext&))
      : thing_(make(context)), model_(thing_.servesAll) {}

  void wait(char who) {
    model_.wait(who);
    futures_.push_back(thing_.wait(text_, who));
  }
  void happens(char event) {
    if (event == 's') {
      model_.serve();
      thing_.serve();
    } else {
      EXPECT_EQ(of(event).tryCancel(), model_.cancel(event));
    }
  }
  void expectAsInTheModel() {
    EXPECT_EQ(text_, model_.served());
    for (std::size_t i = 0; i < futures_.size(); ++i) {
      const char who = static_cast<char>('1' + i);
      const bool isServed = model_.served().find(who) != std::string::npos;
      const bool isWaiting = model_.waiting().find(who) != std::string::npos;
      EXPECT_EQ(futures_[i].completed(), isServed) << who;
      EXPECT_EQ(futures_[i].cancelled(), !isServed && !isWaiting) << who;
    }
  }
  void end() {
    for (Future<>& future : futures_) future.tryCancel();
  }

 private:
  Future<>& of(char who) { return futures_[static_cast<std::size_t>(who - '1')]; }

  Thing thing_;
  Model model_;
  std::string text_;
  std::vector<Future<>> futures_;
};

// All words of up to `length` events.
std::vector<std::string> words(std::size_t length, const std::string& events) {
  std::vector<std::string> all{""};
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (all[i].size() == length) continue;
    for (const char event : events) all.push_back(all[i] + event);
  }
  return all;
}

class HandOverOrderTest : public FutureTest {
 protected:
  void tryAll(Thing (*make)(FutureContext&), std::size_t length) {
    for (const bool isInCallback : {false, true}) {
      for (const std::string& events : words(length, "s12")) {
        SCOPED_TRACE(testing::Message() << events << (isInCallback ? " in a callback" : ""));
        tryOne(make, events, isInCallback);
      }
    }
  }

 private:
  void tryOne(Thing (*make)(FutureContext&), const std::string& events, bool isInCallback) {
    Trial trial(context_, make);
    for (const char who : {'1', '2', '3'}) trial.wait(who);
    Probe all([&] {
      for (const char event : events) trial.happens(event);
    });
    isInCallback ? context_.callSoon(Probe::run, &all) : Probe::run(&all);
    settle();
    trial.wait('4');
    trial.expectAsInTheModel();
    trial.end();
    settle();
  }
};

INSTANTIATE_TEST_SUITE_P(Backends, HandOverOrderTest, backends(), backendName);

TEST_P(HandOverOrderTest, OfSemaphores) { tryAll(heldSemaphore, 4); }
TEST_P(HandOverOrderTest, OfThoseWhoTake) { tryAll(emptyQueue, 4); }
TEST_P(HandOverOrderTest, OfThoseWhoPut) { tryAll(fullQueue, 4); }
TEST_P(HandOverOrderTest, OfReaders) { tryAll(emptyStream, 4); }
TEST_P(HandOverOrderTest, OfTokens) { tryAll(emptyBucket, 4); }
TEST_P(HandOverOrderTest, OfEvents) { tryAll(clearEvent, 4); }

// Whose hand-over cannot be followed by another before it has come to its end.
TEST_P(HandOverOrderTest, OfLocks) {
  for (const std::string& events : words(4, "s12")) {
    if (std::count(events.begin(), events.end(), 's') > 1) continue;
    SCOPED_TRACE(events);
    Trial trial(context_, heldLock);
    for (const char who : {'1', '2', '3'}) trial.wait(who);
    for (const char event : events) trial.happens(event);
    settle();
    trial.expectAsInTheModel();
    trial.end();
    settle();
  }
}

}  // namespace
}  // namespace kairos
