// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/tests/examples/tcp_client.h"

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <memory>

#include "kairos/tests/support/child_process.h"

namespace kairos {
namespace {

// What is ready of `events`; nothing when `time` is over.
short waitFor(Fd fd, short events, std::chrono::milliseconds time) {
  pollfd entry{fd, events, 0};
  while (::poll(&entry, 1, static_cast<int>(time.count())) < 0 && errno == EINTR) continue;
  return entry.revents;
}

}  // namespace

TcpClient::TcpClient(std::uint16_t port, const Options& options) {
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(options.address, std::to_string(port).c_str(), &hints, &found) != 0) return;
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> address(found, &::freeaddrinfo);
  socket_ = UniqueFd(::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (options.receiveBufferBytes != 0) {
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVBUF, &options.receiveBufferBytes, sizeof(int));
  }
  connected_ = ::connect(socket_.get(), found->ai_addr, found->ai_addrlen) == 0;
}

std::size_t TcpClient::send(std::string_view bytes, std::chrono::milliseconds stall) {
  std::size_t total = 0;
  while (total < bytes.size() && waitFor(socket_.get(), POLLOUT, stall) != 0) {
    const auto rest = bytes.substr(total);
    const auto sent = ::send(socket_.get(), rest.data(), rest.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno != EAGAIN) break;
    if (sent > 0) total += static_cast<std::size_t>(sent);
  }
  return total;
}

bool TcpClient::sendAll(std::string_view bytes) {
  return send(bytes, ChildProcess::patience) == bytes.size();
}

bool TcpClient::receiveSome(std::string& received, std::size_t sizeMax) {
  std::array<char, 16384> buffer;
  if (waitFor(socket_.get(), POLLIN, ChildProcess::patience) == 0) return false;
  const auto size = ::recv(socket_.get(), buffer.data(), std::min(sizeMax, buffer.size()), 0);
  if (size > 0) received.append(buffer.data(), static_cast<std::size_t>(size));
  return size > 0;
}

std::string TcpClient::receive(std::size_t size) {
  std::string received;
  while (received.size() < size && receiveSome(received, size - received.size())) continue;
  return received;
}

std::string TcpClient::receiveUntilEnd() {
  std::string received;
  while (receiveSome(received, received.max_size())) continue;
  return received;
}

std::string TcpClient::exchangeSlowly(std::string_view bytes) {
  constexpr std::size_t morsel = 1000;
  std::string received;
  std::size_t sent = 0;
  while (received.size() < bytes.size()) {
    sent += send(bytes.substr(sent), std::chrono::milliseconds(0));
    if (!receiveSome(received, morsel)) break;
  }
  return received;
}

bool TcpClient::readableWithin(std::chrono::milliseconds time) const {
  return waitFor(socket_.get(), POLLIN, time) != 0;
}

void TcpClient::shutdownWriting() const { ::shutdown(socket_.get(), SHUT_WR); }

void TcpClient::closeWithReset() {
  const linger atOnce{1, 0};
  ::setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &atOnce, sizeof atOnce);
  socket_.reset();
}

std::string patternBytes(std::size_t size) {
  std::string bytes(size, '\0');
  std::uint32_t state = 1;
  for (auto& byte : bytes) {
    state = state * 1664525 + 1013904223;
    byte = static_cast<char>(state >> 24);
  }
  return bytes;
}

std::uint16_t listeningPort(std::string_view output) {
  constexpr std::string_view words = "listening on ";
  const auto start = output.find(words);
  if (start == std::string_view::npos) return 0;
  const auto line = output.substr(start, output.find('\n', start) - start);
  const auto digits = line.substr(line.rfind(':') + 1);
  std::uint16_t port = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), port);
  return port;
}

}  // namespace kairos
