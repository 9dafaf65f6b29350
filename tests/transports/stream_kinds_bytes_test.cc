// SPDX-License-Identifier: MIT OR Apache-2.0
// What streams of every kind carry: all of it, in order, once; whatever the OS does.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "kairos/tests/transports/stream_kinds.h"

namespace kairos {
namespace {

// Writes a text in random pieces, several at a time, and then the end.
class Talker {
 public:
  Talker(End& end, std::string_view text, Random& random)
      : end_(end), rest_(text), random_(random) {
    for (Piece& piece : pieces_) piece.write.setThen([this, &piece] { written(piece); });
    for (Piece& piece : pieces_) writeSome(piece);
  }

  bool isDone() const { return ending_.completions() > 0; }
  const End::Write& ending() const { return ending_; }

 private:
  struct Piece {
    End::Write write;
    std::string_view bytes;
    std::vector<std::string_view> parts;
  };

  void written(Piece& piece) {
    ASSERT_EQ(piece.write.error, std::error_code()) << piece.write.error.message();
    ASSERT_EQ(piece.write.bytes, piece.bytes.size());
    writeSome(piece);
  }

  void writeSome(Piece& piece) {
    if (rest_.empty()) return end();
    piece.bytes = rest_.substr(0, random_.below(random_.oneIn(8) ? 30000 : 1500));
    rest_.remove_prefix(piece.bytes.size());
    ASSERT_EQ(start(piece), std::error_code());
  }

  std::error_code start(Piece& piece) {
    switch (random_.below(3)) {
      case 0:
        return end_.write(piece.write, piece.bytes);
      case 1:
        return end_.writeOwned(piece.write, std::string(piece.bytes));
      default:
        piece.parts.clear();
        for (std::string_view rest = piece.bytes; !rest.empty();) {
          piece.parts.push_back(rest.substr(0, random_.below(1 + piece.bytes.size() / 3)));
          rest.remove_prefix(piece.parts.back().size());
          if (piece.parts.back().empty()) piece.parts.push_back(std::exchange(rest, {}));
        }
        return end_.write(piece.write, piece.parts);
    }
  }

  void end() {
    if (std::exchange(hasEnded_, true)) return;
    ASSERT_EQ(end_.shutdown(ending_), std::error_code());
  }

  End& end_;
  std::string_view rest_;
  Random& random_;
  std::array<Piece, 3> pieces_;
  End::Write ending_;
  bool hasEnded_ = false;
};

// Reads by operations of all sizes, and compares each byte, to the end.
class Listener {
 public:
  Listener(End& end, std::string_view expected, Random& random)
      : end_(end), expected_(expected), random_(random) {
    read_.setThen([this] { got(); });
    readSome();
  }

  bool isDone() const { return ends_ > 0 && !read_.isPending(); }

 private:
  static constexpr std::size_t mostPerRead = 40000;

  void readSome() {
    const std::size_t most = random_.oneIn(4) ? mostPerRead : 2000;
    const std::size_t wanted = std::min(1 + random_.below(most), expected_.size() - at_);
    isSkipped_ = false;
    switch (wanted == 0 ? 0 : random_.below(5)) {
      case 0:
        return started(end_.readOnce(read_));
      case 1:
        return started(end_.readOnce(read_, {buffer_.data(), wanted}));
      case 2:
        return started(end_.readExactly(read_, {buffer_.data(), wanted}));
      case 3:
        return started(end_.readUntil(read_, expected_.substr(at_ + wanted - 1, 1)));
      default:
        isSkipped_ = true;
        return started(end_.consume(read_, std::min<std::size_t>(wanted, 100)));
    }
  }

  static void started(std::error_code error) { ASSERT_EQ(error, std::error_code()); }

  void got() {
    ASSERT_EQ(read_.error, std::error_code()) << read_.error.message() << " at " << at_;
    ASSERT_LE(read_.bytes, expected_.size() - at_) << "more than was written";
    if (!isSkipped_) {
      ASSERT_TRUE(read_.data == expected_.substr(at_, read_.bytes)) << "at " << at_;
    }
    at_ += read_.bytes;
    if (read_.atEnd) return ended();
    ASSERT_TRUE(read_.bytes > 0 && ends_ == 0);
    readSome();
  }

  // It is so for all that ask again.
  void ended() {
    ASSERT_EQ(at_, expected_.size()) << "the end comes before the rest";
    if (++ends_ < 3) readSome();
  }

  End& end_;
  const std::string_view expected_;
  Random& random_;
  std::size_t at_ = 0;
  int ends_ = 0;
  bool isSkipped_ = false;
  std::array<char, mostPerRead> buffer_;
  End::Read read_;
};

class StreamKindsBytesTest : public StreamKindTest {
 protected:
  // Both ways at once.
  void converse(std::size_t bytes) {
    const std::string there = randomText(bytes);
    const std::string back = randomText(bytes);
    Listener far(far_, there, random_);
    Listener near(near_, back, random_);
    Talker toFar(near_, there, random_);
    Talker toNear(far_, back, random_);
    pollUntil([&] { return far.isDone() && near.isDone() && toFar.isDone() && toNear.isDone(); });
  }
};

INSTANTIATE_TEST_SUITE_P(Kinds, StreamKindsBytesTest, testing::ValuesIn(streamCases()),
                         streamCaseName);

// IT1
TEST_P(StreamKindsBytesTest, ComeThroughWholeBothWays) {
  for (const bool isSmall : {false, true}) {
    connect(isSmall);
    converse(isSmall ? 60000 : 400000);
  }
}

// IT3: interrupted calls, spurious wake-ups, want of buffers, and calls that do a part.
TEST_P(StreamKindsBytesTest, ComeThroughWholeWhateverTheCallsDo) {
  for (const bool isSmall : {false, true}) {
    const std::size_t before = seam_.faults();
    connect(isSmall, {.interrupted = 5, .wouldBlock = 5, .noBuffers = 200, .partial = 2});
    converse(isSmall ? 30000 : 100000);
    EXPECT_GT(seam_.faults() - before, 10u);
  }
}

// IT1: what is encrypted, or queued, is not written yet.
TEST_P(StreamKindsBytesTest, AreWithTheOsWhenTheirWriteIsDone) {
  connect();
  seam_.setFaults({.wouldBlock = 1});
  const std::string text = randomText(30000);
  Write write;
  Write end;
  ok(near_.write(write, text));
  ok(near_.shutdown(end));
  for (int i = 0; i < 5; ++i) poll();
  EXPECT_EQ(write.completions() + end.completions(), 0u);
  seam_.setFaults({});
  Listener far(far_, text, random_);
  pollUntil([&] { return far.isDone(); });
  pollUntilDone(write, end);
}

// IT3: a byte at a time.
TEST_P(StreamKindsBytesTest, ComeThroughWholeByteByByte) {
  connect(false, {.bytesPerRead = 1});
  converse(1000);
}

// IT4
TEST_P(StreamKindsBytesTest, ComeBeforeTheEnd) {
  for (const std::size_t size : {0u, 1u, 3000u, 100000u}) {
    connect(true);
    const std::string text = randomText(size);
    Write all;
    Write end;
    ok(far_.write(all, text));
    ok(far_.shutdown(end));
    settle();
    Listener near(near_, text, random_);
    pollUntil([&] { return near.isDone(); });
    pollUntilDone(all, end);
    EXPECT_EQ(all.error, std::error_code());
    EXPECT_EQ(end.error, std::error_code());
    EXPECT_TRUE(near_.atEnd());
  }
}

// IT4: and before a close, which TLS takes for a truncation.
TEST_P(StreamKindsBytesTest, ComeBeforeTheEndOfAClose) {
  connect();
  const std::string text = randomText(3000);
  Write all;
  ok(far_.write(all, text));
  pollUntilDone(all);
  far_.close();
  std::string received;
  Read read;
  do {
    ok(near_.readOnce(read));
    pollUntilDone(read);
    received += read.data;
  } while (!read.atEnd && !read.error && !HasFailure());
  EXPECT_TRUE(received == text);
  EXPECT_EQ(read.error, kind().isTls ? TlsError::truncated : std::error_code());
  EXPECT_EQ(read.atEnd, !kind().isTls);
}

// IT5
TEST_P(StreamKindsBytesTest, GoOnBackAfterAnEnd) {
  for (const bool isSmall : {false, true}) {
    connect(isSmall);
    Write end;
    Read read;
    ok(near_.shutdown(end));
    ok(far_.readOnce(read));
    pollUntilDone(end, read);
    EXPECT_TRUE(read.atEnd);
    const std::string text = randomText(100000);
    Listener near(near_, text, random_);
    Talker far(far_, text, random_);
    pollUntil([&] { return near.isDone() && far.isDone(); });
    EXPECT_EQ(far.ending().error, std::error_code());
  }
}

// IT5
TEST_P(StreamKindsBytesTest, GoOutBeforeAnEndThatIsStartedBehindThem) {
  connect(true);
  const std::string text = randomText(500000);
  std::string order;
  std::array<Write, 5> writes;
  Write end([&order] { order += 'e'; });
  for (std::size_t i = 0; i < writes.size(); ++i) {
    writes[i].setThen([&order] { order += 'w'; });
    ok(near_.write(writes[i], std::string_view(text).substr(i * 100000, 100000)));
  }
  ok(near_.shutdown(end));
  Write late;
  ok(near_.write(late, "late"));
  settle();
  EXPECT_EQ(end.completions(), 0u) << "nobody reads";
  EXPECT_EQ(late.error, TransportError::shutDown);
  Listener far(far_, text, random_);
  pollUntil([&] { return far.isDone(); });
  pollUntilDone(end);
  EXPECT_EQ(order, "wwwwwe");
}

// IT7
TEST_P(StreamKindsBytesTest, WaitWhileNobodyReads) {
  connect(true);
  const std::string text = randomText(300000);
  Talker far(far_, text, random_);
  Read first;
  ok(near_.readOnce(first));
  pollUntilDone(first);
  const std::size_t taken = first.bytes;
  EXPECT_TRUE(first.data == text.substr(0, taken));
  const std::size_t reads = seam_.reads();
  for (int i = 0; i < 10; ++i) poll(std::chrono::milliseconds(1));
  EXPECT_EQ(seam_.reads(), reads) << "without being asked";
  Listener near(near_, std::string_view(text).substr(taken), random_);
  pollUntil([&] { return near.isDone() && far.isDone(); });
}

// IT7: what has been received, and decrypted, needs no further event.
TEST_P(StreamKindsBytesTest, AreThereWhenOthersOfTheSameMessageWere) {
  connect();
  Write message;
  Read read;
  ok(far_.write(message, "one\ntwo\nthree\n"));
  ok(near_.readLine(read));
  pollUntilDone(message, read);
  EXPECT_EQ(read.data, "one");
  far_.close();
  const std::size_t reads = seam_.reads();
  for (const std::string_view line : {"two", "three"}) {
    ok(near_.readLine(read));
    poll();
    EXPECT_FALSE(read.isPending());
    EXPECT_EQ(read.data, line);
  }
  EXPECT_EQ(seam_.reads(), reads);
}

}  // namespace
}  // namespace kairos
