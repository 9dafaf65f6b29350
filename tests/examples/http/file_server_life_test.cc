// SPDX-License-Identifier: MIT OR Apache-2.0
//
// How connections and the file server itself end, and how many there may be.

#include <gtest/gtest.h>

#include <chrono>
#include <list>
#include <string>

#include "kairos/tests/examples/http/file_server_fixture.h"
#include "kairos/tests/examples/tcp_client.h"
#include "kairos/tests/support/child_process.h"

namespace kairos {
namespace {

using namespace std::chrono_literals;

// More than the buffers of both ends take.
constexpr std::size_t largeBytes = 12 * 1048576;

class FileServerLifeTest : public FileServerTest {
 protected:
  void SetUp() override { write("a", "0123456789"); }

  void writeLarge() { write("large", patternBytes(largeBytes)); }

  // Another connection gets an answer.
  bool isServed() {
    TcpClient client(port());
    return client.sendAll(get("/a")) && receiveReply(client).status == 200;
  }
};

TEST_F(FileServerLifeTest, EndsConnectionsThatAreIdle) {
  options_.idleTime = 100ms;
  start();
  TcpClient client(port());
  EXPECT_EQ(ask(client, "/a").status, 200);
  EXPECT_EQ(client.receiveUntilEnd(), "");
}

TEST_F(FileServerLifeTest, EndsConnectionsThatNeverAsk) {
  options_.headTime = 100ms;
  start();
  EXPECT_EQ(exchange(""), "");
}

// However busily it drips.
TEST_F(FileServerLifeTest, DoesNotWaitLongForTheRestOfARequest) {
  options_.headTime = 200ms;
  start();
  TcpClient fresh(port());
  ASSERT_TRUE(fresh.sendAll("GET / HT"));
  TcpClient kept(port());
  EXPECT_EQ(ask(kept, "/a").status, 200);
  ASSERT_TRUE(kept.sendAll("G"));
  while (!kept.readableWithin(10ms)) ASSERT_TRUE(kept.sendAll("E"));
  for (TcpClient* client : {&fresh, &kept}) {
    const HttpReply reply = receiveReply(*client);
    EXPECT_EQ(reply.status, 408);
    EXPECT_EQ(reply.field("Connection"), "close");
  }
}

// A request may take its time after an earlier one that began late.
TEST_F(FileServerLifeTest, CountsTheTimeOfEachRequest) {
  options_.headTime = 30s;
  options_.idleTime = 30s;
  start();
  TcpClient client(port());
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(client.sendAll("GET /a HTTP/1.1\r\nHo"));
    ASSERT_TRUE(client.sendAll("st: a\r\n\r\n"));
    EXPECT_EQ(receiveReply(client).status, 200);
  }
}

TEST_F(FileServerLifeTest, EndsConnectionsThatTakeNothing) {
  options_.idleTime = 100ms;
  options_.connectionsMax = 1;
  writeLarge();
  start();
  TcpClient client(port(), {.receiveBufferBytes = 4096});
  ASSERT_TRUE(client.sendAll(get("/large")));
  EXPECT_TRUE(client.readableWithin(ChildProcess::patience));
  EXPECT_TRUE(eventually([&] { return isServed(); }));
  EXPECT_LT(client.receiveUntilEnd().size(), largeBytes);
}

TEST_F(FileServerLifeTest, StopsAtOnceWhenNobodyIsAnswered) {
  start();
  TcpClient idle(port());
  EXPECT_EQ(ask(idle, "/a").status, 200);
  TcpClient silent(port());
  const auto begin = Clock::now();
  stop();
  EXPECT_LT(Clock::now() - begin, options_.drainTime);
  EXPECT_EQ(idle.receiveUntilEnd(), "");
  EXPECT_EQ(silent.receiveUntilEnd(), "");
  EXPECT_FALSE(TcpClient(port()).connected());
}

TEST_F(FileServerLifeTest, FinishesWhatIsBeingAnsweredBeforeItStops) {
  options_.drainTime = ChildProcess::patience;
  writeLarge();
  start();
  TcpClient client(port(), {.receiveBufferBytes = 4096});
  ASSERT_TRUE(client.sendAll(get("/large")));
  const std::string begin = client.receive(1000);
  server_.stop();
  EXPECT_TRUE(eventually([&] { return !TcpClient(port()).connected(); }));
  const std::string all = begin + client.receiveUntilEnd();
  EXPECT_TRUE(all.ends_with(patternBytes(largeBytes)));
  const auto end = Clock::now();
  server_.join();
  EXPECT_LT(Clock::now() - end, options_.drainTime);
}

TEST_F(FileServerLifeTest, StopsInTimeForOneWhoTakesNothing) {
  options_.drainTime = 100ms;
  writeLarge();
  start();
  TcpClient client(port(), {.receiveBufferBytes = 4096});
  ASSERT_TRUE(client.sendAll(get("/large")));
  EXPECT_EQ(client.receive(1000).size(), 1000u);
  stop();
  EXPECT_LT(client.receiveUntilEnd().size(), largeBytes);
}

TEST_F(FileServerLifeTest, HasSoManyConnectionsAndNotMore) {
  options_.connectionsMax = 2;
  start();
  TcpClient first(port());
  EXPECT_EQ(ask(first, "/a").status, 200);
  {
    TcpClient second(port());
    EXPECT_EQ(ask(second, "/a").status, 200);
    EXPECT_EQ(exchange(""), "");
    EXPECT_EQ(ask(second, "/a").status, 200);
  }
  EXPECT_TRUE(eventually([&] { return isServed(); }));
}

TEST_F(FileServerLifeTest, ServesManyByManyThreads) {
  start(4);
  std::list<TcpClient> clients;
  for (int i = 0; i < 200; ++i) clients.emplace_back(port());
  for (int round = 0; round < 3; ++round) {
    for (TcpClient& client : clients) ASSERT_TRUE(client.sendAll(get("/a")));
    for (TcpClient& client : clients) ASSERT_EQ(receiveReply(client).body, "0123456789");
  }
  stop();
  for (TcpClient& client : clients) EXPECT_EQ(client.receiveUntilEnd(), "");
}

TEST_F(FileServerLifeTest, StartsAgain) {
  start();
  EXPECT_EQ(fetch("/a").status, 200);
  stop();
  ASSERT_FALSE(server_.start(server_.localAddress(), {}));
  EXPECT_EQ(fetch("/a").status, 200);
}

}  // namespace
}  // namespace kairos
