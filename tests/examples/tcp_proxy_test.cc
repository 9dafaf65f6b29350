// SPDX-License-Identifier: MIT OR Apache-2.0
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <cerrno>
#include <chrono>
#include <memory>
#include <string>

#include "kairos/tests/examples/peer_server.h"
#include "kairos/tests/examples/tcp_client.h"
#include "kairos/tests/support/child_process.h"
#include "kairos/tests/support/unique_fd.h"

namespace kairos {
namespace {

using namespace std::chrono_literals;

ChildProcess::Options program(const std::string& path, std::vector<std::string> arguments) {
  ChildProcess::Options options;
  options.command = {runfile(path)};
  for (std::string& each : arguments) options.command.push_back(std::move(each));
  return options;
}

// A proxy on a free port.
class Proxy {
 public:
  explicit Proxy(std::uint16_t targetPort)
      : process_(program("transports/examples/tcp_proxy",
                         {"127.0.0.1:0", "127.0.0.1:" + std::to_string(targetPort)})) {
    EXPECT_TRUE(process_.waitForOutput("\n")) << process_.errors();
    port_ = listeningPort(process_.output());
  }

  std::uint16_t port() const { return port_; }
  ChildProcess& process() { return process_; }

 private:
  ChildProcess process_;
  std::uint16_t port_ = 0;
};

// The far side, by hand.
class Target {
 public:
  Target() { EXPECT_EQ(::listen(bound_.socket.get(), 16), 0); }

  std::uint16_t port() const { return bound_.port; }

  // The next connection, whose receiving gives up in the end.
  UniqueFd accept() const {
    pollfd waiting{bound_.socket.get(), POLLIN, 0};
    const auto patience = std::chrono::milliseconds(ChildProcess::patience).count();
    EXPECT_EQ(::poll(&waiting, 1, static_cast<int>(patience)), 1);
    UniqueFd socket(::accept4(bound_.socket.get(), nullptr, nullptr, SOCK_CLOEXEC));
    const timeval limit{ChildProcess::patience.count(), 0};
    EXPECT_EQ(::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit), 0);
    return socket;
  }

 private:
  const BoundSocket bound_{SOCK_STREAM};
};

std::string receive(const UniqueFd& socket, std::size_t size) {
  std::string bytes(size, '\0');
  const auto n = ::recv(socket.get(), bytes.data(), size, MSG_WAITALL);
  bytes.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
  return bytes;
}

void resetNow(UniqueFd& socket) {
  const linger atOnce{1, 0};
  ASSERT_EQ(::setsockopt(socket.get(), SOL_SOCKET, SO_LINGER, &atOnce, sizeof atOnce), 0);
  socket.reset();
}

TEST(TcpProxyTest, PassesBytesBothWays) {
  ChildProcess echo(program("reactor/examples/echo_server", {"0"}));
  ASSERT_TRUE(echo.waitForOutput("\n")) << echo.errors();
  Proxy proxy(listeningPort(echo.output()));
  TcpClient first(proxy.port());
  TcpClient second(proxy.port());
  const std::string bytes = patternBytes(3'000'000);
  EXPECT_TRUE(first.exchangeSlowly(bytes) == bytes);
  EXPECT_TRUE(second.exchangeSlowly("hello") == "hello");
  EXPECT_TRUE(first.exchangeSlowly("again") == "again");
}

TEST(TcpProxyTest, PassesAnEndOnWhileTheOtherDirectionGoesOn) {
  const Target target;
  Proxy proxy(target.port());
  TcpClient client(proxy.port());
  EXPECT_TRUE(client.sendAll("question"));
  client.shutdownWriting();
  UniqueFd far = target.accept();
  EXPECT_EQ(receive(far, 8), "question");
  char byte;
  EXPECT_EQ(::recv(far.get(), &byte, 1, 0), 0) << "the end";
  const std::string answer = patternBytes(100'000);
  EXPECT_EQ(::send(far.get(), answer.data(), answer.size(), 0), 100'000);
  far.reset();
  EXPECT_TRUE(client.receiveUntilEnd() == answer);
}

TEST(TcpProxyTest, PassesResetsOn) {
  const Target target;
  Proxy proxy(target.port());
  auto client = std::make_unique<TcpClient>(proxy.port());
  EXPECT_TRUE(client->sendAll("x"));
  UniqueFd far = target.accept();
  EXPECT_EQ(receive(far, 1), "x");
  client->closeWithReset();
  char byte;
  EXPECT_EQ(::recv(far.get(), &byte, 1, 0), -1);
  EXPECT_EQ(errno, ECONNRESET);

  client = std::make_unique<TcpClient>(proxy.port());
  far = target.accept();
  resetNow(far);
  EXPECT_EQ(client->receiveUntilEnd(), "");
}

// What the target does not take stays with the client.
TEST(TcpProxyTest, KeepsLittleForATargetThatDoesNotRead) {
  constexpr std::size_t much = 100'000'000;
  const Target target;
  Proxy proxy(target.port());
  TcpClient client(proxy.port());
  const UniqueFd far = target.accept();
  const std::size_t before = proxy.process().residentBytes();
  const std::string bytes = patternBytes(much);
  const std::size_t sent = client.send(bytes, 300ms);
  EXPECT_LT(sent, much) << "the kernel keeps some, the proxy does not";
  EXPECT_LT(proxy.process().residentBytes(), before + 4'000'000);
  EXPECT_TRUE(receive(far, sent) == bytes.substr(0, sent));
}

TEST(TcpProxyTest, HangsUpWhenTheTargetCannotBeReached) {
  const BoundSocket closed(SOCK_STREAM);
  Proxy proxy(closed.port);
  for (int i = 0; i < 2; ++i) {
    TcpClient client(proxy.port());
    EXPECT_EQ(client.receiveUntilEnd(), "");
  }
  EXPECT_TRUE(proxy.process().waitForError("the target cannot be reached: Connection refused"));
}

TEST(TcpProxyArgumentsTest, AreChecked) {
  ChildProcess one(program("transports/examples/tcp_proxy", {"127.0.0.1:0"}));
  EXPECT_EQ(one.waitForExit(), 2);
  ChildProcess bad(program("transports/examples/tcp_proxy", {"127.0.0.1:0", "localhost:80"}));
  EXPECT_EQ(bad.waitForExit(), 2);
  ChildProcess foreign(program("transports/examples/tcp_proxy", {"192.0.2.1:0", "127.0.0.1:1"}));
  EXPECT_EQ(foreign.waitForExit(), 1);
}

}  // namespace
}  // namespace kairos
