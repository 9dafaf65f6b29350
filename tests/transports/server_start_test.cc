// SPDX-License-Identifier: MIT OR Apache-2.0
// Accepting on and on: start and stop.
#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "kairos/tests/support/process_state.h"
#include "kairos/tests/transports/server_fixture.h"

namespace kairos {
namespace {

using namespace std::chrono_literals;

class ServerStartTest : public ServerTest {
 protected:
  // Each connection that `accepted_` shows is kept in `streams_`.
  void start() {
    accepted_.setThen([this] {
      if (!accepted_.error) streams_.push_back(std::move(accepted_.stream));
    });
    restart();
  }
  void restart() { ok(server_.start(accepted_, Accept::done, &accepted_)); }

  void dialMany(std::deque<Connect>& connects) {
    for (Connect& each : connects) dial(each);
    settle();
  }

  // The peer does not hang up.
  static bool isConnected(const Connect& connect) {
    char byte;
    return ::recv(connect.stream.fd(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
  }

  Accept accepted_;
  std::vector<StreamTransport> streams_;
};

INSTANTIATE_TEST_SUITE_P(Backends, ServerStartTest, backends(), backendName);

TEST_P(ServerStartTest, AcceptsUntilItIsStopped) {
  listen(abstractAddress("start"));
  start();
  for (std::size_t n = 1; n <= 20; ++n) {
    Connect connected;
    dial(connected);
    settle();
    ok(connected.error);
    EXPECT_EQ(streams_.size(), n);
    EXPECT_EQ(accepted_.completions(), n);
    EXPECT_TRUE(accepted_.isPending());
  }
  EXPECT_TRUE(server_.stop());
  EXPECT_FALSE(server_.stop());
  EXPECT_EQ(accepted_.completions(), 20u) << "not inside the call";
  settle();
  EXPECT_EQ(accepted_.completions(), 21u);
  EXPECT_EQ(accepted_.error, std::errc::operation_canceled);
  EXPECT_NE(accepted_.error, TransportError::closed);
  EXPECT_FALSE(accepted_.isPending());
}

// T65, T84: those who came meanwhile are accepted then.
TEST_P(ServerStartTest, StartsAgainAndLeavesConnectionsAlone) {
  listen(abstractAddress("start"));
  start();
  std::deque<Connect> connects(3);
  dial(connects[0]);
  settle();
  EXPECT_TRUE(server_.stop());
  settle();
  dial(connects[1]);
  settle();
  EXPECT_EQ(poll(1s), 0u) << "a stopped server sleeps";
  ok(connects[1].error);
  EXPECT_EQ(streams_.size(), 1u);
  EXPECT_TRUE(isConnected(connects[0]));

  restart();
  dial(connects[2]);
  settle();
  EXPECT_EQ(streams_.size(), 3u);
  server_.close();
  settle();
  EXPECT_EQ(accepted_.error, TransportError::closed);
  for (const Connect& each : connects) EXPECT_TRUE(isConnected(each));
}

// T64
TEST_P(ServerStartTest, IsNotStoppedUnlessItRuns) {
  EXPECT_FALSE(server_.stop());
  EXPECT_EQ(server_.start(accepted_, Accept::done, &accepted_), TransportError::notConnected);
  listen(abstractAddress("start"));
  EXPECT_FALSE(server_.stop());
  EXPECT_EQ(server_.start(accepted_, nullptr, nullptr), std::errc::invalid_argument);
  accept(accepted_);
  EXPECT_FALSE(server_.stop());
  EXPECT_EQ(server_.start(accepted_, Accept::done, &accepted_), TransportError::busy);
  Accept other;
  EXPECT_EQ(server_.start(other, Accept::done, &other), TransportError::busy);
  EXPECT_FALSE(other.isPending());
}

// T73
TEST_P(ServerStartTest, RefusesToAcceptOneBesides) {
  listen(abstractAddress("start"));
  Accept other;
  const auto expectRefusals = [&] {
    EXPECT_EQ(server_.accept(other, Accept::done, &other), TransportError::busy);
    EXPECT_EQ(server_.accept(accepted_, Accept::done, &accepted_), TransportError::busy);
    EXPECT_EQ(server_.start(other, Accept::done, &other), TransportError::busy);
    EXPECT_EQ(server_.start(accepted_, Accept::done, &accepted_), TransportError::busy);
    EXPECT_FALSE(server_.cancel(other));
  };
  start();
  expectRefusals();
  accepted_.setThen([&] {
    if (accepted_.isPending()) expectRefusals();
  });
  Connect connected;
  dial(connected);
  settle();
  EXPECT_EQ(accepted_.completions(), 1u);
  EXPECT_TRUE(server_.cancel(accepted_));
  EXPECT_FALSE(server_.cancel(accepted_));
  settle();
  EXPECT_EQ(accepted_.completions(), 2u);
  accept(other);
  dial(connected);
  settle();
  EXPECT_EQ(other.completions(), 1u);
  ok(other.error);
}

// T78: within the budget of the context, and the others have their turn between.
TEST_P(ServerStartTest, AcceptsAllThatWaitInFewWakeUps) {
  constexpr std::size_t many = 500;
  if (raiseFdLimit() < 4 * many) GTEST_SKIP() << "too few descriptors";
  listen(abstractAddress("many"));
  std::deque<Connect> connects(many);
  dialMany(connects);
  connect(pair());
  sendAll(far_.get(), "x");
  Read read;
  readOnce(read);
  start();
  std::size_t wakeUps = 0;
  for (; streams_.size() < many && wakeUps < many; ++wakeUps) {
    poll();
    EXPECT_EQ(read.completions(), 1u) << "a full backlog does not hold up a stream";
  }
  EXPECT_EQ(streams_.size(), many);
  EXPECT_LE(wakeUps, many / TransportContext::completionsPerCallbackMax + 2);
}

// So many are served at a time, though more want to be; all have their turn.
TEST_P(ServerStartTest, LimitsConnectionsByStoppingAtEnough) {
  constexpr std::size_t most = 3;
  listen(abstractAddress("most"));
  std::deque<Connect> connects(20);
  dialMany(connects);
  std::size_t served = 0;
  accepted_.setThen([&] {
    if (accepted_.error) return;
    streams_.push_back(std::move(accepted_.stream));
    if (streams_.size() == most) {
      EXPECT_TRUE(server_.stop());
    }
  });
  while (served < connects.size() && !HasFailure()) {
    if (!accepted_.isPending()) restart();
    settle();
    EXPECT_LE(streams_.size(), most);
    ASSERT_FALSE(streams_.empty());
    streams_.pop_back();
    ++served;
  }
  server_.close();
  settle();
}

// T81
TEST_P(ServerStartTest, MayBeStoppedClosedOrDestroyedInItsCallback) {
  using End = void (*)(StreamServer&);
  const End ends[] = {
      [](StreamServer& server) { EXPECT_TRUE(server.stop()); },
      [](StreamServer& server) { server.close(); },
      [](StreamServer& server) { server = StreamServer(); },
  };
  const auto before = openFds();
  for (const End end : ends) {
    listen(abstractAddress("ends"));
    std::deque<Connect> connects(5);
    dialMany(connects);
    std::size_t accepted = 0;
    accepted_.setThen([&] {
      if (!accepted_.error && ++accepted == 2) end(server_);
    });
    const std::size_t completions = accepted_.completions();
    restart();
    settle();
    EXPECT_EQ(accepted, 2u) << "no more after the end";
    EXPECT_EQ(accepted_.completions() - completions, 3u) << "and the end is told once";
    EXPECT_EQ(accepted_.error, std::errc::operation_canceled);
    EXPECT_FALSE(accepted_.isPending());
    EXPECT_FALSE(accepted_.stream.isOpen());
    for (std::size_t i = 2; i < connects.size(); ++i) {
      EXPECT_EQ(isConnected(connects[i]), server_.isOpen()) << "who waits is refused by the end";
    }
    server_ = StreamServer();
  }
  EXPECT_TRUE(openedSince(before).empty());
}

// What is accepted already is not lost.
TEST_P(ServerStartTest, ShowsWhatItHasBeforeItStops) {
  listen(abstractAddress("has"));
  Connect connected;
  dial(connected);
  settle();
  start();
  EXPECT_TRUE(server_.stop());
  settle();
  EXPECT_EQ(streams_.size(), 1u);
  EXPECT_EQ(accepted_.completions(), 2u);
  EXPECT_EQ(accepted_.error, std::errc::operation_canceled);
  EXPECT_TRUE(isConnected(connected));
}

TEST_P(ServerStartTest, GoesOnAfterAnException) {
  listen(abstractAddress("throws"));
  std::deque<Connect> connects(2);
  dialMany(connects);
  accepted_.setThen([&] {
    if (accepted_.completions() == 1) throw std::runtime_error("a user's");
  });
  restart();
  EXPECT_THROW(reactor_.poll(0ms), std::runtime_error);
  settle();
  EXPECT_EQ(accepted_.completions(), 2u);
  EXPECT_TRUE(accepted_.isPending());
}

// The newcomers stay with the server, which another operation can ask.
TEST_P(ServerStartTest, ForgetsAnOperationThatIsDestroyedAtAnyStep) {
  const auto before = openFds();
  for (int steps = 0; steps <= 3; ++steps) {
    for (const bool isInCallback : {false, true}) {
      listen(abstractAddress("forgets"));
      std::deque<Connect> connects(2);
      auto first = std::make_unique<Accept>();
      if (isInCallback) first->setThen([&first] { first.reset(); });
      ok(server_.start(*first, Accept::done, first.get()));
      dial(connects[0]);
      for (int i = 0; i < steps; ++i) poll();
      first.reset();
      EXPECT_FALSE(server_.stop());
      dial(connects[1]);
      Accept second;
      ok(server_.start(second, Accept::done, &second));
      settle();
      ok(second.error);
      EXPECT_GE(second.completions(), 1u);
      server_ = StreamServer();
      settle();
    }
  }
  EXPECT_TRUE(openedSince(before).empty());
}

TEST_P(ServerStartTest, EndsAtOnceOnAClosedServer) {
  listen(abstractAddress("start"));
  server_.close();
  start();
  server_ = StreamServer();
  settle();
  EXPECT_EQ(accepted_.completions(), 1u);
  EXPECT_EQ(accepted_.error, TransportError::closed);
}

// T75: the callback is told, once, and accepting goes on.
TEST_P(ServerStartTest, GoesOnAfterWantOfDescriptors) {
  if (underSanitizerThatNeedsDescriptors()) GTEST_SKIP() << noDescriptorsForSanitizer;
  listen(abstractAddress("start"));
  Connect connected;
  dial(connected);
  settle();
  std::size_t polls = 0;
  {
    const DescriptorLimit limit;
    start();
    settle();
    EXPECT_EQ(accepted_.error, std::errc::too_many_files_open);
    EXPECT_TRUE(accepted_.isPending());
    const auto since = time_.elapsed();
    for (; time_.elapsed() - since < 1s; ++polls) poll(1s);
  }
  EXPECT_LE(polls, 20u);
  EXPECT_EQ(accepted_.completions(), 1u);
  poll(100ms);
  EXPECT_EQ(streams_.size(), 1u);
}

TEST_P(ServerStartTest, RestsWhenItCannotBeWatched) {
  listen(abstractAddress("start"));
  time_.failWatch(std::errc::no_space_on_device, 3);
  start();
  settle();
  EXPECT_EQ(accepted_.error, std::errc::no_space_on_device);
  EXPECT_EQ(accepted_.completions(), 1u);
  while (time_.elapsed() < 200ms) poll(100ms);
  Connect connected;
  dial(connected);
  settle();
  EXPECT_EQ(streams_.size(), 1u);
  EXPECT_EQ(accepted_.completions(), 2u);
}

TEST_P(ServerStartTest, EndsWithItsContext) {
  auto context = std::make_unique<TransportContext>(reactor_);
  ok(StreamServer::listen(*context, abstractAddress("start"), {}, server_));
  start();
  context.reset();
  EXPECT_EQ(accepted_.completions(), 1u);
  EXPECT_EQ(accepted_.error, TransportError::closed);
  EXPECT_EQ(server_.start(accepted_, Accept::done, &accepted_), TransportError::closed);
}

}  // namespace
}  // namespace kairos
