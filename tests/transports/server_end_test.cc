// SPDX-License-Identifier: MIT OR Apache-2.0
// How accepting ends: by what, after which step, and what is left to whom.
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <utility>
#include <vector>

#include "kairos/tests/transports/server_fixture.h"

namespace kairos {
namespace {

class ServerEndTest : public ServerTest {};

INSTANTIATE_TEST_SUITE_P(Backends, ServerEndTest, backends(), backendName);

// T63: although connections of it are still open.
TEST_P(ServerEndTest, GivesItsPortBack) {
  listen(loopback());
  const Address address = address_;
  std::vector<StreamTransport> guests;
  for (int run = 0; run < 3; ++run) {
    Accept accepted;
    accepted.setThen([&] {
      if (!accepted.error) guests.push_back(std::move(accepted.stream));
    });
    ok(server_.start(accepted, Accept::done, &accepted));
    Connect connected;
    dial(connected);
    while (guests.size() <= static_cast<std::size_t>(run) && !HasFailure()) poll(Reactor::forever);
    EXPECT_TRUE(server_.stop());
    server_.close();
    settle();
    EXPECT_FALSE(accepted.isPending());
    EXPECT_EQ(accepted.completions(), 2u);
    listen(address);
    EXPECT_EQ(address_, address);
  }
}

// T74: cancelled and closed in either order, at once or one after the other, alone or on and on.
TEST_P(ServerEndTest, IsToldByWhatComesFirst) {
  const auto play = [this](bool isStart, bool cancelsFirst, bool isApart) {
    SCOPED_TRACE(testing::Message() << isStart << cancelsFirst << isApart);
    listen(loopback());
    Accept accepted;
    ok(isStart ? server_.start(accepted, Accept::done, &accepted)
               : server_.accept(accepted, Accept::done, &accepted));
    settle();
    if (!cancelsFirst) server_.close();
    if (!cancelsFirst && isApart) settle();
    EXPECT_EQ(server_.cancel(accepted), cancelsFirst);
    if (cancelsFirst && isApart) settle();
    server_.close();
    EXPECT_EQ(accepted.completions(), isApart ? 1u : 0u);
    settle();
    EXPECT_EQ(accepted.completions(), 1u);
    EXPECT_FALSE(accepted.isPending());
    EXPECT_EQ(accepted.error, std::errc::operation_canceled);
    EXPECT_EQ(accepted.error == TransportError::closed, !cancelsFirst);
  };
  for (const bool isStart : {false, true}) {
    for (const bool cancelsFirst : {false, true}) {
      for (const bool isApart : {false, true}) play(isStart, cancelsFirst, isApart);
    }
  }
}

// T82
TEST_P(ServerEndTest, LeaksNothingWhenAnAcceptIsCancelledAtAnyStep) {
  const auto before = openFds();
  for (int steps = 0; steps <= 20; ++steps) {
    SCOPED_TRACE(testing::Message() << "after " << steps << " polls");
    {
      listen(loopback());
      Accept accepted;
      accept(accepted);
      Connect connected;
      dial(connected);
      for (int i = 0; i < steps; ++i) poll();
      const bool cancelled = server_.cancel(accepted);
      settle();
      EXPECT_EQ(accepted.completions(), 1u);
      EXPECT_EQ(accepted.error == std::errc::operation_canceled, cancelled);
      EXPECT_NE(accepted.stream.isOpen(), cancelled);
      server_ = StreamServer();
    }
    EXPECT_TRUE(openedSince(before).empty());
  }
}

// T86, T130: a path that somebody else has bound is theirs, though the socket is not any more.
TEST_P(ServerEndTest, LeavesThePathOfASocketThatItAdopted) {
  const std::string path = socketPath("adopted");
  const Address address = pathAddress(path);
  UniqueFd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(::bind(listener.get(), address.sockaddrData(), address.sockaddrSize()), 0);
  ASSERT_EQ(::listen(listener.get(), 1), 0);
  const Fd fd = listener.get();
  ok(StreamServer::adopt(context_, fd, {}, server_));
  listener.release();
  ok(server_.localAddress(address_));
  EXPECT_EQ(address_, address);
  server_.close();
  EXPECT_FALSE(isOpen(fd));
  EXPECT_EQ(::access(path.c_str(), F_OK), 0);
  ::unlink(path.c_str());
}

}  // namespace
}  // namespace kairos
