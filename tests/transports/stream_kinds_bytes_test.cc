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

}  // namespace
}  // namespace kairos
