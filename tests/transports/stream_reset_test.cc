// SPDX-License-Identifier: MIT OR Apache-2.0
// A peer that resets the connection, whatever is going on: each operation ends once, and nothing is
// left.
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "kairos/tests/transports/fixture.h"

namespace kairos {
namespace {

using namespace std::chrono_literals;

using Drain = Watched<DrainOperation>;
using Pending = std::vector<const detail::Operation*>;

// Those of one stream.
struct Operations {
  Read read;
  std::array<Write, 3> writes;
  Drain drain;

  template <class Visit>
  void forEach(Visit visit) {
    visit(read);
    for (Write& each : writes) visit(each);
    visit(drain);
  }
};

class StreamResetTest : public StreamTest {
 protected:
  enum class How { reset, endThenReset, endAndReset };

  void SetUp() override { ASSERT_EQ(::ftruncate(file_.get(), 64 << 20), 0); }

  // ---- What may be going on

  void startMessage() {
    const auto sizeOf = [](void*, std::string_view) { return MessageSize{.size = 1000}; };
    ok(stream_.readMessage(now_->read, sizeOf, {}, Read::done, &now_->read));
  }
  void startConsume() { ok(stream_.consume(now_->read, 1 << 20, Read::done, &now_->read)); }
  void startWrite() { write(now_->writes[0], much_); }
  void startFile() {
    Write& write = now_->writes[0];
    ok(stream_.writeFile(write, {.file = file_.get()}, Write::done, &write));
  }
  void startEnd() {
    startWrite();
    write(now_->writes[1], "behind");
    shutdown(now_->writes[2]);
  }
  void startClose() {
    startWrite();
    ok(stream_.closeAfterFlush(now_->writes[1], Write::done, &now_->writes[1]));
  }
  void startDrain() {
    startWrite();
    ok(stream_.setWriteMarks({.high = 10, .low = 5, .cap = 1000}));
    ok(stream_.waitUntilDrained(now_->drain, Drain::done, &now_->drain));
  }
  void startReadAfterOwnEnd() {
    Write end;
    shutdown(end);
    settleUntilDone(end);
    readLine(now_->read);
  }

  const std::vector<std::function<void()>> states_ = {
      [this] { readLine(now_->read); },
      [this] { readUntil(now_->read, "::"); },
      [this] { readExactly(now_->read, into_); },
      [this] { readToEnd(now_->read); },
      [this] { startMessage(); },
      [this] { startConsume(); },
      [this] { startWrite(); },
      [this] { startFile(); },
      [this] { startEnd(); },
      [this] { startClose(); },
      [this] { startDrain(); },
      [this] { startReadAfterOwnEnd(); },
      [this] { readLine(now_->read), startDrain(); },
      [this] { startConsume(), startFile(); },
      [this] { readExactly(now_->read, into_), startClose(); },
  };

  // ---- What comes of it

  void resetByPeer(How how) {
    if (how != How::reset) {
      ASSERT_EQ(::shutdown(far_.get(), SHUT_WR), 0);
    }
    if (how == How::endThenReset) settle();
    resetOnClose(far_.get());
    far_.reset();
  }

  static bool isOfReset(std::error_code error) {
    return error == std::errc::connection_reset || error == std::errc::broken_pipe;
  }

  Pending pending() {
    Pending all;
    now_->forEach([&all](auto& each) {
      if (each.isPending()) all.push_back(&each);
    });
    return all;
  }

  // What is written does not arrive; what was read may have ended before.
  void expectEnds(const Pending& pending, How how) {
    now_->forEach([&](auto& each) {
      const bool wasPending = std::count(pending.begin(), pending.end(), &each) > 0;
      EXPECT_EQ(each.completions(), wasPending ? 1u : 0u);
      if (!wasPending) return;
      const bool isRead = static_cast<detail::Operation*>(&each) == &now_->read;
      const bool isEnd = isRead && how != How::reset && now_->read.atEnd;
      EXPECT_TRUE(isEnd || isOfReset(each.error)) << each.error.message();
      EXPECT_TRUE(!isRead || how != How::reset || !now_->read.atEnd);
    });
  }

  // What is started later is told too, and no event comes any more.
  void expectNothingLeft() {
    EXPECT_EQ(poll(10ms), 0u);
    Write late;
    write(late, "late");
    settle();
    EXPECT_TRUE(isOfReset(late.error) || late.error == TransportError::closed);
    Read rest;
    for (int reads = 0; reads < 3 && !rest.error && !rest.atEnd; ++reads) {
      readOnce(rest);
      settle();
      EXPECT_FALSE(rest.isPending());
    }
    EXPECT_TRUE(rest.error || rest.atEnd);
    EXPECT_EQ(poll(10ms), 0u);
  }

  void play(const std::function<void()>& start, How how) {
    const std::set<Fd> before = openFds();
    connect(tcpPair());
    now_ = std::make_unique<Operations>();
    sendAll(far_.get(), "a part");
    start();
    settle();
    const Pending pending = this->pending();
    EXPECT_FALSE(pending.empty());
    resetByPeer(how);
    for (const auto* each : pending) settleUntilDone(*each);
    settle();
    expectEnds(pending, how);
    expectNothingLeft();
    stream_.close();
    EXPECT_TRUE(openedSince(before).empty());
  }

  const std::string much_ = pattern(16 << 20);
  std::vector<char> into_ = std::vector<char>(1 << 20);
  const UniqueFd file_{::memfd_create("much", MFD_CLOEXEC)};
  std::unique_ptr<Operations> now_;
};

INSTANTIATE_TEST_SUITE_P(Backends, StreamResetTest, backends(), backendName);

TEST_P(StreamResetTest, EndsWhateverIsGoingOn) {
  for (const How how : {How::reset, How::endThenReset, How::endAndReset}) {
    for (std::size_t state = 0; state < states_.size(); ++state) {
      SCOPED_TRACE(testing::Message() << "state " << state << ", way " << static_cast<int>(how));
      play(states_[state], how);
      if (HasFailure()) return;
    }
  }
}

// One that nobody waits for is found by whoever comes next.
TEST_P(StreamResetTest, IsToldToWhatIsStartedLater) {
  for (const bool readsFirst : {true, false}) {
    connect(tcpPair());
    resetByPeer(How::reset);
    EXPECT_EQ(poll(10ms), 0u);
    Read read;
    Write write;
    if (readsFirst) readOnce(read);
    this->write(write, "x");
    if (!readsFirst) readOnce(read);
    settle();
    EXPECT_EQ(read.completions() + write.completions(), 2u);
    EXPECT_TRUE(isOfReset(read.error) && isOfReset(write.error));
    EXPECT_FALSE(read.atEnd);
  }
}

}  // namespace
}  // namespace kairos
