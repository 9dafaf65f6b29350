// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/transports/detail/datagram_open.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "kairos/transports/detail/fd_io.h"
#include "kairos/transports/detail/socket_address.h"
#include "kairos/transports/detail/socket_option.h"

namespace kairos::detail {
namespace {

bool isNone(const Address& address) { return address.family() == Address::Family::none; }

std::error_code configure(Fd fd, int family, const DatagramOptions& options) {
  if (family == AF_UNIX) return {};
  if (options.reuseAddress) {
    if (const auto error = setOption(fd, SOL_SOCKET, SO_REUSEADDR, 1)) return error;
  }
  if (options.reusePort) {
    if (const auto error = setOption(fd, SOL_SOCKET, SO_REUSEPORT, 1)) return error;
  }
  if (options.broadcast) {
    if (const auto error = setOption(fd, SOL_SOCKET, SO_BROADCAST, 1)) return error;
  }
  // Said each time: the default is the administrator's.
  return family == AF_INET6 ? setOption(fd, IPPROTO_IPV6, IPV6_V6ONLY, options.ipv6Only ? 1 : 0)
                            : std::error_code();
}

std::error_code bindAndConnect(Fd fd, const Address& remote, const DatagramOptions& options,
                               BoundPath& path) {
  if (!isNone(options.local)) {
    if (const auto error = BoundPath::bind(fd, options.local, options.pathMode, path)) return error;
  }
  if (isNone(remote)) return {};
  if (::connect(fd, remote.sockaddrData(), remote.sockaddrSize()) == 0) return {};
  return systemError(errno);
}

}  // namespace

std::error_code openDatagram(const Address& remote, const DatagramOptions& options,
                             DatagramEnd& result, BoundPath& path) noexcept {
  const Address& known = isNone(remote) ? options.local : remote;
  if (isNone(known)) return std::make_error_code(std::errc::invalid_argument);
  const int family = known.sockaddrData()->sa_family;
  const Fd fd = ::socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return systemError(errno);
  auto error = configure(fd, family, options);
  if (!error) error = bindAndConnect(fd, remote, options, path);
  if (error) {
    path.remove();
    ::close(fd);
  } else {
    result = {.fd = fd, .isConnected = !isNone(remote), .isUnix = family == AF_UNIX};
  }
  return error;
}

std::error_code inspectDatagram(Fd fd, DatagramEnd& result) noexcept {
  int type = 0;
  int family = 0;
  if (const auto error = getOption(fd, SOL_SOCKET, SO_TYPE, type)) return error;
  if (const auto error = getOption(fd, SOL_SOCKET, SO_DOMAIN, family)) return error;
  const bool isKnown = family == AF_INET || family == AF_INET6 || family == AF_UNIX;
  if (type != SOCK_DGRAM || !isKnown) return std::make_error_code(std::errc::invalid_argument);
  Address remote;
  const bool isConnected = !remoteAddressOf(fd, remote);
  result = {.fd = fd, .isConnected = isConnected, .isUnix = family == AF_UNIX};
  return {};
}

}  // namespace kairos::detail
