// SPDX-License-Identifier: MIT OR Apache-2.0
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <list>
#include <string>
#include <utility>

#include "kairos/tests/examples/tcp_client.h"
#include "kairos/tests/support/child_process.h"
#include "kairos/tests/support/process_state.h"

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

TEST(GracefulShutdownTest, GoesOnAfterAShortageOfDescriptors) {
  if (underSanitizerThatNeedsDescriptors())
    GTEST_SKIP() << "UBSan needs a descriptor itself, valgrind gives none back";
  ChildProcess::Options options = shutdownServer("127.0.0.1:0");
  options.descriptorsMax = 16;
  ChildProcess server(std::move(options));
  ASSERT_TRUE(server.waitForOutput("\n")) << server.errors();
  const std::uint16_t port = listeningPort(server.output());
  {
    std::list<TcpClient> many;
    for (int i = 0; i < 16; ++i) many.emplace_back(port);
    EXPECT_TRUE(server.waitForError("accept")) << server.errors();
  }
  TcpClient after(port);
  EXPECT_TRUE(after.sendAll("x"));
  EXPECT_EQ(after.receive(1), "x");
  server.signal(SIGTERM);
  EXPECT_EQ(after.receiveUntilEnd(), "goodbye\n");
  EXPECT_EQ(server.waitForExit(), 0) << server.errors();
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
