// SPDX-License-Identifier: MIT OR Apache-2.0
//
// One connection of the file server by itself: what it costs.

#include "kairos/transports/examples/http/connection.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <list>
#include <string>
#include <string_view>

#include "kairos/reactor/reactor.h"
#include "kairos/tests/examples/peer_server.h"
#include "kairos/tests/support/allocations.h"
#include "kairos/tests/support/descriptors.h"
#include "kairos/transports/transport_context.h"

namespace kairos::examples {
namespace {

class ConnectionTest : public testing::Test, public ConnectionOwner {
 public:
  explicit ConnectionTest(const ServiceOptions& options = {}) : options_(options) {}

  void leave(Connection& connection) override { connections_.erase(connection.place); }

 protected:
  void SetUp() override {
    ASSERT_FALSE(Folder::open(directory_.path(), folder_));
    StreamTransport stream;
    const Fd ours = ::dup(pair_.near.get());
    ASSERT_FALSE(StreamTransport::adopt(context_, ours, stream));
    Connection& connection =
        connections_.emplace_front(*this, service_, std::move(stream), Address());
    connection.place = connections_.begin();
    connection.begin();
  }

  // What comes back until the loop has nothing to do.
  std::size_t bytesFor(std::string_view request) {
    std::size_t total = 0;
    EXPECT_EQ(::send(pair_.far.get(), request.data(), request.size(), 0),
              static_cast<ssize_t>(request.size()));
    while (reactor_.poll(Clock::duration::zero()).callbacks > 0 || total == 0) {
      const ssize_t size = ::recv(pair_.far.get(), buffer_.data(), buffer_.size(), MSG_DONTWAIT);
      if (size > 0) total += static_cast<std::size_t>(size);
    }
    return total;
  }

  void endPeer() {
    pair_.far = kairos::UniqueFd();
    for (int i = 0; i < 10 && !connections_.empty(); ++i) {
      EXPECT_FALSE(reactor_.poll(std::chrono::seconds(1)).error);
    }
  }

  TemporaryDirectory directory_;
  Folder folder_;
  const ServiceOptions options_;
  Pair pair_ = tcpPair();
  Reactor reactor_;
  TransportContext context_{reactor_};
  Service service_{reactor_, context_, folder_, options_};
  std::list<Connection> connections_;
  std::array<char, 65536> buffer_;
};

TEST_F(ConnectionTest, AllocatesNothingForARequestLikeTheLast) {
  directory_.write("small", std::string(1024, 'x'));
  directory_.write("medium", std::string(20000, 'x'));
  for (const char* path : {"/small", "/medium"}) {
    const std::string request = std::string("GET ") + path + " HTTP/1.1\r\nHost: a\r\n\r\n";
    for (int i = 0; i < 10; ++i) bytesFor(request);
    const AllocationCount count;
    std::size_t bytes = 0;
    for (int i = 0; i < 50; ++i) bytes += bytesFor(request);
    // A file is looked at again once a second, which may take a few.
    EXPECT_LT(count.allocations(), 20u) << path;
    EXPECT_GT(bytes, 50 * 1024u);
  }
}

TEST_F(ConnectionTest, HasNoBufferBetweenRequests) {
  directory_.write("small", std::string(1024, 'x'));
  bytesFor("GET /small HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_LE(sizeof(Connection), 1536u);
  ASSERT_EQ(connections_.size(), 1u);
}

// It ends in order, so that no reset takes the answer away, and not before the peer does.
TEST_F(ConnectionTest, WaitsForThePeerAfterTheLastAnswer) {
  const std::string unread(20000, 'x');
  const std::string request = "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n";
  EXPECT_GT(bytesFor(request + unread), 0u);
  EXPECT_EQ(connections_.size(), 1u);
  EXPECT_EQ(::recv(pair_.far.get(), buffer_.data(), buffer_.size(), MSG_DONTWAIT), 0);
  endPeer();
  EXPECT_TRUE(connections_.empty());
}

TEST_F(ConnectionTest, IsGoneWhenThePeerIs) {
  endPeer();
  EXPECT_TRUE(connections_.empty());
}

class SlowConnectionTest : public ConnectionTest {
 protected:
  static ServiceOptions impatient() {
    ServiceOptions options;
    options.idleTime = std::chrono::milliseconds(30);
    return options;
  }

  SlowConnectionTest() : ConnectionTest(impatient()) {}

  void SetUp() override {
    ConnectionTest::SetUp();
    directory_.write("vast", "");
    std::filesystem::resize_file(directory_.path() / "vast", 1ull << 36);
    constexpr std::string_view request = "GET /vast HTTP/1.1\r\nHost: a\r\n\r\n";
    ASSERT_EQ(::send(pair_.far.get(), request.data(), request.size(), 0),
              static_cast<ssize_t>(request.size()));
  }
};

TEST_F(SlowConnectionTest, MayTakeItsTimeAsLongAsTheAnswerMoves) {
  const auto end = Clock::now() + 10 * options_.idleTime;
  while (Clock::now() < end && !connections_.empty()) {
    for (int i = 0; i < 32; ++i) {
      static_cast<void>(!::recv(pair_.far.get(), buffer_.data(), buffer_.size(), MSG_DONTWAIT));
    }
    EXPECT_FALSE(reactor_.poll(std::chrono::milliseconds(1)).error);
  }
  EXPECT_EQ(connections_.size(), 1u);
}

TEST_F(SlowConnectionTest, IsEndedWhenItDoesNotMove) {
  const auto enough = Clock::now() + std::chrono::seconds(30);
  while (Clock::now() < enough && !connections_.empty()) {
    EXPECT_FALSE(reactor_.poll(std::chrono::milliseconds(10)).error);
  }
  EXPECT_TRUE(connections_.empty());
}

}  // namespace
}  // namespace kairos::examples
