// SPDX-License-Identifier: MIT OR Apache-2.0
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <string>

#include "kairos/tests/examples/tcp_client.h"
#include "kairos/tests/support/child_process.h"
#include "kairos/tests/support/unique_fd.h"

namespace kairos {
namespace {

ChildProcess::Options udpEcho(std::string address) {
  ChildProcess::Options options;
  options.command = {runfile("transports/examples/udp_echo"), std::move(address)};
  return options;
}

// Gives up after ChildProcess::patience.
UniqueFd datagramSocket(int family) {
  UniqueFd made(::socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const timeval patience{ChildProcess::patience.count(), 0};
  EXPECT_EQ(::setsockopt(made.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), 0);
  return made;
}

std::string ask(const UniqueFd& socket, const std::string& text) {
  EXPECT_EQ(::send(socket.get(), text.data(), text.size(), 0), static_cast<ssize_t>(text.size()));
  std::string answer(text.size() + 1, '\0');
  const ssize_t size = ::recv(socket.get(), answer.data(), answer.size(), 0);
  answer.resize(size < 0 ? 0 : static_cast<std::size_t>(size));
  return answer;
}

UniqueFd udpClient(std::uint16_t port) {
  UniqueFd client = datagramSocket(AF_INET);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(::connect(client.get(), reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
  return client;
}

TEST(UdpEchoTest, AnswersEachClientWithItsOwn) {
  ChildProcess server(udpEcho("127.0.0.1:0"));
  ASSERT_TRUE(server.waitForOutput("\n")) << server.errors();
  const std::uint16_t port = listeningPort(server.output());
  const UniqueFd first = udpClient(port);
  const UniqueFd second = udpClient(port);
  for (const std::size_t size : {1u, 0u, 1400u, 60000u}) {
    EXPECT_EQ(ask(first, patternBytes(size)), patternBytes(size));
    EXPECT_EQ(ask(second, std::string(size, 'x')), std::string(size, 'x'));
  }
}

// Whoever has no name gets no answer, and keeps nobody from getting his.
TEST(UdpEchoTest, LeavesOutWhoCannotBeAnswered) {
  const std::string name = "kairos-echo-" + std::to_string(::getpid());
  ChildProcess server(udpEcho("unix-abstract:" + name));
  ASSERT_TRUE(server.waitForOutput("\n")) << server.errors();
  sockaddr_un to{};
  to.sun_family = AF_UNIX;
  name.copy(to.sun_path + 1, name.size());
  const auto size = static_cast<socklen_t>(sizeof to.sun_family + 1 + name.size());
  const auto connected = [&](const UniqueFd& socket) {
    return ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&to), size) == 0;
  };
  const UniqueFd nameless = datagramSocket(AF_UNIX);
  ASSERT_TRUE(connected(nameless));
  EXPECT_EQ(::send(nameless.get(), "x", 1, 0), 1);
  const UniqueFd named = datagramSocket(AF_UNIX);
  const sockaddr any{AF_UNIX, {}};
  ASSERT_EQ(::bind(named.get(), &any, sizeof any.sa_family), 0);
  ASSERT_TRUE(connected(named));
  EXPECT_EQ(ask(named, "hello"), "hello");
  EXPECT_TRUE(server.waitForError("not sent"));
}

TEST(UdpEchoArgumentsTest, AreChecked) {
  ChildProcess bad(udpEcho("localhost:80"));
  EXPECT_EQ(bad.waitForExit(), 2);
  ChildProcess foreign(udpEcho("192.0.2.1:0"));
  EXPECT_EQ(foreign.waitForExit(), 1);
  EXPECT_NE(foreign.errors().find("cannot bind 192.0.2.1:0"), std::string::npos);
}

}  // namespace
}  // namespace kairos
