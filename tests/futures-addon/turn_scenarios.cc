// SPDX-License-Identifier: MIT OR Apache-2.0
// Every kind of wait for a turn.
#include <algorithm>
#include <chrono>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "kairos/futures-addon/async_event.h"
#include "kairos/futures-addon/async_event_queue.h"
#include "kairos/futures-addon/async_lock.h"
#include "kairos/futures-addon/async_queue.h"
#include "kairos/futures-addon/async_semaphore.h"
#include "kairos/futures-addon/future_stream.h"
#include "kairos/futures-addon/sleep.h"
#include "kairos/futures-addon/token_bucket.h"
#include "kairos/tests/futures-addon/stage.h"

namespace kairos {
namespace {

Future<> sleepOne(Stage& stage) {
  return sleepAsync(stage.futureContext(), std::chrono::milliseconds(1));
}

// ---- Of three, the second is cancelled

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

// By the guard of a place of two.
Future<> guardTwice(Stage& stage, std::shared_ptr<AsyncSemaphore> semaphore, char letter) {
  const Stage::Scope scope(stage);
  for (int i = 0; i < 2; ++i) {
    auto guard = co_await semaphore->guard();
    stage.log += letter;
    stage.step();
    co_await sleepOne(stage);
    if (i == 0) guard.release();
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

// From the other end, to which they are put.
Future<> takeFromTheEnd(Stage& stage, std::shared_ptr<Items> queue, char) {
  const Stage::Scope scope(stage);
  for (;;) {
    const std::string item = co_await queue->popLast();
    if (item == "end") break;
    stage.log += item;
    stage.step();
  }
}
Future<> putInFront(Stage& stage, std::shared_ptr<Items> queue) {
  for (const char* item : {"1", "2", "3", "4", "5", "6", "end", "end", "end"}) {
    co_await queue->addFirst(item);
    stage.step();
    if (*item == '4') co_await sleepOne(stage);
  }
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

// Reads all, of which the end is an error.
Future<> readToTheError(Stage& stage, std::shared_ptr<Stream> stream) {
  const Stage::Scope scope(stage);
  try {
    co_await readAll(stage.futureContext(), *stream);
    ADD_FAILURE() << "it has failed";
  } catch (const std::runtime_error&) {
    stage.step();
  }
}
Future<> failStream(Stage& stage, std::shared_ptr<Stream> stream) {
  for (const char* item : {"1", "2", "3"}) {
    co_await stream->write(item);
    stage.step();
    co_await sleepOne(stage);
  }
  stream->fail(std::make_exception_ptr(std::runtime_error("broken")));
}

// Falls behind, and goes on with what comes then.
Future<> readTooSlowly(Stage& stage, std::shared_ptr<Events> events) {
  const Stage::Scope scope(stage);
  Events::Reader reader(*events);
  for (bool hasEnded = false; !hasEnded;) {
    try {
      hasEnded = (co_await reader.take(4)).size() < 4;
    } catch (const OverflowError&) {
    }
    stage.step();
  }
}

}  // namespace

const std::vector<StageScenario> turnScenarios = {
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
    {"guards",
     [](Stage& stage) {
       startThree(stage, std::make_shared<AsyncSemaphore>(stage.futureContext(), 2), guardTwice);
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
    {"takers from the end",
     [](Stage& stage) {
       const auto queue = std::make_shared<Items>(stage.futureContext(), 2);
       startThree(stage, queue, takeFromTheEnd);
       stage.add(putInFront(stage, queue));
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
    {"broken stream",
     [](Stage& stage) {
       const auto stream = std::make_shared<Stream>(stage.futureContext(), 1);
       stage.setRoot(readToTheError(stage, stream));
       stage.add(failStream(stage, stream));
     }},
    {"overflow",
     [](Stage& stage) {
       const auto events = std::make_shared<Events>(stage.futureContext(), 3);
       stage.setRoot(readTooSlowly(stage, events));
       stage.add(emitEvents(stage, events));
     }},
};

}  // namespace kairos
