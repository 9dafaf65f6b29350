// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/tests/soak/raw_client.h"

#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cstring>

namespace kairos::soak {

RawClient::RawClient(const Address& address)
    : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  if (fd_.get() < 0) return;
  const linger abort{1, 0};
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &abort, sizeof abort);
  if (::connect(fd_.get(), address.sockaddrData(), address.sockaddrSize()) != 0) fd_.reset();
}

bool RawClient::exchange() {
  std::array<char, 64> sent;
  std::array<char, 64> received;
  sent.fill('x');
  if (::send(fd_.get(), sent.data(), sent.size(), MSG_NOSIGNAL) != std::ssize(sent)) return false;
  return ::recv(fd_.get(), received.data(), received.size(), MSG_WAITALL) == std::ssize(received) &&
         sent == received;
}

// It is full when nothing fits for a while: the server goes on until its own buffers are full too.
void RawClient::flood(std::size_t bytesMax) {
  static const std::array<char, 65536> bytes{};
  pollfd room{fd_.get(), POLLOUT, 0};
  for (std::size_t sent = 0; sent < bytesMax && ::poll(&room, 1, 20) == 1;) {
    const ssize_t now = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (now <= 0) return;
    sent += static_cast<std::size_t>(now);
  }
}

bool RawClient::drip() {
  const char byte = 'd';
  return ::send(fd_.get(), &byte, 1, MSG_NOSIGNAL | MSG_DONTWAIT) == 1;
}

}  // namespace kairos::soak
