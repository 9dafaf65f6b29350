// SPDX-License-Identifier: MIT OR Apache-2.0
// Lines, separators and sizes on streams of every kind, wherever the bytes are cut.
#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "kairos/tests/support/allocations.h"
#include "kairos/tests/support/process_state.h"
#include "kairos/tests/transports/stream_kinds.h"

namespace kairos {
namespace {

class StreamKindsFramingTest : public StreamKindTest {
 protected:
  void SetUp() override { connect(); }

  // All of it has arrived at the near end, or is about to.
  void send(std::string_view bytes) {
    Write write;
    ok(far_.write(write, bytes));
    pollUntilDone(write);
    EXPECT_EQ(write.error, std::error_code());
  }

  void end() {
    Write write;
    ok(far_.shutdown(write));
    pollUntilDone(write);
  }

  // Two parts, of which the read that waits sees the first alone.
  void sendCutWhileReading(std::string_view text, std::size_t cut) {
    const std::size_t before = near_.peek().size();
    send(text.substr(0, cut));
    pollUntil([&] { return !read_.isPending() || near_.peek().size() >= before + cut; });
    send(text.substr(cut));
    pollUntilDone(read_);
    EXPECT_EQ(read_.error, std::error_code());
  }

  std::string_view readUntil(std::string_view separator, std::size_t limit = 65536) {
    ok(near_.readUntil(read_, separator, {.limit = limit}));
    pollUntilDone(read_);
    return read_.data;
  }

  std::string_view readLine(std::size_t limit = 65536) {
    ok(near_.readLine(read_, {.limit = limit}));
    pollUntilDone(read_);
    return read_.data;
  }

  Read read_;
};

INSTANTIATE_TEST_SUITE_P(Kinds, StreamKindsFramingTest, testing::ValuesIn(streamCases()),
                         streamCaseName);

// IT11: a separator, and one that looks like it before, cut at each byte.
TEST_P(StreamKindsFramingTest, FindsASeparatorAcrossEachBorder) {
  struct Case {
    std::string_view separator;
    std::string_view text;
  };
  for (const Case& each : {Case{"\r\n\r\n", "head\r\n\r\r\n\r\n"}, Case{"aab", "xaaaaab"},
                           Case{"abac", "ababac"}, Case{"--end--", "----end-end----end--"}}) {
    const std::string text = std::string(each.text) + "left";
    for (std::size_t cut = 0; cut <= each.text.size(); ++cut) {
      SCOPED_TRACE(testing::Message() << each.text << " cut at " << cut);
      ok(near_.readUntil(read_, each.separator));
      sendCutWhileReading(text, cut);
      EXPECT_EQ(read_.data, each.text);
      std::array<char, 4> left;
      ok(near_.readExactly(read_, left));
      pollUntilDone(read_);
      EXPECT_EQ(read_.data, "left");
    }
  }
}

// IT11
TEST_P(StreamKindsFramingTest, FindsTheEndOfALineAcrossEachBorder) {
  const std::string_view text = "one\r\ntwo\n\r\rthree\r\r\n\n";
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    SCOPED_TRACE(cut);
    ok(near_.readLine(read_));
    sendCutWhileReading(text, cut);
    EXPECT_EQ(read_.data, "one");
    EXPECT_EQ(readLine(), "two");
    EXPECT_EQ(readLine(), "\r\rthree\r");
    EXPECT_EQ(readLine(), "");
    EXPECT_FALSE(read_.atEnd);
  }
}

// IT11
TEST_P(StreamKindsFramingTest, TellsTooLongFromAnEnd) {
  send("123456789\nrest");
  end();
  readLine(8);
  EXPECT_EQ(read_.error, TransportError::overLimit);
  readUntil("\n", 9);
  EXPECT_EQ(read_.error, TransportError::overLimit);
  EXPECT_FALSE(read_.atEnd);
  EXPECT_EQ(near_.peek().substr(0, 10), "123456789\n") << "all stays";
  EXPECT_EQ(readUntil("\n", 10), "123456789\n");
  EXPECT_EQ(read_.error, std::error_code());
  readUntil("\n");
  EXPECT_EQ(read_.error, TransportError::incomplete);
  EXPECT_EQ(near_.peek(), "rest");
  EXPECT_EQ(readLine(), "rest");
  EXPECT_TRUE(read_.atEnd);
  EXPECT_EQ(read_.error, std::error_code());
  EXPECT_EQ(readLine(), "");
  EXPECT_TRUE(read_.atEnd);
}

// IT11: in pieces of a byte, at the limit exactly.
TEST_P(StreamKindsFramingTest, CountsTheLimitWhateverThePiecesAre) {
  constexpr std::size_t limit = 3000;
  connect(false, {.bytesPerRead = 1});
  const std::string line = std::string(limit, 'x') + '\n';
  send(line);
  EXPECT_EQ(readLine(limit).size(), limit);
  EXPECT_EQ(read_.error, std::error_code());
  send(line);
  readLine(limit - 1);
  EXPECT_EQ(read_.error, TransportError::overLimit);
  EXPECT_EQ(readLine(limit).size(), limit);
}

// IT11: each byte is looked at a bounded number of times, of which the processor's time tells. Here
// every byte may begin the separator; to look at all anew for each piece would take minutes.
TEST_P(StreamKindsFramingTest, FindsASeparatorInTheTimeOfOneLook) {
  constexpr std::size_t size = 1 << 19;
  connect(false, {.bytesPerRead = 64});
  const std::string text = std::string(size, 'x') + "xy";
  Write write;
  const auto start = cpuTime();
  ok(near_.readUntil(read_, "xy", {.limit = text.size()}));
  ok(far_.write(write, text));
  pollUntilDone(read_, write);
  EXPECT_EQ(read_.data.size(), text.size());
  EXPECT_LT(cpuTime() - start, std::chrono::seconds(5));
}

// IT12
TEST_P(StreamKindsFramingTest, ReadsExactlyOrShowsWhatCame) {
  std::array<char, 10> into;
  ok(near_.readExactly(read_, std::span<char>()));
  settle();
  EXPECT_EQ(read_.completions(), 1u) << "nothing to wait for";
  EXPECT_EQ(read_.error, std::error_code());
  send("0123456789abc");
  ok(near_.readExactly(read_, into));
  pollUntilDone(read_);
  EXPECT_EQ(read_.data, "0123456789");
  end();
  ok(near_.readExactly(read_, into));
  pollUntilDone(read_);
  EXPECT_EQ(read_.error, TransportError::incomplete);
  EXPECT_EQ(read_.data, "abc");
  EXPECT_EQ(read_.bytes, 3u);
  ok(near_.readExactly(read_, into));
  pollUntilDone(read_);
  EXPECT_EQ(read_.error, TransportError::incomplete);
  EXPECT_EQ(read_.data, "");
  ok(near_.readExactly(read_, std::span<char>()));
  settle();
  EXPECT_EQ(read_.error, std::error_code()) << "there is no less than nothing";
}

// IT12: whatever is asked for, memory is taken for what comes.
TEST_P(StreamKindsFramingTest, TakesNoMemoryForALargeLimit) {
  constexpr std::size_t all = std::numeric_limits<std::size_t>::max();
  send("some");
  const AllocationCount memory;
  ok(near_.readUntil(read_, "\n", {.limit = all}));
  settle();
  EXPECT_TRUE(near_.cancel(read_));
  settle();
  ok(near_.readToEnd(read_, {.limit = all}));
  settle();
  EXPECT_TRUE(near_.cancel(read_));
  settle();
  ok(near_.consume(read_, all));
  settle();
  EXPECT_LE(memory.bytes(), 100'000);
  end();
  pollUntilDone(read_);
  EXPECT_EQ(read_.bytes, 4u);
  EXPECT_TRUE(read_.atEnd);
}

}  // namespace
}  // namespace kairos
