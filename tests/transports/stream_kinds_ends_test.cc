// SPDX-License-Identifier: MIT OR Apache-2.0
// The ends of operations on streams of every kind: each has one, wherever the stream is closed,
// lost or destroyed.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "kairos/tests/transports/stream_kinds.h"

namespace kairos {
namespace {

class StreamKindsEndsTest : public StreamKindTest {
 protected:
  // Some of all that a stream does, on both ends: more than the OS holds.
  struct Talk {
    explicit Talk(StreamKindsEndsTest& test) : text(test.randomText(100000)) {
      begin(test.near_, 0);
      begin(test.far_, 1);
      ok(test.near_.waitUntilDrained(drain));
      isOne = test.near_.isOne();
      ok(test.near_.waitUntilClosed(close));
    }

    // Of all that is pending on the near end.
    void expectLast() const {
      EXPECT_FALSE(drain.isPending() || writes[0].isPending() || writes[2].isPending());
      EXPECT_FALSE(isOne && reads[0].isPending()) << "what it reads from may be another stream";
    }

    void begin(End& end, std::size_t which) {
      Write* const each = &writes[3 * which];
      ok(end.readExactly(reads[which], into[which]));
      ok(end.write(each[0], small));
      ok(end.write(each[1], text));
      ok(end.shutdown(each[2]));
    }

    void expectAllDoneOnce() const {
      for (const Read& each : reads) EXPECT_EQ(each.completions(), 1u);
      for (const Write& each : writes) EXPECT_EQ(each.completions(), 1u);
      EXPECT_EQ(drain.completions(), 1u);
      EXPECT_EQ(close.completions(), 1u);
    }

    static constexpr std::string_view small = "small";
    const std::string text;
    std::array<std::array<char, 60000>, 2> into;
    std::array<Read, 2> reads;
    std::array<Write, 6> writes;
    Drain drain;
    bool isOne = false;
    Close close{[this] { expectLast(); }};
  };

  // Writes, a read and a wait for room, and a close behind them.
  struct FlushedClose {
    explicit FlushedClose(StreamKindsEndsTest& test)
        : text(test.randomText(100000)), near(test.near_), hasRead(near.isOne()) {
      if (hasRead) ok(near.readOnce(read));
      ok(near.write(writes[0], text));
      ok(near.write(writes[1], "last words"));
      ok(near.setWriteMarks({.high = 1, .low = 0, .cap = 1 << 20}));
      ok(near.waitUntilDrained(drain));
      ok(near.waitUntilClosed(closed));
      ok(near.closeAfterFlush(close));
    }

    void expectLast(std::error_code error) const {
      EXPECT_FALSE(near.isOutputOpen());
      EXPECT_EQ(order.size(), hasRead ? 6u : 5u) << order;
      EXPECT_TRUE(order.ends_with("c.")) << order;
      EXPECT_EQ(close.error, error);
    }

    const std::string text;
    End& near;
    const bool hasRead;
    std::string order;
    std::array<Write, 2> writes{Write([this] { order += 'w'; }), Write([this] { order += 'w'; })};
    Read read{[this] { order += 'r'; }};
    Drain drain{[this] { order += 'd'; }};
    Write close{[this] { order += 'c'; }};
    Close closed{[this] { order += '.'; }};
  };

  using Deed = std::function<void()>;

  void talkUntil(int polls, const Deed& deed) {
    SCOPED_TRACE(testing::Message() << "after " << polls << " polls");
    connect(true);
    Talk talk(*this);
    for (int i = 0; i < polls; ++i) poll();
    deed();
    if (far_.isOpen()) expectTruth(talk);
    far_.close();
    settle();
    talk.expectAllDoneOnce();
    settle();
    talk.expectAllDoneOnce();
  }

  // The one that is left has what was under way, and nothing else.
  void expectTruth(Talk& talk) {
    pollUntilDone(talk.reads[1]);
    std::string received(talk.reads[1].data);
    Read rest;
    ok(far_.readToEnd(rest));
    pollUntilDone(rest);
    received += rest.data;
    const std::string sent = std::string(Talk::small) + talk.text;
    EXPECT_TRUE(received == sent.substr(0, received.size()));
  }

  void sweep(const Deed& deed) {
    const auto before = openFds();
    for (const int polls : {0, 1, 2, 3, 5, 8, 13, 40}) talkUntil(polls, deed);
    near_ = End();
    far_ = End();
    children_.clear();
    pollUntil([&] { return openedSince(before).empty(); });
  }
};

INSTANTIATE_TEST_SUITE_P(Kinds, StreamKindsEndsTest, testing::ValuesIn(streamCases()),
                         streamCaseName);

// IT2
TEST_P(StreamKindsEndsTest, ComeOnceWheneverOneIsClosed) {
  sweep([this] { near_.close(); });
}

TEST_P(StreamKindsEndsTest, ComeOnceWheneverOneIsDestroyed) {
  sweep([this] { near_ = End(); });
}

TEST_P(StreamKindsEndsTest, ComeOnceWheneverBothAreClosed) {
  sweep([this] {
    far_.close();
    near_.close();
  });
}

// IT2: what is cancelled too. A write of which a part has gone cannot be.
TEST_P(StreamKindsEndsTest, ComeOnceWhateverIsCancelled) {
  for (const int polls : {0, 1, 2, 5}) {
    connect(true);
    Talk talk(*this);
    for (int i = 0; i < polls; ++i) poll();
    const bool isReadCancelled = near_.cancel(talk.reads[0]);
    std::array<bool, 3> isCancelled;
    for (std::size_t i = 0; i < 3; ++i) isCancelled[i] = near_.cancel(talk.writes[i]);
    EXPECT_FALSE(isCancelled[2]) << "the end";
    const std::string_view lost = isCancelled[1] ? std::string_view() : talk.text;
    const std::size_t expected = (isCancelled[0] ? 0 : Talk::small.size()) + lost.size();
    Read rest;
    pollUntilDone(talk.reads[1]);
    ok(far_.readToEnd(rest));
    pollUntilDone(rest);
    EXPECT_EQ(talk.reads[1].bytes + rest.bytes, expected);
    if (isReadCancelled) {
      EXPECT_EQ(talk.reads[0].error, std::errc::operation_canceled);
    }
    near_.close();
    far_.close();
    settle();
    talk.expectAllDoneOnce();
  }
}

// IT2: a close that waits is over when all else is.
TEST_P(StreamKindsEndsTest, ClosesWhenAllElseIsOver) {
  for (const bool isSmall : {false, true}) {
    connect(isSmall);
    const FlushedClose close(*this);
    Read all;
    ok(far_.readToEnd(all));
    pollUntilDone(all, close.close, close.drain);
    settle();
    EXPECT_TRUE(all.data == close.text + "last words");
    close.expectLast(std::error_code());
  }
}

// IT2: and so when they fail, but for the read, which waits.
TEST_P(StreamKindsEndsTest, ClosesWhenAllElseIsOverAlsoIfItFails) {
  connect(true);
  const FlushedClose close(*this);
  Read read;
  seam_.setFaults({.broken = 1});
  ok(far_.consume(read, close.text.size()));
  pollUntilDone(close.close);
  settle();
  EXPECT_EQ(close.close.error, std::errc::broken_pipe);
  close.expectLast(close.close.error);
}

}  // namespace
}  // namespace kairos
