// SPDX-License-Identifier: MIT OR Apache-2.0
// Each allocation, ours or that of c-ares, and each system call of a question fails once, or from
// then on: its operation ends once, with an address or an error, and nothing is left.
#include <ares.h>
#include <dlfcn.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "kairos/tests/transports/faults.h"
#include "kairos/tests/transports/fixture.h"
#include "kairos/tests/transports/hole.h"
#include "kairos/tests/transports/raw_name_server.h"
#include "kairos/transports/dial.h"
#include "kairos/transports/resolver.h"

namespace kairos {
namespace {

using namespace std::chrono_literals;

using Resolve = Watched<ResolveOperation>;

class ResolverFaultTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    // As the linker has put them in their place here.
    EXPECT_EQ(::ares_library_init_mem(ARES_LIB_INIT_ALL, std::malloc, std::free, std::realloc),
              ARES_SUCCESS);
  }
  static void TearDownTestSuite() { ::ares_library_cleanup(); }

  // One question.
  struct Asking {
    Asking(Reactor& reactor, const Address& server) : context(reactor) {
      const ResolverOptions options{.servers = {&server, 1}, .tryTimeout = 50ms, .tries = 1};
      refusal = Resolver::make(context, options, resolver);
      if (refusal) return;
      refusal = resolver.resolve(resolve, "host.test.", 80,
                                 {.family = Address::Family::ipv4, .timeout = 200ms}, Resolve::done,
                                 &resolve);
    }

    Resolve resolve;
    TransportContext context;
    Resolver resolver;
    std::error_code refusal;
  };

  // What the server does is no part of it.
  template <class Guard>
  void serve(Guard& guard) {
    guard.arm(false);
    for (std::string question; !(question = server_.question()).empty();) {
      server_.reply(RawNameServer::answer(question, 1, isLong_));
    }
    if (isLong_ && connection_.get() < 0) {
      asked_.clear();
      connection_ = server_.accept();
    }
    if (connection_.get() >= 0) asked_ += receiveAll(connection_.get());
    if (asked_.size() > 20) {
      const std::string answer = RawNameServer::withLength(RawNameServer::answer(asked_.substr(2)));
      static_cast<void>(::send(connection_.get(), answer.data(), answer.size(), MSG_NOSIGNAL));
      asked_.clear();
    }
    guard.arm(true);
  }

  template <class Guard>
  std::error_code ask(Guard& guard) {
    connection_.reset();
    while (server_.accept().get() >= 0) {
    }
    Reactor reactor;
    reactor.removeTimer(reactor.addTimer(
        0s, [](void*) {}, nullptr));
    guard.arm(true);
    std::optional<Asking> asking(std::in_place, reactor, server_.address());
    const auto start = Clock::now();
    const auto patience = guard.mayHang() ? Clock::duration(300ms) : 20s;
    while (asking->resolve.isPending() && Clock::now() - start < patience) {
      if (reactor.poll(1ms).callbacks == 0) serve(guard);
    }
    guard.arm(false);
    EXPECT_TRUE(!asking->resolve.isPending() || guard.mayHang());
    const std::error_code refusal = asking->refusal;
    Resolve& resolve = asking->resolve;
    asking->resolver = Resolver();
    for (int polls = 0; polls < 10; ++polls) reactor.poll(0s);
    EXPECT_EQ(resolve.completions(), refusal ? 0u : 1u);
    EXPECT_EQ(resolve.addresses().empty(), refusal || resolve.error);
    const std::error_code error = refusal ? refusal : resolve.error;
    asking.reset();
    EXPECT_EQ(reactor.poll(Reactor::forever).error, std::errc::resource_deadlock_would_occur);
    return error;
  }

  // How often it happened.
  template <class MakeGuard, class Check>
  std::size_t sweep(MakeGuard makeGuard, Check check) {
    SCOPED_TRACE(isLong_ ? "by TCP" : "by UDP");
    return sweepFaults(makeGuard, [&](auto& guard) {
      const std::error_code error = ask(guard);
      connection_.reset();
      if (guard.happened()) check(error);
    });
  }

  RawNameServer server_;
  bool isLong_ = false;
  UniqueFd connection_;
  std::string asked_;
};

TEST_F(ResolverFaultTest, SurvivesTheWantOfMemory) {
  for (const std::size_t times : {std::size_t{1}, always}) {
    for (const bool isLong : {false, true}) {
      isLong_ = isLong;
      const std::size_t moments =
          sweep([times](std::size_t nth) { return std::make_unique<NoMemory>(nth, times); },
                [](std::error_code) {});
      EXPECT_GE(moments, 10u);
    }
  }
}

TEST_F(ResolverFaultTest, EndsWithErrorsOfTheOs) {
  for (const CallFault& fault :
       {CallFault{SystemCall::socket, EMFILE}, CallFault{SystemCall::socket, ENOBUFS},
        CallFault{SystemCall::connect, ENETUNREACH}, CallFault{SystemCall::sendmsg, EPERM},
        CallFault{SystemCall::sendmsg, ENOBUFS}, CallFault{SystemCall::epollCtl, ENOSPC},
        CallFault{SystemCall::epollCtl, ENOMEM}}) {
    for (const bool isLong : {false, true}) {
      isLong_ = isLong;
      SCOPED_TRACE(testing::Message() << fault);
      const std::size_t moments =
          sweep([&](std::size_t nth) { return std::make_unique<FailedCall>(fault, nth, always); },
                [&](std::error_code error) {
                  EXPECT_TRUE(!error || error == ResolveError::temporary ||
                              error == ResolveError::noAnswer || error.value() == fault.error)
                      << error.message();
                });
      EXPECT_GT(moments, 0u);
    }
  }
}

// A want of descriptors is no fault of the name server.
TEST_F(ResolverFaultTest, SaysThatDescriptorsRanOut) {
  FailedCall guard({SystemCall::socket, EMFILE}, 1, always);
  EXPECT_EQ(ask(guard), std::errc::too_many_files_open);
}

// T94: of a dial that failed its operation is left, and no list of addresses.
TEST_F(ResolverFaultTest, KeepsNoAddressOfADialThatFailed) {
  Reactor reactor;
  TransportContext context(reactor);
  const Address server = server_.address();
  Resolver resolver;
  ASSERT_FALSE(Resolver::make(context, {.servers = {&server, 1}}, resolver));
  const Hole nobody(Address::ipv4({127, 0, 0, 1}, 0));
  const std::string port = std::to_string(nobody.address().port());
  using Dial = Watched<DialOperation>;
  // Nobody listens at this address.
  const auto fail = [&](Dial& dial) {
    ASSERT_FALSE(kairos::dial(resolver, dial, "host.test.", port,
                              {.resolve = {.family = Address::Family::ipv4}}, Dial::done, &dial));
    while (dial.isPending()) {
      for (std::string question; !(question = server_.question()).empty();) {
        server_.reply(RawNameServer::answer(question, 3, false, {"\x7f\0\0\2", 4}));
      }
      reactor.poll(1ms);
    }
    EXPECT_EQ(dial.error, std::errc::connection_refused);
  };
  {
    Dial first;
    fail(first);
  }
  Dial second;
  const AllocationCount memory;
  fail(second);
  EXPECT_EQ(memory.bytes(), 0);
}

}  // namespace
}  // namespace kairos
