// SPDX-License-Identifier: MIT OR Apache-2.0
#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "kairos/tests/examples/tcp_client.h"
#include "kairos/tests/support/child_process.h"

namespace kairos {
namespace {

ChildProcess::Options lineChat(std::string address) {
  ChildProcess::Options options;
  options.command = {runfile("transports/examples/line_chat"), std::move(address)};
  return options;
}

class LineChatTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(server_.waitForOutput("\n")) << server_.errors();
    port_ = listeningPort(server_.output());
    ASSERT_NE(port_, 0);
  }

  static void expect(TcpClient& client, const std::string& text) {
    EXPECT_EQ(client.receive(text.size()), text);
  }

  ChildProcess server_{lineChat("127.0.0.1:0")};
  std::uint16_t port_ = 0;
};

TEST_F(LineChatTest, TellsTheOthersWhatOneSays) {
  TcpClient first(port_);
  expect(first, "you are guest 1\n");
  TcpClient second(port_);
  expect(second, "you are guest 2\n");
  expect(first, "guest 2: (has come)\n");
  EXPECT_TRUE(first.sendAll("hello\r\nan"));
  expect(second, "guest 1: hello\n");
  EXPECT_TRUE(first.sendAll("d\n\n"));
  expect(second, "guest 1: and\nguest 1: \n");
  second.closeWithReset();
  expect(first, "guest 2: (has gone)\n");
}

TEST_F(LineChatTest, ShowsTheDoorToOnesWhoSayTooMuch) {
  TcpClient first(port_);
  expect(first, "you are guest 1\n");
  TcpClient second(port_);
  expect(first, "guest 2: (has come)\n");
  second.sendAll(std::string(5000, 'x'));
  expect(first, "guest 2: (has gone)\n");
}

// Somebody who does not listen holds up nobody, and is not kept for ever.
TEST_F(LineChatTest, DropsOneWhoDoesNotListen) {
  TcpClient deaf(port_, {.receiveBufferBytes = 4096});
  expect(deaf, "you are guest 1\n");
  TcpClient speaker(port_);
  expect(speaker, "you are guest 2\n");
  const std::string line = std::string(4000, 'x') + "\n";
  const auto enough = std::chrono::steady_clock::now() + ChildProcess::patience;
  while (!speaker.readableWithin(std::chrono::milliseconds(0))) {
    ASSERT_LT(std::chrono::steady_clock::now(), enough);
    ASSERT_TRUE(speaker.sendAll(line));
  }
  expect(speaker, "guest 1: (has gone)\n");
}

TEST(LineChatArgumentsTest, AreChecked) {
  ChildProcess bad(lineChat("localhost:80"));
  EXPECT_EQ(bad.waitForExit(), 2);
  ChildProcess foreign(lineChat("192.0.2.1:0"));
  EXPECT_EQ(foreign.waitForExit(), 1);
  EXPECT_NE(foreign.errors().find("cannot listen on 192.0.2.1:0"), std::string::npos);
}

}  // namespace
}  // namespace kairos
