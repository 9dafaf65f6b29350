// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/futures-addon/future_stream.h"

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "kairos/futures-addon/as_future.h"
#include "kairos/futures-addon/error.h"
#include "kairos/tests/futures-addon/fixture.h"

namespace kairos {
namespace {

using Text = std::optional<std::string>;

class FutureStreamTest : public FutureTest {
 protected:
  Future<Text> read() { return asFuture(context_, stream_.read()); }

  FutureStream<std::string> stream_{context_};
};

INSTANTIATE_TEST_SUITE_P(Backends, FutureStreamTest, backends(), backendName);

// F76
TEST_P(FutureStreamTest, GivesItsItemsAndThenTheEnd) {
  EXPECT_TRUE(stream_.tryWrite("one"));
  EXPECT_TRUE(stream_.tryWrite(""));
  stream_.complete();
  EXPECT_TRUE(stream_.hasEnded());
  EXPECT_FALSE(stream_.finished());
  EXPECT_EQ(read().read(), "one");
  EXPECT_EQ(read().read(), "");
  EXPECT_TRUE(stream_.finished());
  EXPECT_EQ(read().read(), std::nullopt);
  EXPECT_EQ(read().read(), std::nullopt);
}

// F76
TEST_P(FutureStreamTest, EndsForThoseWhoWait) {
  Future<Text> first = read();
  Future<Text> second = read();
  Future<Text> third = read();
  EXPECT_TRUE(stream_.tryWrite("item"));
  stream_.complete();
  settle();
  EXPECT_EQ(first.read(), "item");
  EXPECT_EQ(second.read(), std::nullopt);
  EXPECT_EQ(third.read(), std::nullopt);
}

// F77
TEST_P(FutureStreamTest, FailsAfterItsItems) {
  EXPECT_TRUE(stream_.tryWrite("item"));
  stream_.fail(std::make_exception_ptr(std::out_of_range("broken")));
  EXPECT_EQ(read().read(), "item");
  EXPECT_THROW(read().read(), std::out_of_range);
  EXPECT_THROW(read().read(), std::out_of_range);
}

// F77
TEST_P(FutureStreamTest, FailsForThoseWhoWait) {
  Future<Text> waiting = read();
  StreamTurn<std::string> turn;
  Probe probe;
  stream_.read(turn, Probe::run, &probe);
  stream_.fail(std::make_exception_ptr(std::out_of_range("broken")));
  settle();
  EXPECT_THROW(waiting.read(), std::out_of_range);
  EXPECT_EQ(probe.runs(), 1U);
  EXPECT_EQ(turn.item, std::nullopt);
  EXPECT_NE(turn.error, nullptr);
  EXPECT_THROW(FutureStream<int>(context_).fail(nullptr), FutureError);
}

Future<> writeAll(FutureContext& context, FutureStream<std::string>& stream) {
  for (const char* part : {"one ", "two ", "three"}) {
    co_await stream.write(part);
    co_await sleepAsync(context, milliseconds(1));
  }
  stream.complete();
}

// F78
TEST_P(FutureStreamTest, IsReadAsAWhole) {
  Future<> writing = writeAll(context_, stream_);
  Future<std::string> all = readAll(context_, stream_);
  settleUntil(all);
  EXPECT_EQ(all.read(), "one two three");
  FutureStream<std::vector<int>> ended(context_);
  EXPECT_TRUE(ended.tryWrite({1, 2}));
  EXPECT_TRUE(ended.tryWrite({3}));
  ended.complete();
  EXPECT_EQ(readAll(context_, ended).read(), (std::vector{1, 2, 3}));
}

// F77, F78
TEST_P(FutureStreamTest, IsNotReadAsAWholeIfItFails) {
  Future<std::string> all = readAll(context_, stream_);
  EXPECT_TRUE(stream_.tryWrite("part"));
  settle();
  EXPECT_FALSE(all.finished());
  stream_.fail(std::make_exception_ptr(std::out_of_range("broken")));
  settle();
  EXPECT_THROW(all.read(), std::out_of_range);
}

// F78
TEST_P(FutureStreamTest, IsNotWrittenToAfterItsEnd) {
  stream_.complete();
  EXPECT_THROW(stream_.tryWrite("x"), FutureError);
  EXPECT_THROW(static_cast<void>(stream_.write("x")), FutureError);
  EXPECT_THROW(stream_.complete(), FutureError);
  EXPECT_THROW(stream_.fail(std::make_exception_ptr(1)), FutureError);
}

// F78: also by one that was begun before.
TEST_P(FutureStreamTest, RefusesAWriteThatIsAwaitedAfterItsEnd) {
  auto writing = stream_.write("x");
  stream_.complete();
  Future<> refused = asFuture(context_, std::move(writing));
  EXPECT_THROW(refused.read(), FutureError);
  EXPECT_EQ(stream_.size(), 0U);
}

TEST_P(FutureStreamTest, LeavesWhatItHasNoRoomFor) {
  FutureStream<std::unique_ptr<int>> stream(context_, 1);
  EXPECT_TRUE(stream.tryWrite(std::make_unique<int>(1)));
  auto item = std::make_unique<int>(2);
  EXPECT_FALSE(stream.tryWrite(std::move(item)));
  EXPECT_NE(item, nullptr);
  stream.complete();
  const std::string text = "copied";
  EXPECT_TRUE(stream_.tryWrite(text));
  EXPECT_EQ(read().read(), text);
}

// F79
TEST_P(FutureStreamTest, MakesWritersWaitForRoom) {
  FutureStream<int> stream(context_, 2);
  Future<> first = asFuture(context_, stream.write(1));
  Future<> second = asFuture(context_, stream.write(2));
  Future<> third = asFuture(context_, stream.write(3));
  Future<> fourth = asFuture(context_, stream.write(4));
  EXPECT_TRUE(second.finished());
  EXPECT_FALSE(stream.tryWrite(5));
  EXPECT_EQ(asFuture(context_, stream.read()).read(), 1);
  EXPECT_EQ(stream.size(), 2U);
  settle();
  EXPECT_TRUE(third.completed());
  EXPECT_FALSE(fourth.finished());
  stream.complete();
  settle();
  EXPECT_THROW(fourth.read(), FutureError) << "its item has not come in";
  EXPECT_EQ(asFuture(context_, stream.read()).read(), 2);
  EXPECT_EQ(asFuture(context_, stream.read()).read(), 3);
  EXPECT_EQ(asFuture(context_, stream.read()).read(), std::nullopt);
}

TEST_P(FutureStreamTest, KeepsItsOrderWhenSeveralReadersGo) {
  Probe never;
  StreamTurn<std::string> first;
  StreamTurn<std::string> second;
  stream_.read(first, Probe::run, &never);
  stream_.read(second, Probe::run, &never);
  EXPECT_TRUE(stream_.tryWrite("1"));
  EXPECT_TRUE(stream_.tryWrite("2"));
  first.forget();
  second.forget();
  EXPECT_EQ(read().read(), "1");
  EXPECT_EQ(read().read(), "2");
  settle();
  EXPECT_EQ(never.runs(), 0U);
}

TEST_P(FutureStreamTest, LosesNoItemToACancelledReader) {
  Future<Text> cancelled = read();
  Future<Text> waiting = read();
  EXPECT_TRUE(cancelled.tryCancel());
  EXPECT_TRUE(stream_.tryWrite("item"));
  settle();
  EXPECT_EQ(waiting.read(), "item");
}

// IF9: one that goes before it knows of its item leaves it to who was told of the end.
TEST_P(FutureStreamTest, LosesNoItemToOneThatGoesAtTheEnd) {
  for (const bool fails : {false, true}) {
    FutureStream<int> stream(context_);
    Probe never;
    Probe told;
    StreamTurn<int> gone;
    StreamTurn<int> next;
    stream.read(gone, Probe::run, &never);
    stream.read(next, Probe::run, &told);
    Future<std::optional<int>> last = asFuture(context_, stream.read());
    EXPECT_TRUE(stream.tryWrite(1));
    fails ? stream.fail(std::make_exception_ptr(std::out_of_range("broken"))) : stream.complete();
    gone.forget();
    settle();
    EXPECT_EQ(never.runs(), 0U);
    EXPECT_EQ(told.runs(), 1U);
    EXPECT_EQ(next.item, 1);
    EXPECT_EQ(next.error, nullptr);
    EXPECT_EQ(last.failed(), fails) << "the end is for those behind";
    static_cast<void>(fails ? last.readError() : nullptr);
  }
}

TEST_P(FutureStreamTest, IsUsedWithCallbacks) {
  FutureStream<int> stream(context_, 1);
  Probe written;
  Probe got;
  ItemTurn<int> write;
  ItemTurn<int> writeMore;
  StreamTurn<int> reading;
  stream.write(write, 1, Probe::run, &written);
  stream.write(writeMore, 2, Probe::run, &written);
  settle();
  EXPECT_EQ(written.runs(), 1U);
  for (const int expected : {1, 2}) {
    stream.read(reading, Probe::run, &got);
    settle();
    EXPECT_EQ(reading.item, expected);
  }
  EXPECT_EQ(written.runs(), 2U);
  stream.complete();
  stream.read(reading, Probe::run, &got);
  EXPECT_EQ(got.runs(), 2U) << "never inside the call";
  settle();
  EXPECT_EQ(got.runs(), 3U);
  EXPECT_EQ(reading.item, std::nullopt);
}

// A reader that was woken by the end does not look at the stream again.
TEST_P(FutureStreamTest, MayGoAfterItsEnd) {
  std::optional<FutureStream<int>> stream(std::in_place, context_);
  Future<std::optional<int>> ended = asFuture(context_, stream->read());
  stream->complete();
  stream.reset();
  stream.emplace(context_);
  Future<std::optional<int>> refused = asFuture(context_, stream->read());
  stream.reset();
  settle();
  EXPECT_EQ(ended.read(), std::nullopt);
  EXPECT_THROW(refused.read(), FutureError);
}

}  // namespace
}  // namespace kairos
