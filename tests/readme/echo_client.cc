// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/tests/readme/echo_client.h"

#include <sys/socket.h>

#include <array>
#include <chrono>
#include <cstdlib>

namespace kairos {

EchoClient::EchoClient() {
  std::array<Fd, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends.data()) != 0) std::abort();
  client_ = UniqueFd(ends[0]);
  server_ = UniqueFd(ends[1]);
}

std::string EchoClient::exchange(const std::string& bytes, Reactor& reactor) {
  unsent_ = bytes;
  do {
    // Until the server's buffers are full both ways.
    while (sendSome()) reactor.poll(Clock::duration::zero());
  } while (receiveSome() && !reactor.poll(std::chrono::milliseconds(1)).error);
  return received_;
}

// Whether the server may be able to go on.
bool EchoClient::sendSome() {
  if (unsent_.empty()) return false;
  const auto sent = ::send(client_.get(), unsent_.data(), unsent_.size(), MSG_NOSIGNAL);
  if (sent <= 0) return false;
  unsent_.erase(0, static_cast<std::size_t>(sent));
  if (unsent_.empty()) ::shutdown(client_.get(), SHUT_WR);
  return true;
}

// False at the server's end.
bool EchoClient::receiveSome() {
  std::array<char, 65536> part;
  for (;;) {
    const auto count = ::recv(client_.get(), part.data(), part.size(), 0);
    if (count <= 0) return count < 0 && errno == EAGAIN;
    received_.append(part.data(), static_cast<std::size_t>(count));
  }
}

}  // namespace kairos
