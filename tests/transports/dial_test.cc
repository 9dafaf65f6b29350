// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/transports/dial.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>

#include "kairos/tests/transports/hole.h"
#include "kairos/tests/transports/resolver_fixture.h"
#include "kairos/transports/stream_server.h"

namespace kairos {
namespace {

using namespace std::chrono_literals;

using Dial = Watched<DialOperation>;

class DialTest : public ResolverTest {
 protected:
  void SetUp() override {
    make(serverAt(server_.port()));
    ok(StreamServer::listen(context_, serverAt(0), {}, listener_));
    ok(listener_.localAddress(address_));
  }

  std::string port() const { return std::to_string(address_.port()); }

  void start(Dial& dial, std::string_view host) {
    ok(kairos::dial(resolver_, dial, host, port(), {}, Dial::done, &dial));
  }

  void expectConnected(std::string_view host) {
    Dial dial;
    start(dial, host);
    EXPECT_EQ(dial.completions(), 0u);
    finish(dial);
    EXPECT_EQ(dial.error, std::error_code()) << host << dial.error.message();
    Address peer;
    ok(dial.stream.remoteAddress(peer));
    EXPECT_EQ(peer, address_);
  }

  StreamServer listener_;
  Address address_;
};

INSTANTIATE_TEST_SUITE_P(Backends, DialTest, backends(), backendName);

// T93
TEST_P(DialTest, ConnectsToTheFirstAddressThatAnswers) {
  for (const std::string_view host : {"local.test.", "dead.test.", "127.0.0.1", "localhost"}) {
    expectConnected(host);
  }
}

TEST_P(DialTest, ReportsWhatFailed) {
  Dial dial;
  start(dial, "nowhere.test.");
  finish(dial);
  EXPECT_EQ(dial.error, ResolveError::notFound);
  listener_.close();
  Dial second;
  start(second, "local.test.");
  finish(second);
  EXPECT_EQ(second.error, std::errc::connection_refused);
  EXPECT_FALSE(second.stream.isOpen());
}

TEST_P(DialTest, RefusesMisuse) {
  Dial dial;
  EXPECT_EQ(kairos::dial(resolver_, dial, "a", "1", {}, nullptr, nullptr),
            std::errc::invalid_argument);
  EXPECT_EQ(kairos::dial(resolver_, dial, "", "1", {}, Dial::done, &dial),
            std::errc::invalid_argument);
  Resolver empty;
  EXPECT_EQ(kairos::dial(empty, dial, "a", "1", {}, Dial::done, &dial),
            TransportError::notConnected);
  EXPECT_FALSE(dial.isPending());
  EXPECT_FALSE(cancel(dial));
  start(dial, "127.0.0.1");
  EXPECT_EQ(kairos::dial(resolver_, dial, "a", "1", {}, Dial::done, &dial), TransportError::busy);
  finish(dial);
}

// T90, T95: at each step of its way, name server, connecting and all.
TEST_P(DialTest, MayBeCancelledOrDestroyedAtEachStep) {
  for (const bool destroys : {false, true}) {
    for (int step = 0;; ++step) {
      const auto before = openFds();
      auto dial = std::make_unique<Dial>();
      std::size_t runs = 0;
      dial->setThen([&] { ++runs; });
      start(*dial, "local.test.");
      for (int i = 0; i < step && dial->isPending(); ++i) poll(1s);
      const bool isOver = !dial->isPending();
      if (destroys) {
        dial.reset();
      } else if (cancel(*dial)) {
        while (poll() > 0) {
        }
        EXPECT_EQ(dial->error, std::errc::operation_canceled);
      }
      while (poll() > 0) {
      }
      EXPECT_EQ(runs, isOver || !destroys ? 1u : 0u);
      dial.reset();
      EXPECT_TRUE(openedSince(before).empty());
      if (isOver || HasFailure()) break;
    }
  }
}

TEST_P(DialTest, EndsWithTheResolverWhileItIsAsked) {
  Dial dial;
  start(dial, "silent.test.");
  resolver_ = Resolver();
  finish(dial);
  EXPECT_EQ(dial.error, TransportError::closed);
}

// At each step of its way.
TEST_P(DialTest, EndsWithTheContext) {
  bool isOver = false;
  for (int step = 0; !isOver && !HasFailure(); ++step) {
    auto context = std::make_unique<TransportContext>(reactor_);
    const Address server = serverAt(server_.port());
    ok(Resolver::make(*context, {.servers = {&server, 1}}, resolver_));
    Dial dial;
    start(dial, "dead.test.");
    for (int i = 0; i < step && dial.isPending(); ++i) poll(1s);
    isOver = !dial.isPending();
    context.reset();
    EXPECT_EQ(dial.completions(), 1u);
    if (!isOver) {
      EXPECT_EQ(dial.error, TransportError::closed);
    }
    EXPECT_FALSE(dial.stream.isOpen());
  }
}

// Also one in another's callback, and itself in its own.
TEST_P(DialTest, MayBeDestroyedOrStartedAgainInACallback) {
  const auto before = openFds();
  auto other = std::make_unique<Dial>();
  std::optional<Dial> own;
  int runs = 0;
  own.emplace([&] {
    EXPECT_FALSE(cancel(*own)) << "it is done";
    other.reset();
    if (++runs == 1) return start(*own, "localhost");
    EXPECT_EQ(own->error, std::error_code());
    own.reset();
  });
  start(*own, "dead.test.");
  start(*other, "silent.test.");
  while (own.has_value()) poll(1s);
  EXPECT_EQ(runs, 2);
  listener_.close();
  while (poll() > 0) {
  }
  EXPECT_TRUE(openedSince(before).empty());
}

TEST_P(DialTest, ReportsThatNoneOfManyCanBeReached) {
  listener_.close();
  const auto before = openFds();
  for (const std::string_view host : {"dead.test.", "localhost", "127.0.0.1"}) {
    Dial dial;
    start(dial, host);
    finish(dial);
    EXPECT_EQ(dial.error, std::errc::connection_refused) << host;
    EXPECT_FALSE(dial.stream.isOpen());
  }
  EXPECT_TRUE(openedSince(before).empty());
}

}  // namespace
}  // namespace kairos
