// SPDX-License-Identifier: MIT OR Apache-2.0
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <string>

#include "kairos/tests/examples/tcp_client.h"
#include "kairos/tests/support/child_process.h"

namespace kairos {
namespace {

ChildProcess::Options shutdownServer(std::string address) {
  ChildProcess::Options options;
  options.command = {runfile("futures-addon/examples/graceful_shutdown"), std::move(address)};
  return options;
}

// F45
TEST(GracefulShutdownTest, SaysGoodbyeToAll) {
  ChildProcess server(shutdownServer("127.0.0.1:0"));
  ASSERT_TRUE(server.waitForOutput("\n")) << server.errors();
  const std::uint16_t port = listeningPort(server.output());
  TcpClient first(port);
  TcpClient second(port);
  TcpClient lost(port);
  for (TcpClient* client : {&first, &second, &lost}) {
    EXPECT_TRUE(client->sendAll("x"));
    EXPECT_EQ(client->receive(1), "x");
  }
  lost.closeWithReset();
  server.signal(SIGTERM);
  EXPECT_EQ(first.receiveUntilEnd(), "goodbye\n");
  EXPECT_EQ(second.receiveUntilEnd(), "goodbye\n");
  EXPECT_EQ(server.waitForExit(), 0) << server.errors();
  EXPECT_NE(server.output().find("nothing is left"), std::string::npos) << server.output();
  EXPECT_FALSE(TcpClient(port).connected());
}

// At once: nothing waits for the next client.
TEST(GracefulShutdownTest, EndsTheStreamOfOneWhoHasEnded) {
  ChildProcess server(shutdownServer("127.0.0.1:0"));
  ASSERT_TRUE(server.waitForOutput("\n")) << server.errors();
  TcpClient client(listeningPort(server.output()));
  EXPECT_TRUE(client.sendAll("x"));
  EXPECT_EQ(client.receive(1), "x");
  client.shutdownWriting();
  EXPECT_TRUE(client.readableWithin(ChildProcess::patience));
  EXPECT_EQ(client.receiveUntilEnd(), "");
}

// One whose buffers are full takes its two seconds.
TEST(GracefulShutdownTest, DoesNotWaitForEverForOneWhoDoesNotListen) {
  ChildProcess server(shutdownServer("127.0.0.1:0"));
  ASSERT_TRUE(server.waitForOutput("\n")) << server.errors();
  TcpClient deaf(listeningPort(server.output()), {.receiveBufferBytes = 4096});
  deaf.send(patternBytes(std::size_t{16} << 20), std::chrono::milliseconds(200));
  server.signal(SIGINT);
  EXPECT_EQ(server.waitForExit(), 0) << server.errors();
  EXPECT_NE(server.output().find("said goodbye to 1"), std::string::npos) << server.output();
}

}  // namespace
}  // namespace kairos
