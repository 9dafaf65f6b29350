// SPDX-License-Identifier: MIT OR Apache-2.0
// What name servers may do to a resolver, and what its user may do while very much is under way.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/ioctl.h>

#include <chrono>
#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "kairos/tests/support/random_seed.h"
#include "kairos/tests/transports/raw_name_server.h"
#include "kairos/tests/transports/real_time_fixture.h"
#include "kairos/transports/resolver.h"

namespace kairos {
namespace {

using namespace std::chrono_literals;

using Resolve = Watched<ResolveOperation>;

class ResolverPeerTest : public RealTimeTransportTest {
 protected:
  void SetUp() override { make(200ms); }

  void make(Clock::duration tryTimeout, int tries = 1) {
    const Address server = server_.address();
    const ResolverOptions options{
        .servers = {&server, 1}, .tryTimeout = tryTimeout, .tries = tries};
    ok(Resolver::make(context_, options, resolver_));
  }

  void start(Resolve& resolve, std::string_view host = "host.test.") {
    ok(resolver_.resolve(resolve, host, 80, {.family = Address::Family::ipv4}, Resolve::done,
                         &resolve));
  }

  std::string nextQuestion() {
    std::string question = server_.question();
    EXPECT_FALSE(question.empty());
    return question;
  }

  // By TCP, as it was told to.
  UniqueFd nextConnection() {
    EXPECT_TRUE(server_.reply(RawNameServer::answer(nextQuestion(), 1, true)));
    UniqueFd connection;
    pollUntil([&] {
      settle();
      if (connection.get() < 0) connection = server_.accept();
      return connection.get() >= 0;
    });
    return connection;
  }

  void expectFailure(Resolve& resolve) {
    pollUntilDone(resolve);
    EXPECT_TRUE(resolve.error == ResolveError::noAnswer || resolve.error == ResolveError::temporary)
        << resolve.error.message();
    EXPECT_EQ(resolve.completions(), 1u);
    EXPECT_TRUE(resolve.addresses().empty());
  }

  void expectNothingLeft() {
    settle();
    EXPECT_EQ(openedSince(before_), std::set<Fd>());
    EXPECT_EQ(reactor_.poll(Reactor::forever).error, std::errc::resource_deadlock_would_occur);
  }

  RawNameServer server_;
  Resolver resolver_;
  const std::set<Fd> before_ = openFds();
};

INSTANTIATE_TEST_SUITE_P(Backends, ResolverPeerTest, backends(), backendName);

// Of any length, and with any bits changed: it is an answer, or none, or an error.
TEST_P(ResolverPeerTest, TakesWhateverIsSent) {
  Random random;
  for (int i = 0; i < 300 && !HasFailure(); ++i) {
    Resolve resolve;
    start(resolve);
    const std::string good = RawNameServer::answer(nextQuestion(), 1 + i % 40);
    std::string bad = good.substr(0, random.oneIn(2) ? random.below(good.size()) : good.size());
    for (std::size_t flips = random.below(4); flips > 0 && bad.size() > 2; --flips) {
      bad[2 + random.below(bad.size() - 2)] ^= static_cast<char>(1 << random.below(8));
    }
    if (!bad.empty()) server_.reply(bad);
    settle();
    resolver_.cancel(resolve);
    settle();
    EXPECT_EQ(resolve.completions(), 1u);
    EXPECT_EQ(resolve.addresses().empty(), static_cast<bool>(resolve.error));
    while (!server_.question().empty()) {
    }
  }
  expectNothingLeft();
}

// A reply that is not quite the answer `good`.
struct BadReply {
  const char* name;
  std::string (*make)(std::string good);
};

constexpr std::size_t headerBytes = 12;
// From the end of an answer: the name, the type, the class, the time, the length, the address.
constexpr std::size_t recordBytes = 16;

std::string changed(std::string reply, std::size_t at, std::string_view bytes) {
  return reply.replace(at, bytes.size(), bytes);
}

std::string withRecord(std::string reply, std::size_t at, std::string_view bytes) {
  const std::size_t record = reply.size() - recordBytes;
  return changed(std::move(reply), record + at, bytes);
}

// A name that is to be found where it stands itself.
std::string loopAt(std::size_t at) { return {'\xc0', static_cast<char>(at)}; }

const BadReply badReplies[] = {
    {"of nothing", [](std::string) { return std::string(); }},
    {"of a byte", [](std::string good) { return good.substr(0, 1); }},
    {"of a header", [](std::string good) { return good.substr(0, headerBytes); }},
    {"of garbage", [](std::string good) { return good.substr(0, 2) + std::string(60, '\xff'); }},
    {"to another number",
     [](std::string good) {
       good[0] = static_cast<char>(~good[0]);
       return good;
     }},
    {"to another question",
     [](std::string good) { return changed(std::move(good), headerBytes + 1, "g"); }},
    {"to another type",
     [](std::string good) {
       const std::size_t type = good.find('\0', headerBytes) + 1;
       return changed(std::move(good), type, {"\0\x0f", 2});
     }},
    {"cut in the question", [](std::string good) { return good.substr(0, headerBytes + 5); }},
    {"cut in the answer", [](std::string good) { return good.substr(0, good.size() - 5); }},
    {"without its answers",
     [](std::string good) { return good.substr(0, good.size() - recordBytes); }},
    {"whose question loops",
     [](std::string good) { return changed(std::move(good), headerBytes, loopAt(headerBytes)); }},
    {"whose answer loops",
     [](std::string good) {
       const std::size_t at = good.size() - recordBytes;
       return withRecord(std::move(good), 0, loopAt(at));
     }},
    {"whose name is beyond the end",
     [](std::string good) { return withRecord(std::move(good), 0, "\xff\xff"); }},
    {"whose address is beyond the end",
     [](std::string good) { return withRecord(std::move(good), 10, "\xff\xff"); }},
    {"whose address is too short",
     [](std::string good) {
       return withRecord(good.substr(0, good.size() - 1), 11, {"\0\3", 2});
     }},
};

// ID1: none of them is taken for the answer, and the question ends when it has been asked as often
// as it may be.
TEST_P(ResolverPeerTest, TakesNoReplyThatIsNotTheAnswer) {
  make(20ms, 2);
  for (const BadReply& bad : badReplies) {
    SCOPED_TRACE(bad.name);
    Resolve resolve;
    start(resolve);
    int asked = 0;
    while (resolve.isPending() && !HasFailure()) {
      for (std::string question; !(question = server_.question()).empty(); ++asked) {
        server_.reply(bad.make(RawNameServer::answer(question)));
      }
      poll(1ms);
    }
    EXPECT_TRUE(resolve.error);
    EXPECT_TRUE(resolve.addresses().empty());
    EXPECT_EQ(resolve.completions(), 1u);
    EXPECT_GE(asked, 1);
    EXPECT_LE(asked, 2);
    while (!server_.question().empty()) {
    }
  }
  expectNothingLeft();
}

// ID1: cut short it is asked for by TCP, and only what comes there counts.
TEST_P(ResolverPeerTest, TakesNothingOfAReplyThatSaysItIsCut) {
  Resolve resolve;
  start(resolve);
  std::string cut = RawNameServer::answer(nextQuestion());
  cut[2] = static_cast<char>(cut[2] | 2);
  server_.reply(cut);
  UniqueFd connection;
  pollUntil([&] {
    settle();
    if (connection.get() < 0) connection = server_.accept();
    return connection.get() >= 0;
  });
  EXPECT_TRUE(resolve.isPending());
  connection.reset();
  expectFailure(resolve);
}

// T85: neither for UDP nor for TCP.
TEST_P(ResolverPeerTest, MakesOnlySocketsThatNeitherBlockNorAreInherited) {
  const auto expectFlags = [this](std::size_t count) {
    const std::set<Fd> made = openedSince(before_);
    EXPECT_GE(made.size(), count);
    for (const Fd fd : made) {
      EXPECT_NE(::fcntl(fd, F_GETFL) & O_NONBLOCK, 0) << fd;
      EXPECT_NE(::fcntl(fd, F_GETFD) & FD_CLOEXEC, 0) << fd;
    }
  };
  Resolve resolve;
  start(resolve);
  expectFlags(1);
  const UniqueFd connection = nextConnection();
  expectFlags(2);
}

// A flood has to be read, but others have their turn.
TEST_P(ResolverPeerTest, ReadsABoundedPartOfAFloodPerPoll) {
  Resolve resolve;
  start(resolve);
  const std::string question = nextQuestion();
  std::string stray = RawNameServer::answer(question);
  stray[0] = static_cast<char>(~stray[0]);
  for (int i = 0; i < 200; ++i) server_.reply(stray);
  server_.reply(RawNameServer::answer(question));
  const std::set<Fd> sockets = openedSince(before_);
  ASSERT_EQ(sockets.size(), 1u);
  EXPECT_GT(poll(), 0u);
  int left = 0;
  ASSERT_EQ(::ioctl(*sockets.begin(), FIONREAD, &left), 0);
  EXPECT_GT(left, 0);
  pollUntilDone(resolve);
  ok(resolve.error);
}

TEST_P(ResolverPeerTest, KeepsNoMoreAddressesThanItSays) {
  Resolve resolve;
  start(resolve);
  UniqueFd connection = nextConnection();
  std::string question;
  pollUntil([&] {
    settle();
    question += receiveAll(connection.get());
    return question.size() > 2;
  });
  std::string answer = RawNameServer::answer(question.substr(2), 4000);
  for (int i = 0; i < 4000; ++i) {  // each another
    const std::size_t end = answer.size() - static_cast<std::size_t>(i) * 16;
    answer[end - 1] = static_cast<char>(i);
    answer[end - 2] = static_cast<char>(i >> 8);
  }
  const std::string framed = RawNameServer::withLength(answer);
  for (std::size_t at = 0; at < framed.size();) {
    const ssize_t sent = ::write(connection.get(), framed.data() + at, framed.size() - at);
    if (sent > 0) at += static_cast<std::size_t>(sent);
    poll();
  }
  pollUntilDone(resolve);
  ok(resolve.error);
  EXPECT_EQ(resolve.addresses().size(), ResolveOperation::addressesMax);
}

TEST_P(ResolverPeerTest, EndsWhateverBecomesOfTheConnection) {
  for (const std::string_view words : {"", "\x01", "\0\0", "\xff\xff", "\0\x0cgarbagegarba"}) {
    for (const bool closes : {true, false}) {
      const std::string bytes = words == "\0\0" ? std::string(2, '\0') : std::string(words);
      Resolve resolve;
      start(resolve);
      UniqueFd connection = nextConnection();
      if (!bytes.empty()) sendAll(connection.get(), bytes);
      if (closes) connection.reset();
      expectFailure(resolve);
    }
  }
  server_.refuseConnections();
  Resolve refused;
  start(refused);
  server_.reply(RawNameServer::answer(nextQuestion(), 1, true));
  expectFailure(refused);
  expectNothingLeft();
}

// Also those whose questions got lost.
TEST_P(ResolverPeerTest, AnswersThousandsAtOnce) {
  make(1s, 5);
  std::deque<Resolve> resolves(3000);
  for (std::size_t i = 0; i < resolves.size(); ++i) {
    start(resolves[i], "host" + std::to_string(i) + ".test.");
  }
  for (std::size_t i = 0; i < resolves.size(); i += 3) EXPECT_TRUE(resolver_.cancel(resolves[i]));
  for (Resolve& each : resolves) {
    while (each.isPending() && !HasFailure()) {
      for (std::string question; !(question = server_.question()).empty();) {
        server_.reply(RawNameServer::answer(question));
      }
      poll(10ms);
    }
  }
  for (std::size_t i = 0; i < resolves.size(); ++i) {
    EXPECT_EQ(resolves[i].completions(), 1u);
    EXPECT_EQ(resolves[i].error == std::errc::operation_canceled, i % 3 == 0);
  }
  while (!server_.question().empty()) {
  }
  expectNothingLeft();
}

TEST_P(ResolverPeerTest, LetsCallbacksCancelAndDestroy) {
  Resolve others[3];
  std::optional<Resolve> own;
  Resolve first([&] {
    EXPECT_FALSE(resolver_.cancel(first)) << "it is done";
    EXPECT_TRUE(resolver_.cancel(others[0]));
    EXPECT_FALSE(resolver_.cancel(others[0]));
    start(first, "::1");
    EXPECT_TRUE(first.isPending());
    first.setThen([&] { resolver_ = Resolver(); });
  });
  own.emplace([&] { own.reset(); });
  start(first);
  const std::string question = nextQuestion();
  start(*own, "::ffff:1");
  for (Resolve& each : others) start(each);
  settle();
  EXPECT_FALSE(own.has_value());
  nextQuestion();
  server_.reply(RawNameServer::answer(question));
  pollUntilDone(others[2]);
  settle();
  EXPECT_EQ(first.completions(), 2u);
  EXPECT_EQ(others[0].error, std::errc::operation_canceled);
  EXPECT_EQ(others[1].error, TransportError::closed);
  EXPECT_EQ(others[2].error, TransportError::closed);
  expectNothingLeft();
}

}  // namespace
}  // namespace kairos
