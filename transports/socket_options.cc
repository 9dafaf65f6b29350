// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/transports/socket_options.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <limits>

namespace kairos {
namespace {

std::error_code lastError() { return {errno, std::generic_category()}; }

template <class Value>
std::error_code set(Fd fd, int level, int name, const Value& value) {
  return ::setsockopt(fd, level, name, &value, sizeof value) == 0 ? std::error_code() : lastError();
}

// Of what is counted: zero leaves it as it is.
std::error_code setCount(Fd fd, int level, int name, std::int64_t count) {
  if (count == 0) return {};
  if (count < 0 || count > std::numeric_limits<int>::max()) {
    return std::make_error_code(std::errc::invalid_argument);
  }
  return set(fd, level, name, static_cast<int>(count));
}

std::error_code setBuffer(Fd fd, int name, std::size_t bytes) {
  constexpr std::size_t most = std::numeric_limits<int>::max();
  if (bytes > most) return std::make_error_code(std::errc::invalid_argument);
  return set(fd, SOL_SOCKET, name, static_cast<int>(bytes));
}

std::error_code setKeepAlive(Fd fd, const TcpOptions& options) {
  const auto idle = options.keepAliveIdle.count();
  const auto interval = options.keepAliveInterval.count();
  if (const auto error = setCount(fd, IPPROTO_TCP, TCP_KEEPIDLE, idle)) return error;
  if (const auto error = setCount(fd, IPPROTO_TCP, TCP_KEEPINTVL, interval)) return error;
  if (const auto error = setCount(fd, IPPROTO_TCP, TCP_KEEPCNT, options.keepAliveCount)) {
    return error;
  }
  return set(fd, SOL_SOCKET, SO_KEEPALIVE, options.keepAlive ? 1 : 0);
}

}  // namespace

std::error_code setTcpOptions(Fd fd, const TcpOptions& options) noexcept {
  if (const auto error = set(fd, IPPROTO_TCP, TCP_NODELAY, options.noDelay ? 1 : 0)) return error;
  if (const auto error = setKeepAlive(fd, options)) return error;
  return setCount(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, options.userTimeout.count());
}

std::error_code setResetOnClose(Fd fd, bool on) noexcept {
  const linger value{on ? 1 : 0, 0};
  return set(fd, SOL_SOCKET, SO_LINGER, value);
}

std::error_code setSendBuffer(Fd fd, std::size_t bytes) noexcept {
  return setBuffer(fd, SO_SNDBUF, bytes);
}

std::error_code setReceiveBuffer(Fd fd, std::size_t bytes) noexcept {
  return setBuffer(fd, SO_RCVBUF, bytes);
}

// A socket that has no such peer tells of none by a process of zero.
std::error_code peerCredentials(Fd fd, PeerCredentials& result) noexcept {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return lastError();
  if (peer.pid == 0) return std::make_error_code(std::errc::operation_not_supported);
  result = {peer.pid, peer.uid, peer.gid};
  return {};
}

}  // namespace kairos
