// SPDX-License-Identifier: MIT OR Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <string>
#include <vector>

#include "kairos/tests/examples/tcp_client.h"
#include "kairos/tests/support/child_process.h"

namespace kairos {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

constexpr std::size_t mebibyte = 1048576;

ChildProcess::Options echoServer(std::vector<std::string> arguments) {
  ChildProcess::Options options;
  options.command = {runfile("reactor/examples/echo_server")};
  options.command.insert(options.command.end(), arguments.begin(), arguments.end());
  return options;
}

// Not EXPECT_EQ, which would print both.
void expectEqualBytes(const std::string& received, const std::string& sent) {
  ASSERT_EQ(received.size(), sent.size());
  const auto differing = std::mismatch(received.begin(), received.end(), sent.begin());
  EXPECT_EQ(differing.first - received.begin(), static_cast<std::ptrdiff_t>(sent.size()));
}

class EchoServerTest : public testing::Test {
 protected:
  explicit EchoServerTest(ChildProcess::Options options = echoServer({"0"}))
      : server_(std::move(options)) {}

  void SetUp() override {
    ASSERT_TRUE(server_.waitForOutput("\n")) << server_.errors();
    port_ = listeningPort(server_.output());
    ASSERT_NE(port_, 0);
  }

  void expectEcho(TcpClient& client, const std::string& text) {
    EXPECT_TRUE(client.sendAll(text));
    EXPECT_EQ(client.receive(text.size()), text);
  }

  ChildProcess server_;
  std::uint16_t port_ = 0;
};

TEST_F(EchoServerTest, EchoesOnTheLoopbackPortItPrints) {
  EXPECT_THAT(server_.output(), HasSubstr("listening on 127.0.0.1:"));
  TcpClient client(port_);
  expectEcho(client, "hello");
  expectEcho(client, "again");
}

TEST_F(EchoServerTest, ServesManyConnectionsAtOnce) {
  std::vector<TcpClient> clients;
  clients.reserve(300);
  for (int i = 0; i < 300; ++i) clients.emplace_back(port_);
  std::vector<std::string> texts;
  for (auto& client : clients) {
    texts.push_back("client " + std::to_string(texts.size()));
    ASSERT_TRUE(client.sendAll(texts.back()));
  }
  for (std::size_t i = clients.size(); i-- > 0;) {
    EXPECT_EQ(clients[i].receive(texts[i].size()), texts[i]);
  }
}

TEST_F(EchoServerTest, PassesAMebibyteThroughToASlowReader) {
  const std::string sent = patternBytes(mebibyte);
  TcpClient client(port_, {.receiveBufferBytes = 4096});
  expectEqualBytes(client.exchangeSlowly(sent), sent);
}

TEST_F(EchoServerTest, StopsReadingFromAPeerThatDoesNotRead) {
  TcpClient client(port_, {.receiveBufferBytes = 4096});
  expectEcho(client, "warm up");
  const std::size_t residentBefore = server_.residentBytes();

  // More than the buffers of the kernel ever grow to.
  const std::string sent = patternBytes(64 * mebibyte);
  const std::size_t taken = client.send(sent, milliseconds(500));
  EXPECT_LT(taken, sent.size());
  EXPECT_LT(server_.residentBytes(), residentBefore + mebibyte);

  client.shutdownWriting();
  expectEqualBytes(client.receiveUntilEnd(), sent.substr(0, taken));
}

TEST_F(EchoServerTest, EchoesWhatIsLeftAfterAHalfCloseAndThenCloses) {
  const std::string sent = patternBytes(300'000);
  TcpClient client(port_);
  ASSERT_TRUE(client.sendAll(sent));
  client.shutdownWriting();
  expectEqualBytes(client.receiveUntilEnd(), sent);
}

TEST_F(EchoServerTest, OutlivesAPeerThatResetsWhileItIsOwedBytes) {
  TcpClient resetting(port_, {.receiveBufferBytes = 4096});
  resetting.send(patternBytes(16 * mebibyte), milliseconds(100));
  resetting.closeWithReset();
  TcpClient next(port_);
  expectEcho(next, "still there?");
}

// The server finds input, end of file and reset together. Its write then raises SIGPIPE, unless it
// asks for none.
TEST_F(EchoServerTest, OutlivesAPeerThatVanishesBeforeItsInputIsRead) {
  TcpClient vanishing(port_);
  expectEcho(vanishing, "connected");
  server_.signal(SIGSTOP);
  ASSERT_TRUE(vanishing.sendAll("never echoed"));
  vanishing.shutdownWriting();
  vanishing.closeWithReset();
  server_.signal(SIGCONT);
  TcpClient next(port_);
  expectEcho(next, "still there?");
}

TEST_F(EchoServerTest, EndsWithCodeZeroOnASignalWhileClientsAreConnected) {
  TcpClient client(port_);
  expectEcho(client, "connected");
  server_.signal(SIGTERM);
  EXPECT_EQ(server_.waitForExit(), 0);
  EXPECT_THAT(server_.output(), HasSubstr("stopped"));
  EXPECT_EQ(client.receiveUntilEnd(), "");
}

TEST_F(EchoServerTest, EndsWithCodeZeroOnAnInterrupt) {
  server_.signal(SIGINT);
  EXPECT_EQ(server_.waitForExit(), 0);
}

TEST_F(EchoServerTest, SaysThatAPortIsTaken) {
  ChildProcess second(echoServer({std::to_string(port_)}));
  EXPECT_EQ(second.waitForExit(), 1);
  EXPECT_THAT(second.errors(), HasSubstr("cannot listen on 127.0.0.1 port " +
                                         std::to_string(port_) + ": Address already in use"));
}

class EchoServerOnIpv6Test : public EchoServerTest {
 protected:
  EchoServerOnIpv6Test() : EchoServerTest(echoServer({"0", "::1"})) {}

  void SetUp() override {
    if (!server_.waitForOutput("\n") &&
        server_.errors().find("Cannot assign") != std::string::npos) {
      GTEST_SKIP() << "this machine has no IPv6 loopback address";
    }
    EchoServerTest::SetUp();
  }
};

TEST_F(EchoServerOnIpv6Test, ListensOnTheAddressGiven) {
  EXPECT_THAT(server_.output(), HasSubstr("listening on [::1]:"));
  TcpClient client(port_, {.address = "::1"});
  expectEcho(client, "six");
}

class EchoServerWithFewDescriptorsTest : public EchoServerTest {
 protected:
  static ChildProcess::Options withFewDescriptors() {
    auto options = echoServer({"0"});
    options.descriptorsMax = 16;
    return options;
  }

  EchoServerWithFewDescriptorsTest() : EchoServerTest(withFewDescriptors()) {}
};

TEST_F(EchoServerWithFewDescriptorsTest, RestsWithoutSpinningAndServesAllInTheEnd) {
  std::vector<TcpClient> clients;
  for (int i = 0; i < 20; ++i) {
    clients.emplace_back(port_);
    ASSERT_TRUE(clients.back().sendAll("hello"));
  }
  ASSERT_TRUE(server_.waitForError("accepting rests: Too many open files"));
  EXPECT_EQ(clients.front().receive(5), "hello");

  const auto cpuBefore = server_.cpuTime();
  EXPECT_FALSE(clients.back().readableWithin(milliseconds(1000)));
  EXPECT_LT(server_.cpuTime() - cpuBefore, milliseconds(100));
  const std::string complaints = server_.errors();
  ASSERT_EQ(std::count(complaints.begin(), complaints.end(), '\n'), 1);
  expectEcho(clients.front(), "the accepted are served meanwhile");

  for (std::size_t i = 0; i < 10; ++i) clients[i].closeWithReset();
  for (std::size_t i = 10; i < clients.size(); ++i) EXPECT_EQ(clients[i].receive(5), "hello");
  server_.signal(SIGTERM);
  EXPECT_EQ(server_.waitForExit(), 0);
}

TEST(EchoServerArgumentsTest, RefusesWhatIsNotAPort) {
  for (const std::string port : {"", "x", "-1", "70000", "80x"}) {
    ChildProcess server(echoServer({port}));
    EXPECT_EQ(server.waitForExit(), 2) << port;
    EXPECT_THAT(server.errors(), HasSubstr("usage: ")) << port;
  }
}

TEST(EchoServerArgumentsTest, RefusesAnAddressThatIsNotANumber) {
  ChildProcess server(echoServer({"0", "localhost"}));
  EXPECT_EQ(server.waitForExit(), 1);
  EXPECT_THAT(server.errors(), HasSubstr("cannot listen on localhost port 0: Invalid argument"));
}

}  // namespace
}  // namespace kairos
