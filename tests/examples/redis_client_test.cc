// SPDX-License-Identifier: MIT OR Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "kairos/tests/examples/peer_server.h"
#include "kairos/tests/examples/tcp_client.h"
#include "kairos/tests/support/child_process.h"

namespace kairos {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

using Program = std::unique_ptr<ChildProcess>;

constexpr const char* ampleMs = "30000";

Program runClient(std::uint16_t port, const std::vector<std::string>& words,
                  const char* timeoutMs = ampleMs) {
  ChildProcess::Options options;
  options.command = {runfile("reactor/examples/redis_client"), "--timeout", timeoutMs, "127.0.0.1",
                     std::to_string(port)};
  options.command.insert(options.command.end(), words.begin(), words.end());
  return std::make_unique<ChildProcess>(std::move(options));
}

class RedisClientTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto program = findProgram("redis-server");
    if (!program) GTEST_SKIP() << "needs redis-server (Debian package redis-server)";
    const auto command = [&](std::uint16_t port) {
      ChildProcess::Options options;
      options.command = {*program,         "--port", std::to_string(port), "--bind", "127.0.0.1",
                         "--save",         "",       "--appendonly",       "no",     "--dir",
                         directory_.path()};
      return options;
    };
    server_ =
        PeerServer::start(command, &ChildProcess::waitForOutput, "Ready to accept connections");
    ASSERT_NE(server_, nullptr);
  }

  Program client(const std::vector<std::string>& words) const {
    return runClient(server_->port, words);
  }

  // What a command prints when it succeeds.
  std::string reply(const std::vector<std::string>& words) const {
    const auto program = client(words);
    EXPECT_EQ(program->waitForExit(), 0) << program->errors();
    return program->output();
  }

  TemporaryDirectory directory_;
  std::unique_ptr<PeerServer> server_;
};

TEST_F(RedisClientTest, PrintsRepliesOfEveryKind) {
  EXPECT_EQ(reply({"PING"}), "PONG\n");
  EXPECT_EQ(reply({"SET", "key", "two words"}), "OK\n");
  EXPECT_EQ(reply({"GET", "key"}), "two words\n");
  EXPECT_EQ(reply({"GET", "nothing"}), "(nil)\n");
  EXPECT_EQ(reply({"RPUSH", "list", "a", "b", "c"}), "3\n");
  EXPECT_EQ(reply({"LRANGE", "list", "0", "-1"}), "a\nb\nc\n");
}

TEST_F(RedisClientTest, PassesALargeValueBothWays) {
  std::string value = patternBytes(100'000);
  for (auto& byte : value) byte = static_cast<char>('a' + (byte & 15));
  EXPECT_EQ(reply({"SET", "large", value}), "OK\n");
  EXPECT_TRUE(reply({"GET", "large"}) == value + "\n");
  // A reply of 20 MB takes the socket many turns.
  EXPECT_EQ(reply({"SETRANGE", "larger", "20000000", "end"}), "20000003\n");
  EXPECT_EQ(reply({"GET", "larger"}).size(), 20'000'004U);
}

TEST_F(RedisClientTest, ReportsAnErrorOfTheServer) {
  const auto program = client({"LPOP"});
  EXPECT_EQ(program->waitForExit(), 1);
  EXPECT_THAT(program->errors(), StartsWith("redis_client: ERR wrong number of arguments"));
  EXPECT_EQ(program->output(), "");
}

TEST_F(RedisClientTest, PipelinesManyCommands) {
  EXPECT_THAT(reply({"--bench", "50000"}), StartsWith("50000 replies in "));
  EXPECT_THAT(reply({"INFO", "commandstats"}), HasSubstr("cmdstat_ping:calls=50000,"));
}

TEST_F(RedisClientTest, PrintsMessagesUntilTheServerEnds) {
  const auto subscriber = client({"SUBSCRIBE", "news"});
  ASSERT_TRUE(subscriber->waitForOutput("subscribe\nnews\n1\n"));
  EXPECT_EQ(reply({"PUBLISH", "news", "first"}), "1\n");
  EXPECT_TRUE(subscriber->waitForOutput("message\nnews\nfirst\n"));
  EXPECT_EQ(reply({"PUBLISH", "news", "second"}), "1\n");
  EXPECT_TRUE(subscriber->waitForOutput("message\nnews\nsecond\n"));
  server_->process.signal(SIGKILL);
  EXPECT_EQ(subscriber->waitForExit(), 1);
  EXPECT_THAT(subscriber->errors(), StartsWith("redis_client: connection lost: "));
}

// It would burn its processor if it waited for a direction that hiredis has taken back.
TEST_F(RedisClientTest, SleepsBetweenMessages) {
  const auto subscriber = client({"SUBSCRIBE", "news"});
  ASSERT_TRUE(subscriber->waitForOutput("subscribe\nnews\n1\n"));
  const auto begin = std::chrono::steady_clock::now();
  const auto cpuBefore = subscriber->cpuTime();
  for (int i = 0; i < 20; ++i) reply({"PUBLISH", "news", "again"});
  const auto elapsed = std::chrono::steady_clock::now() - begin;
  EXPECT_LT(subscriber->cpuTime() - cpuBefore, elapsed / 4);
}

TEST_F(RedisClientTest, ReportsAConnectionThatIsLostBeforeTheReply) {
  const auto waiting = client({"BLPOP", "empty", "0"});
  ASSERT_TRUE(eventually([&] {
    return reply({"INFO", "clients"}).find("blocked_clients:1") != std::string::npos;
  }));
  server_->process.signal(SIGKILL);
  EXPECT_EQ(waiting->waitForExit(), 1);
  EXPECT_THAT(waiting->errors(), StartsWith("redis_client: connection lost: "));
}

TEST(RedisClientWithoutServerTest, ReportsARefusedConnection) {
  const BoundSocket nobody(SOCK_STREAM);
  const auto program = runClient(nobody.port, {"PING"});
  EXPECT_EQ(program->waitForExit(), 1);
  EXPECT_EQ(program->errors(), "redis_client: cannot connect: Connection refused\n");
}

TEST(RedisClientWithoutServerTest, GivesUpOnAServerThatNeverReplies) {
  const BoundSocket silent(SOCK_STREAM);
  ASSERT_EQ(::listen(silent.socket.get(), 1), 0);
  const auto program = runClient(silent.port, {"PING"}, "300");
  EXPECT_EQ(program->waitForExit(), 1);
  EXPECT_EQ(program->errors(), "redis_client: no reply in 300 ms\n");
}

TEST(RedisClientWithoutServerTest, RefusesArgumentsThatMakeNoSense) {
  EXPECT_EQ(runClient(1, {})->waitForExit(), 2);
  EXPECT_EQ(runClient(1, {"PING"}, "soon")->waitForExit(), 2);
  EXPECT_EQ(runClient(1, {"--bench"})->waitForExit(), 2);
  EXPECT_EQ(runClient(1, {"--bench", "0"})->waitForExit(), 2);
  EXPECT_EQ(runClient(1, {"--bench", "many"})->waitForExit(), 2);
}

}  // namespace
}  // namespace kairos
