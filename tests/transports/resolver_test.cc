// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/transports/resolver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <fstream>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "kairos/tests/support/process_state.h"
#include "kairos/tests/transports/resolver_fixture.h"

namespace kairos {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::SizeIs;
using testing::UnorderedElementsAre;

class ResolverNameTest : public ResolverTest {
 protected:
  void SetUp() override { make(serverAt(server_.port())); }
};

INSTANTIATE_TEST_SUITE_P(Backends, ResolverNameTest, backends(), backendName);

TEST_P(ResolverNameTest, FindsAllAddressesOnce) {
  EXPECT_THAT(resolve("one.test."), ElementsAre("192.0.2.1:80"));
  EXPECT_THAT(resolve("ONE.test."), ElementsAre("192.0.2.1:80"));
  EXPECT_THAT(resolve("two.test."), UnorderedElementsAre("192.0.2.2:80", "192.0.2.3:80"));
  EXPECT_THAT(resolve("many.test."), SizeIs(1));
}

TEST_P(ResolverNameTest, AsksAgainAndOverTcp) {
  EXPECT_THAT(resolve("forgetful.test."), ElementsAre("192.0.2.5:80"));
  EXPECT_THAT(resolve("long.test."), ElementsAre("192.0.2.6:80"));
}

TEST_P(ResolverNameTest, KnowsPortsByTheirNames) {
  Resolve resolve;
  for (const std::string_view service : {"80", "http"}) {
    ok(resolver_.resolve(resolve, "one.test.", service, {}, Resolve::done, &resolve));
    while (resolve.isPending()) poll(1s);
    EXPECT_THAT(textOf(resolve), ElementsAre("192.0.2.1:80"));
    ok(resolver_.resolve(resolve, "::1", service, {}, Resolve::done, &resolve));
    while (resolve.isPending()) poll(1s);
    EXPECT_THAT(textOf(resolve), ElementsAre("[::1]:80"));
  }
  ok(resolver_.resolve(resolve, "one.test.", "no-such", {}, Resolve::done, &resolve));
  while (resolve.isPending()) poll(1s);
  EXPECT_EQ(resolve.error, ResolveError::unknownService);
}

// T127
TEST_P(ResolverNameTest, TellsOneFailureFromAnother) {
  EXPECT_EQ(failure("nowhere.test."), ResolveError::notFound);
  EXPECT_EQ(failure("nowhere.test."), std::errc::no_such_device_or_address);
  EXPECT_EQ(failure("one.test.", {.family = Address::Family::ipv6}), ResolveError::noAddress);
  EXPECT_EQ(failure("failing.test."), ResolveError::temporary);
  EXPECT_EQ(failure("failing.test."), std::errc::resource_unavailable_try_again);
  const std::string label(63, 'x');
  EXPECT_EQ(failure(label + ".test."), ResolveError::notFound);
  EXPECT_EQ(failure(label + "x.test."), ResolveError::badName);
  const std::string three = label + "." + label + "." + label + ".";
  EXPECT_EQ(failure(three + std::string(61, 'x') + "."), ResolveError::notFound) << "253 bytes";
  EXPECT_EQ(failure(three + std::string(62, 'x')), ResolveError::badName);
  Resolve resolve;
  EXPECT_EQ(resolver_.resolve(resolve, three + std::string(62, 'x') + ".", 80, {}, Resolve::done,
                              &resolve),
            std::errc::invalid_argument);
}

// ID1: what is no answer is as good as none.
TEST_P(ResolverNameTest, TakesOnlyAnswersToItsQuestions) {
  for (const std::string_view host : {"silent.test.", "garbled.test.", "stranger.test."}) {
    const auto error = failure(host);
    EXPECT_TRUE(error == ResolveError::noAnswer || error == ResolveError::temporary)
        << host << error.message();
  }
}

TEST_P(ResolverNameTest, ReportsThatNobodyIsThereToAsk) {
  make(nobody());
  EXPECT_EQ(failure("one.test."), ResolveError::temporary);
}

TEST_P(ResolverNameTest, EndsByTheTimeLimitOfTheOperation) {
  const ResolverOptions patient{.tryTimeout = 1h};
  ok(Resolver::make(context_, patient, resolver_));
  const Address server = serverAt(server_.port());
  ok(Resolver::make(context_, {.servers = {&server, 1}, .tryTimeout = 1h}, resolver_));
  const auto begin = Clock::now();
  EXPECT_EQ(failure("silent.test.", {.timeout = 50ms}), std::errc::timed_out);
  EXPECT_GE(Clock::now() - begin, 50ms);
}

// T95: meanwhile the loop goes on.
TEST_P(ResolverNameTest, NeverBlocksTheLoop) {
  struct Ticks {
    Reactor& reactor;
    int count = 0;
    static void tick(void* udata) {
      auto& self = *static_cast<Ticks*>(udata);
      ++self.count;
      EXPECT_NE(self.reactor.addTimer(10ms, tick, udata), TimerId::none);
    }
  } ticks{reactor_};
  const Address server = serverAt(server_.port());
  ok(Resolver::make(context_, {.servers = {&server, 1}, .tryTimeout = 1h}, resolver_));
  Ticks::tick(&ticks);
  Resolve resolve;
  start(resolve, "silent.test.", {.timeout = 1h});
  while (ticks.count < 10) poll(1s);
  EXPECT_TRUE(resolve.isPending());
  EXPECT_TRUE(resolver_.cancel(resolve));
  EXPECT_FALSE(resolver_.cancel(resolve));
  EXPECT_EQ(resolve.completions(), 0u);
  poll();
  EXPECT_EQ(resolve.completions(), 1u);
  EXPECT_EQ(resolve.error, std::errc::operation_canceled);
}

// ID2
TEST_P(ResolverNameTest, LeavesNothingBehind) {
  const auto before = openFds();
  {
    const auto expectNothing = [&] {
      while (poll() > 0) {
      }
      // The server, in its thread, may not have closed a connection yet.
      EXPECT_TRUE(eventually([&before] { return openedSince(before).empty(); }));
      EXPECT_EQ(reactor_.poll(Reactor::forever).error, std::errc::resource_deadlock_would_occur)
          << "nothing is registered";
    };
    resolve("one.test.");
    expectNothing();
    failure("nowhere.test.");
    expectNothing();
    resolve("long.test.");
    expectNothing();
    Resolve cancelled;
    start(cancelled, "silent.test.");
    EXPECT_FALSE(openedSince(before).empty());
    resolver_.cancel(cancelled);
    expectNothing();
    auto dropped = std::make_unique<Resolve>();
    start(*dropped, "silent.test.");
    dropped.reset();
    expectNothing();
  }
}

TEST_P(ResolverNameTest, CancelsOneOfMany) {
  std::array<Resolve, 20> resolves;
  for (std::size_t i = 0; i < resolves.size(); ++i) {
    start(resolves[i], i % 2 == 0 ? "one.test." : "silent.test.");
  }
  for (std::size_t i = 1; i < resolves.size(); i += 2) EXPECT_TRUE(resolver_.cancel(resolves[i]));
  for (std::size_t i = 0; i < resolves.size(); ++i) {
    finish(resolves[i]);
    const auto expected =
        i % 2 == 0 ? std::error_code() : std::make_error_code(std::errc::operation_canceled);
    EXPECT_EQ(resolves[i].error, expected);
  }
}

// ID2, T95: at each step of its way.
TEST_P(ResolverNameTest, MayBeCancelledDestroyedOrLeftAtEachStep) {
  for (int what = 0; what < 3; ++what) {
    for (int step = 0;; ++step) {
      make(serverAt(server_.port()));
      auto resolve = std::make_unique<Resolve>();
      std::size_t runs = 0;
      resolve->setThen([&] { ++runs; });
      start(*resolve, "long.test.");
      for (int i = 0; i < step && resolve->isPending(); ++i) poll(1s);
      const bool isOver = !resolve->isPending();
      if (what == 0) resolver_.cancel(*resolve);
      if (what == 1) resolver_ = Resolver();
      if (what == 2) resolve.reset();
      while (poll() > 0) {
      }
      EXPECT_EQ(runs, isOver || what < 2 ? 1u : 0u);
      if (what == 1 && !isOver) {
        EXPECT_EQ(resolve->error, TransportError::closed);
      }
      if (isOver || HasFailure()) break;
    }
  }
}

TEST_P(ResolverNameTest, AsksOnInACallback) {
  Resolve second;
  Resolve first([&] { start(second, "two.test."); });
  start(first, "one.test.");
  finish(first);
  finish(second);
  EXPECT_EQ(second.addresses().size(), 2u);
}

TEST_P(ResolverNameTest, EndsWithItsContext) {
  std::optional<TransportContext> context(std::in_place, reactor_);
  const Address server = serverAt(server_.port());
  ok(Resolver::make(*context, {.servers = {&server, 1}}, resolver_));
  Resolve resolve;
  start(resolve, "silent.test.");
  context.reset();
  EXPECT_EQ(resolve.completions(), 1u);
  EXPECT_EQ(resolve.error, TransportError::closed);
  EXPECT_EQ(resolver_.resolve(resolve, "::1", 1, {}, Resolve::done, &resolve),
            TransportError::closed);
}

// The hosts of this machine are asked for first.
TEST_P(ResolverNameTest, ReadsTheFileOfHosts) {
  std::ifstream file("/etc/hosts");
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line.substr(0, line.find('#')));
    std::string address;
    std::string name;
    if (!(words >> address >> name) || name.find("localhost") != name.npos) continue;
    if (address.find(':') != address.npos || name.find_first_of("0123456789") == 0) continue;
    make(nobody());
    EXPECT_THAT(resolve(name, {.family = Address::Family::ipv4}),
                testing::Contains(address + ":80"));
    return;
  }
  GTEST_SKIP() << "there is no host in /etc/hosts";
}

// With a server that nobody is at: what needs none does not notice.
class ResolverNumberTest : public ResolverTest {
 protected:
  void SetUp() override { make(nobody()); }
};

INSTANTIATE_TEST_SUITE_P(Backends, ResolverNumberTest, backends(), backendName);

// T126
TEST_P(ResolverNumberTest, AsksNobodyForNumbers) {
  const auto before = openFds();
  Resolve resolve;
  start(resolve, "192.0.2.77");
  EXPECT_EQ(resolve.completions(), 0u) << "never inside the call";
  EXPECT_TRUE(openedSince(before).empty());
  EXPECT_EQ(poll(), 1u);
  EXPECT_EQ(resolve.completions(), 1u);
  EXPECT_THAT(textOf(resolve), ElementsAre("192.0.2.77:80"));
  EXPECT_THAT(this->resolve("2001:DB8::1"), ElementsAre("[2001:db8::1]:80"));
  EXPECT_THAT(this->resolve("fe80::1%1"), ElementsAre("[fe80::1%1]:80"));
}

// T127
TEST_P(ResolverNumberTest, KnowsThisMachine) {
  for (const std::string_view host : {"localhost", "LOCALHOST.", "any.localhost"}) {
    EXPECT_THAT(resolve(host), ElementsAre("[::1]:80", "127.0.0.1:80"));
  }
  EXPECT_THAT(resolve("localhost", {.family = Address::Family::ipv4}), ElementsAre("127.0.0.1:80"));
  EXPECT_THAT(resolve("localhost", {.family = Address::Family::ipv6}), ElementsAre("[::1]:80"));
}

// T126, T127: nor for the sake of a port that has a name.
TEST_P(ResolverNumberTest, AsksNobodyForPorts) {
  const auto before = openFds();
  for (const std::string_view host :
       {"192.0.2.77", "::1", "fe80::1%1", "localhost", "LOCALHOST.", "any.localhost"}) {
    Resolve numbered;
    start(numbered, host);
    Resolve named;
    ok(resolver_.resolve(named, host, "http", {}, Resolve::done, &named));
    EXPECT_TRUE(openedSince(before).empty()) << host;
    EXPECT_EQ(poll(), 1u) << host;
    EXPECT_EQ(named.error, std::error_code()) << host << ": " << named.error.message();
    EXPECT_EQ(textOf(named), textOf(numbered)) << host;
  }
  Resolve resolve;
  ok(resolver_.resolve(resolve, "::1", "no-such", {}, Resolve::done, &resolve));
  finish(resolve);
  EXPECT_EQ(resolve.error, ResolveError::unknownService);
}

// T127
TEST_P(ResolverNumberTest, RefusesAddressesOfTheOtherFamily) {
  EXPECT_EQ(failure("::1", {.family = Address::Family::ipv4}), ResolveError::badFamily);
  EXPECT_EQ(failure("127.0.0.1", {.family = Address::Family::ipv6}),
            std::errc::address_family_not_supported);
}

// No name is like these, so nobody is asked by accident.
TEST_P(ResolverNumberTest, RefusesWhatIsNoHost) {
  Resolve resolve;
  const auto refused = [&](std::string_view host) {
    return resolver_.resolve(resolve, host, 80, {}, Resolve::done, &resolve);
  };
  for (const std::string_view host :
       {"", ".", ".test", "a..test", "127.1", "0177.0.0.1", "2130706433", "0x7f000001", "1.2.3.4.",
        "256.1.1.1", "1.2.3.4:80", "[::1]", "::1::", "::g", "a b", "a\n", "h\xc3\xb6st", "a/b"}) {
    EXPECT_EQ(refused(host), std::errc::invalid_argument) << host;
  }
  EXPECT_EQ(refused(std::string_view("a\0b", 3)), std::errc::invalid_argument);
  EXPECT_EQ(refused(std::string(255, 'a')), std::errc::invalid_argument);
  EXPECT_EQ(refused(std::string(1 << 20, 'a')), std::errc::invalid_argument);
  const auto service = [&](std::string_view text) {
    return resolver_.resolve(resolve, "::1", text, {}, Resolve::done, &resolve);
  };
  for (const std::string_view text : {"", "65536", "080", "-1", "+80", " 80", "80x y"}) {
    EXPECT_EQ(service(text), std::errc::invalid_argument) << text;
  }
  EXPECT_FALSE(resolve.isPending());
}

TEST_P(ResolverNumberTest, RefusesMisuse) {
  Resolve resolve;
  EXPECT_EQ(resolver_.resolve(resolve, "::1", 80, {}, nullptr, nullptr),
            std::errc::invalid_argument);
  EXPECT_EQ(resolver_.resolve(resolve, "::1", 80, {.timeout = 0s}, Resolve::done, &resolve),
            std::errc::invalid_argument);
  EXPECT_EQ(resolver_.resolve(resolve, "::1", 80, {.family = Address::Family::unixPath},
                              Resolve::done, &resolve),
            std::errc::invalid_argument);
  EXPECT_EQ(Resolver().resolve(resolve, "::1", 80, {}, Resolve::done, &resolve),
            TransportError::notConnected);
  start(resolve, "::1");
  EXPECT_EQ(resolver_.resolve(resolve, "::1", 80, {}, Resolve::done, &resolve),
            TransportError::busy);
  finish(resolve);
  EXPECT_EQ(Resolver::make(context_, {.tries = 0}, resolver_), std::errc::invalid_argument);
  EXPECT_EQ(Resolver::make(context_, {.tryTimeout = 0s}, resolver_), std::errc::invalid_argument);
  const std::vector<Address> servers(9, serverAt(53));
  EXPECT_EQ(Resolver::make(context_, {.servers = servers}, resolver_), std::errc::invalid_argument);
  const Address scoped = Address::ipv6({0xfe, 0x80}, 53, 1);
  EXPECT_EQ(Resolver::make(context_, {.servers = {&scoped, 1}}, resolver_),
            std::errc::invalid_argument);
}

}  // namespace
}  // namespace kairos
