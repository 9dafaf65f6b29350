// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/futures-addon/async_event_queue.h"

#include <array>
#include <chrono>
#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "kairos/futures-addon/as_future.h"
#include "kairos/futures-addon/error.h"
#include "kairos/tests/futures-addon/fixture.h"
#include "kairos/tests/support/no_access.h"

namespace kairos {
namespace {

using Events = std::vector<int>;
using Queue = AsyncEventQueue<int>;

class AsyncEventQueueTest : public FutureTest {
 protected:
  Future<std::optional<int>> next(Queue::Reader& reader) {
    return asFuture(context_, reader.next());
  }
  Future<Events> take(Queue::Reader& reader, std::size_t count) {
    return asFuture(context_, reader.take(count));
  }
  static Events takeNow(Queue::Reader& reader) {
    Events events;
    while (auto event = reader.tryNext()) events.push_back(*event);
    return events;
  }
  static void emit(Queue& queue, int first, int last) {
    for (int i = first; i <= last; ++i) queue.emit(i);
  }

  Queue queue_{context_};
};

INSTANTIATE_TEST_SUITE_P(Backends, AsyncEventQueueTest, backends(), backendName);

// F80
TEST_P(AsyncEventQueueTest, ShowsAllEventsToAllReaders) {
  queue_.emit(0);
  EXPECT_EQ(queue_.size(), 0U) << "nobody reads";
  Queue::Reader first(queue_);
  Queue::Reader second(queue_);
  Future<std::optional<int>> waiting = next(first);
  queue_.emit(1);
  EXPECT_FALSE(waiting.finished());
  Queue::Reader late(queue_);
  queue_.emit(2);
  settle();
  EXPECT_EQ(waiting.read(), 1);
  EXPECT_EQ(takeNow(first), Events{2});
  EXPECT_EQ(takeNow(second), (Events{1, 2}));
  EXPECT_EQ(takeNow(late), Events{2});
  EXPECT_EQ(queue_.size(), 0U);
}

// F80: empty is the end, whoever looks in between.
TEST_P(AsyncEventQueueTest, KeepsAnEventForWhoHasWaited) {
  Queue::Reader reader(queue_);
  Future<std::optional<int>> waiting = next(reader);
  emit(queue_, 1, 2);
  EXPECT_EQ(reader.tryNext(), std::nullopt) << "it is handed over";
  EXPECT_THROW(next(reader).read(), FutureError) << "one at a time";
  settle();
  EXPECT_EQ(waiting.read(), 1);
  EXPECT_EQ(reader.tryNext(), 2);
}

// F80
TEST_P(AsyncEventQueueTest, WaitsForAnExactNumber) {
  Queue::Reader reader(queue_);
  Future<Events> three = take(reader, 3);
  emit(queue_, 1, 2);
  settle();
  EXPECT_FALSE(three.finished());
  emit(queue_, 3, 5);
  settle();
  EXPECT_EQ(three.read(), (Events{1, 2, 3}));
  EXPECT_EQ(reader.size(), 2U);
  EXPECT_EQ(take(reader, 2).read(), (Events{4, 5}));
  EXPECT_EQ(take(reader, 0).read(), Events{});
}

// F80
TEST_P(AsyncEventQueueTest, EndsForAllWhenItIsClosed) {
  Queue::Reader first(queue_);
  Queue::Reader second(queue_);
  Future<Events> many = take(first, 10);
  Future<std::optional<int>> one = next(second);
  queue_.emit(1);
  Queue::Reader third(queue_);
  Queue::Reader fourth(queue_);
  Future<std::optional<int>> none = next(third);
  Future<Events> nothing = take(fourth, 2);
  settle();
  EXPECT_FALSE(many.finished() || none.finished() || nothing.finished());
  queue_.close();
  settle();
  EXPECT_EQ(many.read(), Events{1});
  EXPECT_EQ(one.read(), 1);
  EXPECT_EQ(none.read(), std::nullopt);
  EXPECT_EQ(nothing.read(), Events{});
  EXPECT_EQ(next(second).read(), std::nullopt);
  EXPECT_TRUE(first.hasEnded());
  EXPECT_THROW(queue_.emit(2), FutureError);
  EXPECT_THROW(queue_.close(), FutureError);
}

// F80
TEST_P(AsyncEventQueueTest, EndsForAReaderThatLeaves) {
  Queue::Reader reader(queue_);
  Queue::Reader other(queue_);
  Future<std::optional<int>> waiting = next(reader);
  reader.unregister();
  reader.unregister();
  EXPECT_EQ(queue_.readers(), 1U);
  queue_.emit(1);
  settle();
  EXPECT_EQ(waiting.read(), std::nullopt);
  EXPECT_EQ(takeNow(other), Events{1});
}

// F80
TEST_P(AsyncEventQueueTest, WakesWithWhatThereIsAWaiterWhoseReaderLeaves) {
  Queue::Reader reader(queue_);
  Queue::Reader other(queue_);
  Future<Events> waiting = take(reader, 3);
  Future<std::optional<int>> woken = next(other);
  emit(queue_, 1, 2);
  reader.unregister();
  other.unregister();
  queue_.emit(3);
  EXPECT_EQ(queue_.readers(), 0U);
  EXPECT_EQ(queue_.size(), 2U);
  settle();
  EXPECT_EQ(waiting.read(), (Events{1, 2}));
  EXPECT_EQ(woken.read(), 1);
  EXPECT_EQ(takeNow(other), Events{2});
  EXPECT_EQ(queue_.size(), 0U);
}

// F80, F82
TEST_P(AsyncEventQueueTest, KeepsNothingForAReaderThatHasLeft) {
  Queue queue(context_, 2);
  Queue::Reader idle(queue);
  Queue::Reader woken(queue);
  Queue::Reader slow(queue);
  Turn turn;
  Probe never;
  woken.wait(turn, 2, Probe::run, &never);
  Future<Events> late = take(slow, 3);
  emit(queue, 1, 2);
  idle.unregister();
  EXPECT_EQ(idle.tryNext(), std::nullopt);
  woken.unregister();
  turn.forget();
  EXPECT_EQ(woken.tryNext(), std::nullopt);
  EXPECT_EQ(queue.size(), 2U);
  slow.unregister();
  emit(queue, 3, 5);
  EXPECT_EQ(queue.size(), 2U) << "nobody reads any more, so that nothing comes over the limit";
  settle();
  EXPECT_EQ(late.read(), (Events{1, 2}));
  EXPECT_EQ(queue.size(), 0U);
}

// F81
TEST_P(AsyncEventQueueTest, DropsWhatIsOverTheLimitForThoseWhoLeaveToo) {
  Queue queue(context_, 2);
  Queue::Reader slow(queue);
  Queue::Reader fast(queue);
  Future<Events> late = take(slow, 3);
  emit(queue, 1, 2);
  EXPECT_EQ(takeNow(fast), (Events{1, 2}));
  slow.unregister();
  queue.emit(3);
  EXPECT_EQ(queue.size(), 1U);
  settle();
  EXPECT_THROW(late.read(), OverflowError);
  emit(queue, 4, 4);
  EXPECT_EQ(takeNow(fast), (Events{3, 4}));
  EXPECT_EQ(queue.size(), 0U) << "nothing is kept for who has left";
}

TEST_P(AsyncEventQueueTest, HasOneWaitAtATimeForAReader) {
  Queue::Reader reader(queue_);
  Future<std::optional<int>> waiting = next(reader);
  Future<std::optional<int>> refused = next(reader);
  EXPECT_THROW(refused.read(), FutureError);
  EXPECT_TRUE(waiting.tryCancel());
  settle();
  queue_.emit(1);
  EXPECT_EQ(next(reader).read(), 1) << "a cancelled wait loses nothing";
}

// F81: a slow reader loses what it has not read, and the others nothing.
TEST_P(AsyncEventQueueTest, DropsWhoIsTooSlow) {
  Queue queue(context_, 4);
  Queue::Reader fast(queue);
  Queue::Reader slow(queue);
  std::vector<std::size_t> lengths;
  for (int i = 1; i <= 8; ++i) {
    queue.emit(i);
    EXPECT_EQ(fast.tryNext(), i);
    lengths.push_back(queue.size());
  }
  EXPECT_EQ(lengths, (std::vector<std::size_t>{1, 2, 3, 4, 0, 0, 0, 0}));
  EXPECT_EQ(slow.size(), 0U);
  EXPECT_THROW(slow.tryNext(), OverflowError);
  EXPECT_EQ(slow.tryNext(), std::nullopt) << "it is told once, and goes on from there";
  emit(queue, 9, 10);
  EXPECT_EQ(takeNow(slow), (Events{9, 10}));
  EXPECT_EQ(takeNow(fast), (Events{9, 10}));
  EXPECT_EQ(queue.size(), 0U);
}

// Registers five readers, one before each of the first five events; five events later the first of
// them is too slow, and so on. Returns how many events were kept after each.
std::vector<std::size_t> overflowOneByOne(Queue& queue, std::deque<Queue::Reader>& readers,
                                          int events) {
  std::vector<std::size_t> lengths;
  for (int i = 1; i <= events; ++i) {
    if (i <= 5) readers.emplace_back(queue);
    queue.emit(i);
    lengths.push_back(queue.size());
  }
  return lengths;
}

// F81: of several who began one after the other, each is too slow when its own time has come.
TEST_P(AsyncEventQueueTest, DropsThoseWhoAreTooSlowOneByOne) {
  Queue queue(context_, 4);
  std::deque<Queue::Reader> readers;
  const std::vector<std::size_t> lengths{1, 2, 3, 4, 4, 4, 4, 4};
  EXPECT_EQ(overflowOneByOne(queue, readers, 8), lengths);
  EXPECT_EQ(takeNow(readers[4]), (Events{5, 6, 7, 8})) << "this one was not";
  EXPECT_EQ(queue.size(), 0U) << "nothing is kept for the others";
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_THROW(readers[i].tryNext(), OverflowError);
    EXPECT_EQ(readers[i].tryNext(), std::nullopt);
  }
  emit(queue, 9, 9);
  for (Queue::Reader& reader : readers) EXPECT_EQ(takeNow(reader), Events{9});
  EXPECT_EQ(queue.size(), 0U);
}

// F81: when all are, nothing is kept, until one has been told.
TEST_P(AsyncEventQueueTest, KeepsNothingWhenAllAreTooSlow) {
  Queue queue(context_, 4);
  std::deque<Queue::Reader> readers;
  const std::vector<std::size_t> lengths{1, 2, 3, 4, 4, 4, 4, 4, 0, 0, 0, 0};
  EXPECT_EQ(overflowOneByOne(queue, readers, 12), lengths);
  EXPECT_THROW(readers[2].tryNext(), OverflowError);
  emit(queue, 13, 14);
  EXPECT_EQ(queue.size(), 2U);
  EXPECT_EQ(takeNow(readers[2]), (Events{13, 14}));
  EXPECT_EQ(queue.size(), 0U);
  for (const std::size_t i : {0U, 1U, 3U, 4U}) EXPECT_THROW(readers[i].tryNext(), OverflowError);
}

// F81: of who has overflowed, and leaves before it is told.
TEST_P(AsyncEventQueueTest, CountsThoseWhoLeaveAfterAnOverflow) {
  Queue queue(context_, 1);
  Queue::Reader stays(queue);
  {
    Queue::Reader goes(queue);
    Queue::Reader ends(queue);
    queue.emit(1);
    EXPECT_EQ(stays.tryNext(), 1);
    queue.emit(2);
    ends.unregister();
    EXPECT_EQ(queue.readers(), 2U);
    EXPECT_THROW(ends.tryNext(), OverflowError);
    EXPECT_EQ(ends.tryNext(), std::nullopt);
    EXPECT_TRUE(ends.hasEnded());
  }
  EXPECT_EQ(queue.readers(), 1U);
  EXPECT_EQ(queue.size(), 1U) << "not theirs to drop";
  EXPECT_EQ(stays.tryNext(), 2);
  queue.emit(3);
  EXPECT_EQ(stays.tryNext(), 3);
  EXPECT_EQ(queue.size(), 0U);
}

// F81: of who has overflowed, and has no queue any more when it is told.
TEST_P(AsyncEventQueueTest, TellsOfAnOverflowAfterTheEnd) {
  std::optional<Queue> queue(std::in_place, context_, 1);
  Queue::Reader reader(*queue);
  Queue::Reader waits(*queue);
  Future<Events> waiting = take(waits, 2);
  emit(*queue, 1, 2);
  queue.reset();
  EXPECT_THROW(reader.tryNext(), OverflowError);
  EXPECT_EQ(reader.tryNext(), std::nullopt);
  settle();
  EXPECT_THROW(waiting.read(), OverflowError);
  EXPECT_EQ(waits.tryNext(), std::nullopt);
}

// F81
TEST_P(AsyncEventQueueTest, WakesWhoWaitsForMoreThanTheLimit) {
  Queue queue(context_, 4);
  Queue::Reader reader(queue);
  Future<Events> waiting = take(reader, 10);
  emit(queue, 1, 5);
  settle();
  EXPECT_THROW(waiting.read(), OverflowError);
  queue.emit(6);
  EXPECT_EQ(next(reader).read(), 6);
}

// F82
TEST_P(AsyncEventQueueTest, KeepsWhatTheSlowestHasNotRead) {
  std::deque<Queue::Reader> readers;
  readers.emplace_back(queue_);
  emit(queue_, 1, 3);
  readers.emplace_back(queue_);
  emit(queue_, 4, 12);
  EXPECT_EQ(queue_.size(), 12U);
  EXPECT_EQ(takeNow(readers[0]).size(), 12U);
  EXPECT_EQ(queue_.size(), 9U);
  readers.pop_back();
  EXPECT_EQ(queue_.size(), 0U);
}

// An event of several pages, which tells of its copies and moves.
struct LargeEvent {
  struct Counts {
    std::size_t copies = 0;
    std::size_t moves = 0;
    const LargeEvent* original = nullptr;  // of the last copy
  };

  explicit LargeEvent(Counts& ofAll) : counts(&ofAll) {}
  LargeEvent(const LargeEvent& other) : counts(other.counts) {
    ++counts->copies;
    counts->original = &other;
  }
  LargeEvent(LargeEvent&& other) noexcept : counts(other.counts) { ++counts->moves; }
  LargeEvent& operator=(const LargeEvent&) = delete;
  ~LargeEvent() = default;

  Counts* counts;
  std::array<char, 16384> bytes;
};

// F82: each reader copies each event once, and what is kept is moved in proportion, though all of
// it waits for one.
TEST_P(AsyncEventQueueTest, MovesEventsInProportion) {
  const auto movesOf = [this](std::size_t events) {
    LargeEvent::Counts counts;
    AsyncEventQueue<LargeEvent> queue(context_);
    std::deque<AsyncEventQueue<LargeEvent>::Reader> readers;
    for (int i = 0; i < 10; ++i) readers.emplace_back(queue);
    for (std::size_t i = 0; i < events; ++i) {
      queue.emit(LargeEvent(counts));
      for (std::size_t each = 1; each < readers.size(); ++each) readers[each].tryNext();
    }
    EXPECT_EQ(queue.size(), events);
    while (readers.front().tryNext()) {
    }
    EXPECT_EQ(queue.size(), 0U);
    EXPECT_EQ(counts.copies, events * readers.size());
    return counts.moves;
  };
  EXPECT_LE(movesOf(1024), 2 * movesOf(512) + 16);
}

// F82: to emit, to read and to drop one, nothing of the others is looked at, but of the next.
TEST_P(AsyncEventQueueTest, TouchesOneEventHoweverManyAreKept) {
  constexpr std::size_t kept = 100;  // and there is room for one more
  LargeEvent::Counts counts;
  AsyncEventQueue<LargeEvent> queue(context_);
  AsyncEventQueue<LargeEvent>::Reader slow(queue);
  AsyncEventQueue<LargeEvent>::Reader fast(queue);
  for (std::size_t i = 0; i < kept; ++i) queue.emit(LargeEvent(counts));
  std::vector<const char*> places;
  for (std::size_t i = 0; i < kept / 2; ++i) {
    EXPECT_TRUE(fast.tryNext());
    places.push_back(reinterpret_cast<const char*>(counts.original));
  }
  const auto stride = static_cast<std::size_t>(places[1] - places[0]);
  const auto place = [&](std::size_t i) { return places[0] + stride * i; };
  EXPECT_EQ(places.back(), place(kept / 2 - 1));
  const NoAccess before(place(2), place(kept / 2));
  const NoAccess behind(place(kept / 2 + 1), place(kept));
  EXPECT_GT(before.pages(), kept);
  EXPECT_GT(behind.pages(), kept);
  queue.emit(LargeEvent(counts));
  EXPECT_TRUE(fast.tryNext());
  EXPECT_TRUE(slow.tryNext());
  EXPECT_EQ(queue.size(), kept);
}

TEST_P(AsyncEventQueueTest, IsUsedWithCallbacks) {
  Queue::Reader reader(queue_);
  Turn turn;
  Probe probe;
  reader.wait(turn, 2, Probe::run, &probe);
  EXPECT_THROW(reader.wait(turn, 2, Probe::run, &probe), FutureError);
  queue_.emit(1);
  settle();
  EXPECT_EQ(probe.runs(), 0U);
  queue_.emit(2);
  settle();
  EXPECT_EQ(probe.runs(), 1U);
  EXPECT_EQ(takeNow(reader), (Events{1, 2}));
}

TEST_P(AsyncEventQueueTest, EndsWhenEitherIsDestroyed) {
  std::optional<Queue> queue(std::in_place, context_);
  std::optional<Queue::Reader> first(std::in_place, *queue);
  Queue::Reader second(*queue);
  Future<std::optional<int>> ofFirst = next(*first);
  Future<std::optional<int>> ofSecond = next(second);
  first.reset();
  queue.reset();
  settle();
  EXPECT_THROW(ofFirst.read(), FutureError);
  EXPECT_EQ(ofSecond.read(), std::nullopt);
  EXPECT_TRUE(second.hasEnded());
}

// An event that holds a reader of its queue, which goes with it.
struct Owner {
  std::unique_ptr<AsyncEventQueue<std::shared_ptr<Owner>>::Reader> reader;
};
using OwnerQueue = AsyncEventQueue<std::shared_ptr<Owner>>;

std::shared_ptr<Owner> ownerOf(OwnerQueue& queue) {
  return std::make_shared<Owner>(Owner{std::make_unique<OwnerQueue::Reader>(queue)});
}

// F81, F82
TEST_P(AsyncEventQueueTest, LetsAReaderGoWithAnEvent) {
  OwnerQueue queue(context_, 1);
  OwnerQueue::Reader slow(queue);
  queue.emit(ownerOf(queue));
  queue.emit(nullptr);
  EXPECT_EQ(queue.readers(), 1U);
  EXPECT_EQ(queue.size(), 0U);
  EXPECT_THROW(slow.tryNext(), OverflowError);

  OwnerQueue unlimited(context_);
  std::optional<OwnerQueue::Reader> last(std::in_place, unlimited);
  std::shared_ptr<Owner> owner = ownerOf(unlimited);
  OwnerQueue::Reader& owned = *owner->reader;
  unlimited.emit(std::move(owner));
  EXPECT_TRUE(owned.tryNext().has_value());
  unlimited.emit(nullptr);
  last.reset();
  EXPECT_EQ(unlimited.readers(), 0U);
  EXPECT_EQ(unlimited.size(), 0U);
}

// An event that emits others when it goes, before it has gone.
struct LastWords {
  ~LastWords() {
    for (int i = 0; i < 9; ++i) queue.emit({});
  }
  AsyncEventQueue<std::vector<std::shared_ptr<LastWords>>>& queue;
};

TEST_P(AsyncEventQueueTest, LetsAnEventThatGoesEmitOthers) {
  AsyncEventQueue<std::vector<std::shared_ptr<LastWords>>> queue(context_);
  decltype(queue)::Reader fast(queue);
  std::optional<decltype(queue)::Reader> slow(std::in_place, queue);
  queue.emit({std::shared_ptr<LastWords>(new LastWords{queue})});
  EXPECT_EQ(fast.tryNext()->size(), 1U);
  slow.reset();
  EXPECT_EQ(queue.size(), 9U);
  while (const auto event = fast.tryNext()) EXPECT_TRUE(event->empty());
  EXPECT_EQ(queue.size(), 0U);
}

}  // namespace
}  // namespace kairos
