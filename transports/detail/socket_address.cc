// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/transports/detail/socket_address.h"

#include <sys/socket.h>

#include <cerrno>

#include "kairos/transports/detail/fd_io.h"

namespace kairos::detail {
namespace {

template <class Ask>
std::error_code askAddress(Ask ask, Address& result) noexcept {
  sockaddr_storage storage;
  socklen_t size = sizeof storage;
  auto* const address = reinterpret_cast<sockaddr*>(&storage);
  if (ask(address, &size) != 0) return systemError(errno);
  return Address::fromSockaddr(address, size, result);
}

}  // namespace

std::error_code localAddressOf(Fd socket, Address& result) noexcept {
  return askAddress(
      [socket](sockaddr* to, socklen_t* size) { return ::getsockname(socket, to, size); }, result);
}

std::error_code remoteAddressOf(Fd socket, Address& result) noexcept {
  return askAddress(
      [socket](sockaddr* to, socklen_t* size) { return ::getpeername(socket, to, size); }, result);
}

}  // namespace kairos::detail
