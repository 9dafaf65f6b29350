// SPDX-License-Identifier: MIT OR Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <string_view>
#include <utility>

#include "kairos/tests/support/random_seed.h"
#include "kairos/tests/transports/tls_fixture.h"

namespace kairos {
namespace {

// One direction: writes of every size until all are written, reads of what there is.
class Flow {
 public:
  Flow(TlsStream& from, TlsStream& to, const std::string& bytes, unsigned seed)
      : from_(from), to_(to), bytes_(bytes), random_(seed) {}

  void start() {
    read_.setThen([this] { take(); });
    write_.setThen([this] { give(); });
    give();
    receive();
  }

  bool isDone() const { return !write_.isPending() && !read_.isPending(); }
  bool isRight() const { return received_ == bytes_ && read_.atEnd && !read_.error; }

 private:
  void give() {
    if (write_.error || isShutDown_) return;
    const std::size_t size = std::min<std::size_t>(random_() % 70000, bytes_.size() - given_);
    const std::string_view part = std::string_view(bytes_).substr(given_, size);
    isShutDown_ = given_ == bytes_.size();
    given_ += size;
    const auto error = isShutDown_ ? from_.shutdown(write_, Write::done, &write_)
                                   : from_.write(write_, part, Write::done, &write_);
    EXPECT_EQ(error, std::error_code());
  }

  void receive() { EXPECT_EQ(to_.readOnce(read_, Read::done, &read_), std::error_code()); }

  void take() {
    received_ += read_.data;
    if (!read_.error && !read_.atEnd) receive();
  }

  TlsStream& from_;
  TlsStream& to_;
  const std::string& bytes_;
  std::minstd_rand random_;
  Write write_;
  Read read_;
  std::size_t given_ = 0;
  bool isShutDown_ = false;
  std::string received_;
};

class TlsBulkTest : public TlsTest {};

INSTANTIATE_TEST_SUITE_P(Backends, TlsBulkTest, backends(), backendName);

TEST_P(TlsBulkTest, CarriesAllBytesBothWays) {
  const unsigned seed = randomSeed();
  Pair ends = pair();
  setSmallBuffers(ends);
  makeEnds(std::move(ends));
  startHandshakes();
  settle();
  expectSecure();
  const std::string there = pattern(16 << 20);
  std::string back = there;
  std::reverse(back.begin(), back.end());
  Flow forth(client_, server_, there, seed);
  Flow home(server_, client_, back, seed + 1);
  forth.start();
  home.start();
  while (!(forth.isDone() && home.isDone()) && !HasFailure()) poll(Reactor::forever);
  EXPECT_TRUE(forth.isRight());
  EXPECT_TRUE(home.isRight());
}

TEST_P(TlsBulkTest, ServesLargeReadsAsOne) {
  Pair ends = pair();
  setSmallBuffers(ends);
  makeEnds(std::move(ends));
  startHandshakes();
  settle();
  const std::string bytes = pattern(1 << 20);
  std::string into(bytes.size(), '\0');
  Write write;
  Read read;
  ok(client_.write(write, bytes, Write::done, &write));
  ok(server_.readExactly(read, into, Read::done, &read));
  settleUntilDone(read);
  EXPECT_TRUE(into == bytes);
  EXPECT_EQ(write.completions(), 1u);
  EXPECT_EQ(write.bytes, bytes.size());
}

// Bytes that are changed, left out or made up on their way never come out, and never do harm.
TEST_P(TlsBulkTest, EndsWithAnErrorWhateverComes) {
  std::minstd_rand random(randomSeed());
  for (int round = 0; round < 200; ++round) {
    serveRaw();
    Read read;
    ok(server_.readToEnd(read, {}, Read::done, &read));
    std::string bytes(1 + random() % 600, '\0');
    for (char& each : bytes) each = static_cast<char>(random());
    // Often the first bytes are those of a record, of a hello.
    if (round % 4 > 0) bytes.replace(0, std::min<std::size_t>(bytes.size(), 3), "\x16\x03\x01");
    if (round % 4 > 1 && bytes.size() > 6) bytes.replace(3, 3, std::string("\0\x40\x01", 3));
    sendAll(far_.get(), bytes);
    settle();
    far_.reset();
    settle();
    EXPECT_EQ(serverShake_.isPending() || read.isPending(), false);
    EXPECT_TRUE(serverShake_.error && read.error);
    EXPECT_EQ(read.data, "");
  }
}

}  // namespace
}  // namespace kairos
