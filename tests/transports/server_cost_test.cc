// SPDX-License-Identifier: MIT OR Apache-2.0
// What accepting costs in system calls and allocations. On real time: epoll is counted.
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>
#include <cstddef>
#include <utility>
#include <vector>

#include "kairos/tests/support/allocations.h"
#include "kairos/tests/support/system_calls.h"
#include "kairos/tests/transports/server_fixture.h"

namespace kairos {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t guestsMax = 50;

// Reads what its guests say.
class Host {
 public:
  Host(TransportContext& context, const Address& address) {
    EXPECT_FALSE(StreamServer::listen(context, address, {}, server_));
    EXPECT_FALSE(server_.localAddress(address_));
    EXPECT_FALSE(server_.start(accept_, onAccepted, this));
  }

  const Address& address() const { return address_; }
  std::size_t guests() const { return guests_; }
  std::size_t words() const { return words_; }
  void dropAll() {
    for (StreamTransport& each : streams_) each = StreamTransport();
    guests_ = 0;
  }

 private:
  static void onAccepted(void* udata) { static_cast<Host*>(udata)->welcome(); }
  void welcome() {
    ASSERT_FALSE(accept_.error);
    const std::size_t guest = guests_++;
    streams_[guest] = std::move(accept_.stream);
    reads_[guest].setThen([this, guest] {
      if (reads_[guest].error) return;
      ++words_;
      listen(guest);
    });
    listen(guest);
  }
  void listen(std::size_t guest) {
    EXPECT_FALSE(streams_[guest].readOnce(reads_[guest], Read::done, &reads_[guest]));
  }

  StreamServer server_;
  Address address_;
  AcceptOperation accept_;
  std::array<StreamTransport, guestsMax> streams_;
  std::array<Read, guestsMax> reads_;
  std::size_t guests_ = 0;
  std::size_t words_ = 0;
};

class ServerCostTest : public testing::Test {
 protected:
  // Connected already, as far as the OS is concerned.
  std::vector<UniqueFd> visit(std::size_t count) {
    std::vector<UniqueFd> visitors;
    for (std::size_t i = 0; i < count; ++i) {
      const Address& to = host_.address();
      visitors.emplace_back(::socket(to.sockaddrData()->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
      EXPECT_EQ(::connect(visitors.back().get(), to.sockaddrData(), to.sockaddrSize()), 0);
    }
    return visitors;
  }

  Reactor reactor_;
  TransportContext context_{reactor_};
  Host host_{context_, abstractAddress("cost")};
};

// S0-39 to S0-42: for k who wait, one wait, k + 1 calls to accept them, and for each of them a
// change of what is watched and the stream itself.
TEST_F(ServerCostTest, AcceptingOneMoreCostsACallAWatchAndAStream) {
  const auto acceptAll = [this](std::size_t count) {
    while (host_.guests() < count) ASSERT_FALSE(reactor_.poll(Reactor::forever).error);
  };
  const auto dropAll = [this] {
    host_.dropAll();
    while (reactor_.poll(0ms).callbacks > 0) {
    }
  };
  {
    const auto first = visit(guestsMax);  // the reactor's table grows, and stays
    acceptAll(guestsMax);
    dropAll();
  }
  for (const std::size_t count : {std::size_t{1}, guestsMax}) {
    const auto visitors = visit(count);
    const SystemCallCount calls;
    const AllocationCount allocations;
    acceptAll(count);
    EXPECT_EQ(calls.waits(), 1u);
    EXPECT_EQ(calls[SystemCall::accept], count + 1);
    EXPECT_EQ(calls[SystemCall::epollCtl], count);
    EXPECT_EQ(calls[SystemCall::epollAdd], count);
    EXPECT_EQ(calls[SystemCall::fcntl] + calls[SystemCall::setsockopt], 0u);
    EXPECT_EQ(allocations.allocations(), count);

    for (int round = 0; round < 10; ++round) {
      const std::size_t words = host_.words();
      for (const UniqueFd& visitor : visitors) sendAll(visitor.get(), "word");
      while (host_.words() < words + count) reactor_.poll(Reactor::forever);
    }
    EXPECT_EQ(calls[SystemCall::epollCtl], count) << "watched for its life";
    dropAll();
    EXPECT_EQ(calls[SystemCall::epollCtl], 2 * count) << "and forgotten";
    EXPECT_EQ(calls[SystemCall::epollAdd], count);
  }
}

}  // namespace
}  // namespace kairos
