// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/bench/transports/loads/client_socket.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>

#include "kairos/bench/support/check.h"

namespace kairos::bench {
namespace {

constexpr int patienceMs = 30000;

void waitFor(int fd, short events) {
  pollfd waiting{fd, events, 0};
  check(::poll(&waiting, 1, patienceMs) == 1, "the server goes on");
}

}  // namespace

int connectToLoopback(int type, std::uint16_t port) {
  const int fd = ::socket(AF_INET, type | SOCK_CLOEXEC, 0);
  check(fd >= 0, "socket");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  check(::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0, "connect");
  check(::fcntl(fd, F_SETFL, O_NONBLOCK) == 0, "fcntl");
  const int on = 1;
  if (type == SOCK_STREAM) {
    check(::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0, "TCP_NODELAY");
  }
  return fd;
}

void sendAll(int fd, std::span<const char> bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0) {
      check(errno == EAGAIN, "send");
      waitFor(fd, POLLOUT);
    } else {
      bytes = bytes.subspan(static_cast<std::size_t>(sent));
    }
  }
}

void receiveAll(int fd, std::span<char> into) {
  while (!into.empty()) {
    const ssize_t count = ::recv(fd, into.data(), into.size(), 0);
    if (count < 0) {
      check(errno == EAGAIN, "recv");
      waitFor(fd, POLLIN);
    } else {
      check(count > 0, "the server does not end the connection");
      into = into.subspan(static_cast<std::size_t>(count));
    }
  }
}

}  // namespace kairos::bench
