// SPDX-License-Identifier: MIT OR Apache-2.0
// Every kind of wait that needs no transport.
#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "kairos/futures-addon/async_event.h"
#include "kairos/futures-addon/async_event_queue.h"
#include "kairos/futures-addon/async_lock.h"
#include "kairos/futures-addon/async_queue.h"
#include "kairos/futures-addon/async_semaphore.h"
#include "kairos/futures-addon/cancel.h"
#include "kairos/futures-addon/future_stream.h"
#include "kairos/futures-addon/group.h"
#include "kairos/futures-addon/sleep.h"
#include "kairos/futures-addon/timeout.h"
#include "kairos/futures-addon/token_bucket.h"
#include "kairos/tests/futures-addon/stage.h"

namespace kairos {
namespace {

using std::chrono::milliseconds;

Future<> sleepOne(Stage& stage) { return sleepAsync(stage.futureContext(), milliseconds(1)); }

Future<int> sleeps(Stage& stage, int times) {
  const Stage::Scope scope(stage);
  for (int i = 0; i < times; ++i) {
    co_await sleepOne(stage);
    stage.step();
  }
  co_return times;
}

// ---- Sleeps, limits, groups

Future<> chain(Stage& stage, int depth) {
  const Stage::Scope scope(stage);
  stage.step();
  if (depth > 0) co_await chain(stage, depth - 1);
  co_await sleepOne(stage);
  stage.step();
}

Future<> limits(Stage& stage) {
  const Stage::Scope scope(stage);
  EXPECT_EQ(co_await wait(sleeps(stage, 2), milliseconds(10)), 2);
  EXPECT_TRUE(co_await withTimeout(sleeps(stage, 2), milliseconds(10)));
  EXPECT_FALSE(co_await withTimeout(sleeps(stage, 2), milliseconds(1)));
  stage.step();
  Future<int> inner = wait(sleeps(stage, 3), milliseconds(2));
  EXPECT_TRUE(co_await withTimeout(inner, milliseconds(5)));
  stage.step();
  EXPECT_FALSE(co_await withTimeout(sleeps(stage, 1), milliseconds(0)));
  stage.step();
}

Future<> groups(Stage& stage) {
  const Stage::Scope scope(stage);
  co_await (sleeps(stage, 1) and sleeps(stage, 2));
  stage.step();
  co_await (sleeps(stage, 1) or sleeps(stage, 2));
  co_await join(sleeps(stage, 1));
  co_await allFutures(sleeps(stage, 1), sleeps(stage, 2), sleepOne(stage));
  FutureContext& context = stage.futureContext();
  std::vector<Future<int>> some{sleeps(stage, 1), sleeps(stage, 3)};
  EXPECT_EQ((co_await one(context, some)).read(), 1);
  stage.step();
  some = co_await allFinished(context, std::move(some));
  std::vector<FutureBase> any{sleepOne(stage), sleeps(stage, 2)};
  co_await race(context, std::move(any));
  stage.step();
  const Future<int> cancelled = sleeps(stage, 5);
  co_await cancelAndWait(cancelled);
  stage.step();
}

Future<> shielded(Stage& stage) {
  const Stage::Scope scope(stage);
  for (int i = 0; i < 3; ++i) {
    co_await noCancel(sleeps(stage, 2));
    stage.step();
  }
  co_await withTimeout(noCancel(sleeps(stage, 2)), milliseconds(1));
  stage.step();
}

// Takes one request for itself, and waits for something then.
Future<> stubborn(Stage& stage) {
  const Stage::Scope scope(stage);
  try {
    co_await sleeps(stage, 2);
  } catch (const CancelledError&) {
    stage.step();
  }
  if (stage.isOver()) co_return;
  co_await sleeps(stage, 2);
}

// ---- Turns: of three, the second is cancelled

template <class Thing, class Work>
void startThree(Stage& stage, std::shared_ptr<Thing> thing, Work work) {
  stage.add(work(stage, thing, 'a'));
  stage.setRoot(work(stage, thing, 'b'));
  stage.add(work(stage, thing, 'c'));
}

Future<> lockTwice(Stage& stage, std::shared_ptr<AsyncLock> lock, char letter) {
  const Stage::Scope scope(stage);
  for (int i = 0; i < 2; ++i) {
    const auto guard = co_await lock->guard();
    stage.log += letter;
    stage.step();
    co_await sleepOne(stage);
    stage.step();
  }
}

Future<> acquireTwice(Stage& stage, std::shared_ptr<AsyncSemaphore> semaphore, char letter) {
  const Stage::Scope scope(stage);
  struct Release {
    ~Release() { semaphore.release(); }
    AsyncSemaphore& semaphore;
  };
  for (int i = 0; i < 2; ++i) {
    co_await semaphore->acquire();
    const Release release{*semaphore};
    stage.log += letter;
    stage.step();
    co_await sleepOne(stage);
    stage.step();
  }
}

Future<> awaitEvent(Stage& stage, std::shared_ptr<AsyncEvent> event, char letter) {
  const Stage::Scope scope(stage);
  for (int i = 0; i < 3; ++i) {
    co_await event->wait();
    stage.log += letter;
    stage.step();
  }
}
Future<> fireThrice(Stage& stage, std::shared_ptr<AsyncEvent> event) {
  for (int i = 0; i < 3; ++i) {
    co_await sleepOne(stage);
    event->fire();
    event->clear();
    stage.step();
  }
}

Future<> consumeTwice(Stage& stage, std::shared_ptr<TokenBucket> bucket, char letter) {
  const Stage::Scope scope(stage);
  for (int i = 0; i < 2; ++i) {
    co_await bucket->consume(3);
    stage.log += letter;
    stage.step();
  }
}
Future<> replenish(Stage& stage, std::shared_ptr<TokenBucket> bucket) {
  for (int i = 0; i < 8; ++i) {
    co_await sleepOne(stage);
    bucket->replenish(2);
    stage.step();
  }
}

// ---- Items: what is taken and what is left is what was put

using Items = AsyncQueue<std::string>;

Future<> takeItems(Stage& stage, std::shared_ptr<Items> queue, char) {
  const Stage::Scope scope(stage);
  for (;;) {
    const std::string item = co_await queue->popFirst();
    if (item == "end") break;
    stage.log += item;
    stage.step();
  }
}
Future<> putItems(Stage& stage, std::shared_ptr<Items> queue) {
  for (const char* item : {"1", "2", "3", "4", "5", "6", "end", "end", "end"}) {
    co_await queue->addLast(item);
    stage.step();
    if (*item == '4') co_await sleepOne(stage);
  }
}

Future<> putLetters(Stage& stage, std::shared_ptr<Items> queue, char letter) {
  const Stage::Scope scope(stage);
  for (int i = 0; i < 3; ++i) {
    co_await queue->addLast(std::string(1, letter));
    stage.step();
  }
}
Future<> takeLetters(Stage& stage, std::shared_ptr<Items> queue) {
  while (std::count(stage.log.begin(), stage.log.end(), 'c') < 3) {
    co_await sleepOne(stage);
    while (auto item = queue->tryPopFirst()) stage.log += *item;
    stage.step();
  }
}
void expectLettersOfOthers(Stage& stage) {
  std::string others = stage.log;
  std::erase(others, 'b');
  EXPECT_EQ(others, "aaaccc");
}

// Each was handed to the next in turn, who may be busy when others come.
void expectEachItemOnce(Stage& stage) {
  std::string items = stage.log;
  std::sort(items.begin(), items.end());
  EXPECT_EQ(items, "123456");
}

using Stream = FutureStream<std::string>;

Future<> readStream(Stage& stage, std::shared_ptr<Stream> stream, char) {
  const Stage::Scope scope(stage);
  while (auto item = co_await stream->read()) {
    stage.log += *item;
    stage.step();
  }
  stage.step();
}
Future<> writeStream(Stage& stage, std::shared_ptr<Stream> stream) {
  for (const char* item : {"1", "2", "3", "4", "5", "6"}) {
    co_await stream->write(item);
    stage.step();
    if (*item == '4') co_await sleepOne(stage);
  }
  stream->complete();
}

using Events = AsyncEventQueue<int>;

Future<> readEvents(Stage& stage, std::shared_ptr<Events> events, char letter) {
  const Stage::Scope scope(stage);
  Events::Reader reader(*events);
  while (co_await reader.next()) {
    stage.log += letter;
    stage.step();
    static_cast<void>(co_await reader.take(2));
    stage.step();
  }
}
Future<> emitEvents(Stage& stage, std::shared_ptr<Events> events) {
  for (int i = 0; i < 6; ++i) {
    co_await sleepOne(stage);
    events->emit(i);
    stage.step();
  }
  events->close();
}

}  // namespace

const std::vector<StageScenario> waitScenarios = {
    {"chain", [](Stage& stage) { stage.setRoot(chain(stage, 4)); }},
    {"limits", [](Stage& stage) { stage.setRoot(limits(stage)); }},
    {"groups", [](Stage& stage) { stage.setRoot(groups(stage)); }},
    {"shielded", [](Stage& stage) { stage.setRoot(shielded(stage)); }},
    {"stubborn", [](Stage& stage) { stage.setRoot(stubborn(stage)); }},
    {"lock",
     [](Stage& stage) {
       startThree(stage, std::make_shared<AsyncLock>(stage.futureContext()), lockTwice);
     },
     [](Stage& stage) { expectInOrder(stage, "abcabc", 'b'); }},
    {"semaphore",
     [](Stage& stage) {
       startThree(stage, std::make_shared<AsyncSemaphore>(stage.futureContext(), 1), acquireTwice);
     },
     [](Stage& stage) { expectInOrder(stage, "abcabc", 'b'); }},
    {"event",
     [](Stage& stage) {
       const auto event = std::make_shared<AsyncEvent>(stage.futureContext());
       startThree(stage, event, awaitEvent);
       stage.add(fireThrice(stage, event));
     },
     [](Stage& stage) { expectInOrder(stage, "abcabcabc", 'b'); }},
    {"tokens",
     [](Stage& stage) {
       const auto bucket =
           std::make_shared<TokenBucket>(stage.futureContext(), TokenBucketOptions{.capacity = 2});
       startThree(stage, bucket, consumeTwice);
       stage.add(replenish(stage, bucket));
     },
     [](Stage& stage) { expectInOrder(stage, "abcabc", 'b'); }},
    {"takers",
     [](Stage& stage) {
       const auto queue = std::make_shared<Items>(stage.futureContext(), 1);
       startThree(stage, queue, takeItems);
       stage.add(putItems(stage, queue));
     },
     expectEachItemOnce},
    {"putters",
     [](Stage& stage) {
       const auto queue = std::make_shared<Items>(stage.futureContext(), 2);
       startThree(stage, queue, putLetters);
       stage.add(takeLetters(stage, queue));
     },
     expectLettersOfOthers},
    {"stream",
     [](Stage& stage) {
       const auto stream = std::make_shared<Stream>(stage.futureContext(), 1);
       startThree(stage, stream, readStream);
       stage.add(writeStream(stage, stream));
     },
     expectEachItemOnce},
    {"broadcast",
     [](Stage& stage) {
       const auto events = std::make_shared<Events>(stage.futureContext());
       startThree(stage, events, readEvents);
       stage.add(emitEvents(stage, events));
     },
     [](Stage& stage) { expectInOrder(stage, "abcabc", 'b'); }},
};

}  // namespace kairos
