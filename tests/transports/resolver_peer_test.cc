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

#include "kairos/tests/support/close_on_exec.h"
#include "kairos/tests/support/no_surprises.h"
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

// An answer, or a part of one. Its name, unless it is given, is that of the question.
struct Record {
  enum Type : char { address = 1, alias = 5 };
  Type type;
  std::string data;
  std::string name = {'\xc0', 12};
  char seconds = 60;
};

std::string reply(const std::string& question, const std::vector<Record>& records) {
  std::string message = RawNameServer::answer(question, 0);
  message[7] = static_cast<char>(records.size());
  for (const Record& each : records) {
    message += each.name;
    message += {0, each.type, 0, 1, 0, 0, 0, each.seconds, 0, static_cast<char>(each.data.size())};
    message += each.data;
  }
  return message;
}

const std::string anAddress("\xc0\0\2\x63", 4);  // 192.0.2.99
const std::string anAlias("\5other\4test\0", 12);

// What is not meant for it, or is none, does not satisfy a question.
TEST_P(ResolverPeerTest, TakesNoAnswerButItsOwn) {
  UniqueFd stranger(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const auto forge = [&](const std::string& question) {
    const std::string forged = reply(question, {{Record::address, anAddress}});
    std::string ofAnotherNumber = forged;
    ofAnotherNumber[1] = static_cast<char>(~ofAnotherNumber[1]);
    std::string ofAnotherName = forged;
    ofAnotherName[13] = 'x';
    server_.reply(ofAnotherNumber);
    server_.reply(ofAnotherName);
    server_.reply(std::string_view(forged).substr(0, 11));
    server_.replyFrom(stranger.get(), forged);
  };
  Resolve resolve;
  start(resolve);
  const std::string question = nextQuestion();
  forge(question);
  settle();
  EXPECT_TRUE(resolve.isPending());
  server_.reply(RawNameServer::answer(question));
  pollUntilDone(resolve);
  ok(resolve.error);
  ASSERT_EQ(resolve.addresses().size(), 1u);
  EXPECT_EQ(resolve.addresses()[0].toString(), "192.0.2.1:80");

  Resolve unanswered;
  start(unanswered);
  forge(nextQuestion());
  expectFailure(unanswered);
  stranger.reset();
  expectNothingLeft();
}

// Two aliases that stand for each other.
TEST_P(ResolverPeerTest, FollowsNoAliasForEver) {
  Resolve resolve;
  start(resolve);
  server_.reply(
      reply(nextQuestion(), {{Record::alias, anAlias}, {Record::alias, {'\xc0', 12}, anAlias}}));
  pollUntilDone(resolve);
  EXPECT_EQ(resolve.error, ResolveError::noAddress);
  EXPECT_EQ(resolve.completions(), 1u);
  EXPECT_TRUE(resolve.addresses().empty());
  expectNothingLeft();
}

// By an alias, not to be kept at all, or as many as the 512 bytes of a datagram hold, but no more.
TEST_P(ResolverPeerTest, TakesAliasesAndWhatIsNotToBeKept) {
  const auto ask = [this](const std::vector<Record>& records) {
    Resolve resolve;
    start(resolve);
    server_.reply(reply(nextQuestion(), records));
    pollUntilDone(resolve);
    ok(resolve.error);
    std::vector<std::string> texts;
    for (const Address& each : resolve.addresses()) texts.push_back(each.toString());
    return texts;
  };
  const std::vector<std::string> one = {"192.0.2.99:80"};
  EXPECT_EQ(ask({{Record::alias, anAlias}, {Record::address, anAddress, anAlias}}), one);
  EXPECT_EQ(ask({{.type = Record::address, .data = anAddress, .seconds = 0}}), one);
  std::vector<Record> many(30, {Record::address, anAddress});
  for (std::size_t i = 0; i < many.size(); ++i) many[i].data[3] = static_cast<char>(i);
  EXPECT_EQ(ask(many).size(), many.size());
  many.resize(200, many[0]);
  Resolve tooMany;
  start(tooMany);
  server_.reply(reply(nextQuestion(), many));
  expectFailure(tooMany);
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

// IX3, IX6
TEST_P(ResolverPeerTest, LeavesTheProcessAsItWas) {
  const NoSurprises none;
  make(200ms);
  Resolve answered;
  start(answered);
  server_.reply(RawNameServer::answer(nextQuestion()));
  pollUntilDone(answered);
  Resolve refused;
  start(refused);
  server_.reply("garbage");
  expectFailure(refused);
  resolver_ = Resolver();
}

// By UDP and TCP. c-ares reads its files in its own way.
TEST(ResolverSocketsTest, AreCloseOnExecFromBirth) {
  const auto ask = [] {
    OwnLoop loop;
    RawNameServer server;
    const Address address = server.address();
    Resolver resolver;
    Resolve resolve;
    if (Resolver::make(loop.context, {.servers = {&address, 1}}, resolver)) return 1;
    if (resolver.resolve(resolve, "host.test.", 80, {.family = Address::Family::ipv4},
                         Resolve::done, &resolve)) {
      return 2;
    }
    if (!server.reply(RawNameServer::answer(server.question(), 1, true))) return 3;
    UniqueFd connection;
    while (connection.get() < 0) {
      if (loop.reactor.poll(5s).callbacks == 0) return 4;
      connection = server.accept();
    }
    return 0;
  };
  EXPECT_EQ(whereAllIsCloseOnExec(ask, OpenFiles::doNotCount), "exit 0");
}

}  // namespace
}  // namespace kairos
