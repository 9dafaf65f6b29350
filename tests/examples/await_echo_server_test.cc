// SPDX-License-Identifier: MIT OR Apache-2.0
#include <gtest/gtest.h>

#include <csignal>
#include <string>

#include "kairos/tests/examples/tcp_client.h"
#include "kairos/tests/support/child_process.h"

namespace kairos {
namespace {

ChildProcess::Options echoServer(std::string address) {
  ChildProcess::Options options;
  options.command = {runfile("futures-addon/examples/echo_server"), std::move(address)};
  return options;
}

class AwaitEchoServerTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(server_.waitForOutput("\n")) << server_.errors();
    port_ = listeningPort(server_.output());
    ASSERT_NE(port_, 0);
  }

  static void expectEcho(TcpClient& client, const std::string& text) {
    EXPECT_TRUE(client.sendAll(text));
    EXPECT_EQ(client.receive(text.size()), text);
  }

  ChildProcess server_{echoServer("127.0.0.1:0")};
  std::uint16_t port_ = 0;
};

TEST_F(AwaitEchoServerTest, ServesSeveralAtOnce) {
  TcpClient first(port_);
  TcpClient second(port_);
  expectEcho(first, "one");
  expectEcho(second, "two");
  expectEcho(first, "three");
  second.shutdownWriting();
  EXPECT_EQ(second.receiveUntilEnd(), "");
  expectEcho(first, "four");
}

TEST_F(AwaitEchoServerTest, EchoesWhatIsLargerThanAllBuffers) {
  const std::string bytes = patternBytes(std::size_t{4} << 20);
  TcpClient client(port_);
  EXPECT_TRUE(client.exchangeSlowly(bytes) == bytes);
}

// That of one client concerns nobody else.
TEST_F(AwaitEchoServerTest, TellsOfAReset) {
  TcpClient first(port_);
  TcpClient second(port_);
  expectEcho(first, "x");
  expectEcho(second, "x");
  first.closeWithReset();
  EXPECT_TRUE(server_.waitForError("a client is lost"));
  expectEcho(second, "still here");
}

// Whoever accepts ends by being cancelled, and the clients with their transports.
TEST_F(AwaitEchoServerTest, EndsAtASignal) {
  TcpClient client(port_);
  expectEcho(client, "x");
  server_.signal(SIGINT);
  EXPECT_EQ(server_.waitForExit(), 0);
  EXPECT_EQ(client.receiveUntilEnd(), "");
  EXPECT_EQ(server_.errors(), "");
}

TEST(AwaitEchoServerArgumentsTest, AreChecked) {
  ChildProcess bad(echoServer("localhost:80"));
  EXPECT_EQ(bad.waitForExit(), 2);
  ChildProcess foreign(echoServer("192.0.2.1:0"));
  EXPECT_EQ(foreign.waitForExit(), 1);
  EXPECT_NE(foreign.errors().find("cannot listen on 192.0.2.1:0"), std::string::npos);
}

}  // namespace
}  // namespace kairos
