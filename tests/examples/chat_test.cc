// SPDX-License-Identifier: MIT OR Apache-2.0
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <string>

#include "kairos/tests/examples/tcp_client.h"
#include "kairos/tests/support/child_process.h"

namespace kairos {
namespace {

ChildProcess::Options chat(std::string address) {
  ChildProcess::Options options;
  options.command = {runfile("futures-addon/examples/chat"), std::move(address)};
  return options;
}

class ChatTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(server_.waitForOutput("\n")) << server_.errors();
    port_ = listeningPort(server_.output());
  }

  static void expect(TcpClient& client, const std::string& text) {
    EXPECT_EQ(client.receive(text.size()), text);
  }

  ChildProcess server_{chat("127.0.0.1:0")};
  std::uint16_t port_ = 0;
};

TEST_F(ChatTest, TellsTheOthersWhatOneSays) {
  TcpClient first(port_);
  TcpClient second(port_);
  expect(first, "guest 2 has come\n");
  TcpClient third(port_);
  expect(first, "guest 3 has come\n");
  expect(second, "guest 3 has come\n");
  EXPECT_TRUE(first.sendAll("hello\r\nan"));
  expect(second, "guest 1: hello\n");
  expect(third, "guest 1: hello\n");
  EXPECT_TRUE(first.sendAll("d\n"));
  expect(third, "guest 1: and\n");
  second.closeWithReset();
  expect(third, "guest 2 has gone\n");
  third.shutdownWriting();
  EXPECT_EQ(third.receiveUntilEnd(), "");
  expect(first, "guest 2 has gone\nguest 3 has gone\n");
}

// Who says much at once has nobody thrown out.
TEST_F(ChatTest, PassesOnAFlood) {
  TcpClient first(port_);
  TcpClient second(port_);
  expect(first, "guest 2 has come\n");
  constexpr int count = 5000;
  std::string said;
  std::string heard;
  for (int i = 0; i < count; ++i) {
    said += "x\n";
    heard += "guest 2: x\n";
  }
  EXPECT_TRUE(second.sendAll(said));
  EXPECT_EQ(first.receive(heard.size()), heard);
}

// Somebody who does not listen holds up nobody, and is not kept for ever.
TEST_F(ChatTest, DropsOneWhoDoesNotListen) {
  TcpClient deaf(port_, {.receiveBufferBytes = 4096});
  TcpClient speaker(port_);
  EXPECT_TRUE(deaf.readableWithin(ChildProcess::patience));
  const std::string line = std::string(4000, 'x') + "\n";
  const auto enough = std::chrono::steady_clock::now() + ChildProcess::patience;
  while (!speaker.readableWithin(std::chrono::milliseconds(0))) {
    ASSERT_LT(std::chrono::steady_clock::now(), enough);
    ASSERT_TRUE(speaker.sendAll(line));
  }
  expect(speaker, "guest 1 has gone\n");
  EXPECT_EQ(server_.errors(), "");
}

// All guests with it, which takes as long as the one who does not listen.
TEST_F(ChatTest, EndsAtASignal) {
  TcpClient first(port_);
  TcpClient second(port_);
  expect(first, "guest 2 has come\n");
  server_.signal(SIGTERM);
  EXPECT_EQ(server_.waitForExit(), 0);
  EXPECT_EQ(first.receiveUntilEnd(), "");
  EXPECT_EQ(second.receiveUntilEnd(), "");
  EXPECT_EQ(server_.errors(), "");
}

}  // namespace
}  // namespace kairos
