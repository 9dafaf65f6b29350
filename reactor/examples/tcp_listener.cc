// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/reactor/examples/tcp_listener.h"

#include <netdb.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <memory>

namespace kairos::examples {
namespace {

using AddressList = std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)>;

AddressList parseAddress(const std::string& address, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(address.c_str(), std::to_string(port).c_str(), &hints, &found) != 0) {
    found = nullptr;
  }
  return {found, &::freeaddrinfo};
}

}  // namespace

UniqueFd listenOn(const std::string& address, std::uint16_t port, std::error_code& error) {
  const auto parsed = parseAddress(address, port);
  if (!parsed) {
    error = std::make_error_code(std::errc::invalid_argument);
    return UniqueFd();
  }
  const int type = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
  UniqueFd socket(::socket(parsed->ai_family, type, parsed->ai_protocol));
  const int on = 1;
  // SO_REUSEADDR: a restarted server gets its port although the connections of its last run are
  // still in TIME_WAIT.
  if (!socket.valid() ||
      ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
      ::bind(socket.get(), parsed->ai_addr, parsed->ai_addrlen) != 0 ||
      ::listen(socket.get(), SOMAXCONN) != 0) {
    error.assign(errno, std::generic_category());
    return UniqueFd();
  }
  error.clear();
  return socket;
}

std::string localName(Fd socket) {
  sockaddr_storage storage{};
  auto* const address = reinterpret_cast<sockaddr*>(&storage);
  socklen_t length = sizeof storage;
  std::array<char, NI_MAXHOST> host{};
  std::array<char, NI_MAXSERV> port{};
  if (::getsockname(socket, address, &length) != 0 ||
      ::getnameinfo(address, length, host.data(), host.size(), port.data(), port.size(),
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
    return "an unknown address";
  }
  const std::string name(host.data());
  return (storage.ss_family == AF_INET6 ? "[" + name + "]" : name) + ":" + port.data();
}

}  // namespace kairos::examples
