// SPDX-License-Identifier: MIT OR Apache-2.0
// Lines and separators.
#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

#include "kairos/tests/support/process_state.h"
#include "kairos/tests/support/random_seed.h"
#include "kairos/tests/transports/fixture.h"

namespace kairos {
namespace {

class StreamFramingTest : public StreamTest {
 protected:
  StreamFramingTest() { connect(pair()); }

  void end() { ASSERT_EQ(::shutdown(far_.get(), SHUT_WR), 0); }

  std::string line(std::size_t limit = 65536) {
    readLine(read_, limit);
    return result();
  }

  std::string until(std::string_view separator, std::size_t limit = 65536) {
    readUntil(read_, separator, limit);
    return result();
  }

  // What the read that was started gave, in a form to compare.
  std::string result() {
    settleUntilDone(read_);
    std::string text(read_.data);
    if (read_.error == TransportError::overLimit) text += "<over limit>";
    if (read_.error == TransportError::incomplete) text += "<incomplete>";
    if (read_.atEnd) text += "<end>";
    return text;
  }

  Read read_;
};

INSTANTIATE_TEST_SUITE_P(Backends, StreamFramingTest, backends(), backendName);

// T08
TEST_P(StreamFramingTest, ReadsUntilASeparatorWhichIsIncluded) {
  sendAll(far_.get(), "a\r\nbc");
  EXPECT_EQ(until("\r\n"), "a\r\n");
  EXPECT_EQ(stream_.peek(), "bc");
}

// T09
TEST_P(StreamFramingTest, FindsSeparatorsThatBeginTwice) {
  struct Row {
    std::string_view sent;
    std::string_view separator;
  };
  for (const Row& row : {Row{"x\r\r\n", "\r\n"}, Row{"aaab", "aab"}, Row{"abaabab", "abab"}}) {
    sendAll(far_.get(), row.sent);
    EXPECT_EQ(until(row.separator), row.sent);
  }
}

// T10, T19
TEST_P(StreamFramingTest, FindsSeparatorsThatComeInPieces) {
  for (const std::string_view separator : {"\n", "\r\n", "abcabcd"}) {
    const std::string sent = pattern(20) + "abcabc" + std::string(separator);
    readUntil(read_, separator);
    const std::size_t before = read_.completions();
    for (const char c : sent) {
      EXPECT_EQ(read_.completions(), before);
      sendAll(far_.get(), {&c, 1});
      settle();
    }
    EXPECT_EQ(read_.completions(), before + 1);
    EXPECT_EQ(read_.data, sent);
  }
}

// T10: across the end of the first block, which has to grow.
TEST_P(StreamFramingTest, FindsASeparatorAcrossTheEndOfABlock) {
  for (std::size_t length = 16380; length <= 16388; ++length) {
    const std::string text(length, 'x');
    sendAll(far_.get(), text + "\r\nnext\n");
    EXPECT_TRUE(until("\r\n") == text + "\r\n") << length;
    EXPECT_EQ(line(), "next");
  }
}

// T11
TEST_P(StreamFramingTest, StopsAtTheLimitAndKeepsTheBytes) {
  sendAll(far_.get(), "abcd;e");
  EXPECT_EQ(until(";", 4), "<over limit>");
  EXPECT_EQ(stream_.peek(), "abcd;e");
  EXPECT_EQ(until(";", 5), "abcd;");
  EXPECT_EQ(until(";", 1), "<over limit>");
  EXPECT_EQ(stream_.peek(), "e");
}

// T12
TEST_P(StreamFramingTest, ShowsWhatCameBeforeAnEndWithoutSeparator) {
  sendAll(far_.get(), "abc");
  end();
  EXPECT_EQ(until(";"), "abc<incomplete><end>");
  EXPECT_EQ(until(";"), "abc<incomplete><end>");
  EXPECT_EQ(stream_.peek(), "abc");
  EXPECT_EQ(line(), "abc<end>");
}

// T13, T15, T16
TEST_P(StreamFramingTest, TellsAnEmptyLineFromTheEnd) {
  sendAll(far_.get(), "\r\n\nab\r\nDATA\r\r\r\nx\ry\nabc");
  end();
  for (const std::string_view expected :
       {"", "", "ab", "DATA\r\r", "x\ry", "abc<end>", "<end>", "<end>"}) {
    EXPECT_EQ(line(), expected);
  }
}

// T15
TEST_P(StreamFramingTest, TakesOneCarriageReturnFromALine) {
  for (std::size_t count = 1; count <= 6; ++count) {
    sendAll(far_.get(), "DATA" + std::string(count, '\r') + "\n");
    EXPECT_EQ(line(), "DATA" + std::string(count - 1, '\r'));
  }
}

// T17
TEST_P(StreamFramingTest, CountsALineWithoutItsEndAgainstTheLimit) {
  sendAll(far_.get(), "abcd\r\nefgh\nijklm\n");
  EXPECT_EQ(line(4), "abcd");
  EXPECT_EQ(line(4), "efgh");
  EXPECT_EQ(line(4), "<over limit>");
  EXPECT_EQ(line(5), "ijklm");
}

// T17: the limit is seen without waiting for the end of the line.
TEST_P(StreamFramingTest, ComesToTheLimitByteByByte) {
  readLine(read_, 4);
  for (const char c : {'a', 'b', 'c', 'd', '\r'}) {
    sendAll(far_.get(), {&c, 1});
    settle();
    EXPECT_EQ(read_.completions(), 0u);
  }
  sendAll(far_.get(), "\r");
  EXPECT_EQ(result(), "<over limit>");
  EXPECT_EQ(stream_.peek(), "abcd\r\r");
}

// Nobody has to think of a limit to have one.
TEST_P(StreamFramingTest, HasALimitOf64KibUnlessToldOtherwise) {
  const std::size_t limit = 65536;
  enum Kind { line, until, toEnd };
  for (const Kind kind : {line, until, toEnd}) {
    for (const std::size_t size : {limit, limit + 1}) {
      connect(pair());
      const auto start = [&] {
        if (kind == line) return stream_.readLine(read_, {}, Read::done, &read_);
        if (kind == until) return stream_.readUntil(read_, ";", {}, Read::done, &read_);
        return stream_.readToEnd(read_, {}, Read::done, &read_);
      };
      ok(start());
      std::string text(size, 'x');
      if (kind == line) text += "\n";
      if (kind == until) text.back() = ';';
      sendAll(far_.get(), text);
      settle();
      if (kind == toEnd) end();
      settleUntilDone(read_);
      EXPECT_EQ(read_.error == TransportError::overLimit, size > limit) << kind;
      EXPECT_EQ(read_.data.size(), size > limit ? 0 : limit) << kind;
    }
  }
}

// T18
TEST_P(StreamFramingTest, ReadsALineOfMebibytes) {
  const std::string text(10 << 20, 'x');
  StreamTransport writer = adopt(std::move(far_));
  Write write;
  const std::string sent = text + "\r\n" + text;
  ok(writer.write(write, sent, Write::done, &write));
  readLine(read_, std::numeric_limits<std::size_t>::max());
  EXPECT_TRUE(result() == text);
  EXPECT_EQ(line(1 << 20), "<over limit>");
  EXPECT_LE(stream_.peek().size(), std::size_t{3} << 20) << "memory is bounded by the limit";
  stream_.close();
}

// IT11: what was looked at once is not looked at again: a byte that comes behind mebibytes costs
// what one costs that comes first. By the processor's time, which is hundreds of times more else.
TEST_P(StreamFramingTest, LooksAtEachByteOnce) {
  constexpr std::size_t pieces = 4000;
  const auto costOfBytes = [&] {
    const auto before = cpuTime();
    for (std::size_t i = 0; i < pieces; ++i) {
      sendAll(far_.get(), "x");
      poll();
    }
    EXPECT_TRUE(read_.isPending());
    return cpuTime() - before;
  };
  constexpr std::size_t limit = std::numeric_limits<std::size_t>::max();
  for (const bool isLine : {true, false}) {
    connect(pair());
    isLine ? readLine(read_, limit) : readUntil(read_, "\r\n", limit);
    const auto atFirst = costOfBytes();
    const std::string chunk(100000, 'x');
    for (int i = 0; i < 80; ++i) {
      sendAll(far_.get(), chunk);
      settle();
    }
    EXPECT_LE(costOfBytes(), 20 * atFirst);
    sendAll(far_.get(), "\r\n");
    settle();
    EXPECT_EQ(read_.bytes, 80 * chunk.size() + 2 * pieces + 2);
  }
}

// Frames of several kinds: lines, what ends with "::", and so many bytes.
class MixedFrames {
 public:
  enum Kind { line, separated, exact };
  struct Frame {
    Kind kind;
    std::string_view text;
  };

  Frame next() {
    const std::size_t most = random_.oneIn(10) ? 60000 : 300;
    const std::size_t begin = random_.below(letters_.size() - most);
    return {static_cast<Kind>(random_.below(3)),
            std::string_view(letters_).substr(begin, random_.below(most))};
  }

  static std::string_view endOf(Kind kind) {
    return kind == line ? "\n" : kind == separated ? "::" : "";
  }

  Random& random() { return random_; }

 private:
  std::string makeLetters() {
    std::string letters(std::size_t{1} << 20, ' ');
    for (char& c : letters) c = static_cast<char>('a' + random_.below(20));
    return letters;
  }

  Random random_;
  const std::string letters_ = makeLetters();
};

// T32: 100 MiB on one stream, sent in frames of several kinds and in pieces of any size, are read
// byte for byte as what they are.
TEST_P(StreamFramingTest, KeepsEveryByteOf100MebibytesOfMixedFrames) {
  constexpr std::size_t total = std::size_t{100} << 20;
  MixedFrames source;
  std::vector<MixedFrames::Frame> frames;
  std::string sent;
  sent.reserve(total + 60002);
  while (sent.size() < total) {
    const auto& frame = frames.emplace_back(source.next());
    sent.append(frame.text).append(MixedFrames::endOf(frame.kind));
  }
  StreamTransport writer = adopt(std::move(far_));
  Write write;
  std::size_t begin = 0;
  const auto writePiece = [&] {
    if (begin == sent.size()) return;
    const auto piece = std::string_view(sent).substr(begin, 1 + source.random().below(200000));
    begin += piece.size();
    ok(writer.write(write, piece, Write::done, &write));
  };
  write.setThen(writePiece);
  writePiece();
  std::vector<char> into(60000);
  for (const auto& [kind, text] : frames) {
    if (kind == MixedFrames::line) readLine(read_);
    if (kind == MixedFrames::separated) readUntil(read_, "::");
    if (kind == MixedFrames::exact) readExactly(read_, std::span(into).first(text.size()));
    settleUntilDone(read_);
    ASSERT_FALSE(read_.error);
    const bool showsEnd = kind == MixedFrames::separated;
    ASSERT_EQ(read_.data.size(), text.size() + (showsEnd ? 2 : 0));
    ASSERT_TRUE(read_.data.starts_with(text));
  }
  EXPECT_EQ(begin, sent.size());
  EXPECT_EQ(stream_.peek(), "");
}

}  // namespace
}  // namespace kairos
