// SPDX-License-Identifier: MIT OR Apache-2.0
//
// server CONTESTANT SERVICE: serves on a free port of the loopback until it is ended. The first
// line that it prints is "PORT PROCESS heap": at each SIGUSR1 it prints, on a line, how many bytes
// its malloc has given out.
//
// server --describe: what it was built of, as JSON.
#include <event2/event.h>
#include <malloc.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include <algorithm>
#include <boost/version.hpp>
#include <cassert>
#include <csignal>
#include <cstdio>
#include <string_view>

#include "kairos/bench/support/check.h"
#include "kairos/bench/support/descriptors.h"
#include "kairos/bench/transports/servers/services.h"

namespace kairos::bench {
namespace {

struct Service {
  std::string_view contestant;
  std::string_view name;
  int socketType;
  Serve serve;
};

// clang-format off
constexpr Service services[] = {
    {"bare", "echo", SOCK_STREAM, echoBare},
    {"bare2", "echo", SOCK_STREAM, echoBareTwin},
    {"kairos", "echo", SOCK_STREAM, echoKairos},
    {"kairos_shared", "echo", SOCK_STREAM, echoKairosShared},
    {"kairos_await", "echo", SOCK_STREAM, echoKairosAwait},
    {"libuv", "echo", SOCK_STREAM, echoLibuv},
    {"libevent", "echo", SOCK_STREAM, echoLibevent},
    {"asio", "echo", SOCK_STREAM, echoAsio},
    {"bare", "discard", SOCK_STREAM, discardBare},
    {"kairos", "discard", SOCK_STREAM, discardKairos},
    {"libuv", "discard", SOCK_STREAM, discardLibuv},
    {"libevent", "discard", SOCK_STREAM, discardLibevent},
    {"asio", "discard", SOCK_STREAM, discardAsio},
    {"bare", "file", SOCK_STREAM, fileBare},
    {"kairos", "file", SOCK_STREAM, fileKairos},
    {"bare", "datagrams", SOCK_DGRAM, datagramsBare},
    {"bare2", "datagrams", SOCK_DGRAM, datagramsBareTwin},
    {"bare_mmsg", "datagrams", SOCK_DGRAM, datagramsBareBatches},
    {"kairos", "datagrams", SOCK_DGRAM, datagramsKairos},
    {"libuv", "datagrams", SOCK_DGRAM, datagramsLibuv},
    {"asio", "datagrams", SOCK_DGRAM, datagramsAsio},
};
// clang-format on

int boundToLoopback(int type) {
  const int fd = ::socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  check(fd >= 0, "socket");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  check(::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0, "bind");
  if (type == SOCK_STREAM) {
    const int on = 1;  // connections inherit it
    check(::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0, "TCP_NODELAY");
    check(::listen(fd, 4096) == 0, "listen");
  }
  return fd;
}

int portOf(int fd) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  check(::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0, "getsockname");
  return ntohs(address.sin_port);
}

// Asked for only while the process sleeps in its loop, not inside malloc.
void tellHeap(int) {
  const struct mallinfo2 info = ::mallinfo2();
  ::dprintf(STDOUT_FILENO, "%zu\n", info.uordblks + info.hblkhd);
}

[[noreturn]] void serve(const Service& service) {
  raiseDescriptorLimit();
  struct sigaction action {};
  action.sa_handler = tellHeap;
  action.sa_flags = SA_RESTART;
  check(::sigaction(SIGUSR1, &action, nullptr) == 0, "sigaction");
  const int fd = boundToLoopback(service.socketType);
  ::dprintf(STDOUT_FILENO, "%d %d heap\n", portOf(fd), ::getpid());
  service.serve(fd);
  failCheck("a server serves until it is ended");
}

int describe() {
  bool assertions = false;
  assert((assertions = true));
  std::printf(
      "{\"assertions\": \"%s\", \"compiler\": \"%s\", \"libuv\": \"%s\", \"libevent\": \"%s\", "
      "\"boost\": \"%s\", \"descriptors\": \"%zu\"}\n",
      assertions ? "on" : "off", __VERSION__, uv_version_string(), event_get_version(),
      BOOST_LIB_VERSION, raiseDescriptorLimit());
  return 0;
}

int run(int argc, char** argv) {
  if (argc == 2 && std::string_view(argv[1]) == "--describe") return describe();
  const auto isWanted = [&](const Service& service) {
    return argc == 3 && service.contestant == argv[1] && service.name == argv[2];
  };
  const Service* const found = std::find_if(std::begin(services), std::end(services), isWanted);
  if (found != std::end(services)) serve(*found);
  std::fprintf(stderr, "usage: server --describe | CONTESTANT SERVICE, one of:\n");
  for (const Service& service : services) {
    std::fprintf(stderr, "  %s %s\n", service.contestant.data(), service.name.data());
  }
  return 2;
}

}  // namespace
}  // namespace kairos::bench

int main(int argc, char** argv) { return kairos::bench::run(argc, argv); }
