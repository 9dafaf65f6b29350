// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/transports/detail/listening_socket.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <climits>

#include "kairos/transports/detail/fd_io.h"

namespace kairos::detail {
namespace {

std::error_code set(Fd fd, int level, int option, bool on) {
  const int value = on ? 1 : 0;
  if (::setsockopt(fd, level, option, &value, sizeof value) == 0) return {};
  return systemError(errno);
}

std::error_code configure(Fd fd, const Address& address, const ServerOptions& options) {
  if (!address.isIp()) return {};
  if (options.reuseAddress) {
    if (const auto error = set(fd, SOL_SOCKET, SO_REUSEADDR, true)) return error;
  }
  if (options.reusePort) {
    if (const auto error = set(fd, SOL_SOCKET, SO_REUSEPORT, true)) return error;
  }
  // Said each time: the default is the administrator's.
  return address.isIpv6() ? set(fd, IPPROTO_IPV6, IPV6_V6ONLY, options.ipv6Only)
                          : std::error_code();
}

std::error_code bindAndListen(Fd fd, const Address& address, const ServerOptions& options,
                              BoundPath& path) {
  if (const auto error = configure(fd, address, options)) return error;
  if (const auto error = BoundPath::bind(fd, address, options.pathMode, path)) return error;
  // The OS cuts it to what the administrator allows, which SOMAXCONN does not tell.
  if (::listen(fd, options.backlog > 0 ? options.backlog : INT_MAX) == 0) return {};
  const std::error_code error = systemError(errno);
  path.remove();
  return error;
}

}  // namespace

std::error_code openListening(const Address& address, const ServerOptions& options, Fd& result,
                              BoundPath& path) noexcept {
  if (address.family() == Address::Family::none) {
    return std::make_error_code(std::errc::invalid_argument);
  }
  const int family = address.sockaddrData()->sa_family;
  const Fd fd = ::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return systemError(errno);
  const auto error = bindAndListen(fd, address, options, path);
  if (error) {
    ::close(fd);
  } else {
    result = fd;
  }
  return error;
}

}  // namespace kairos::detail
