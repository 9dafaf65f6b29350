// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/transports/detail/resolver_sockets.h"

#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>

#include "kairos/transports/detail/fd_io.h"
#include "kairos/transports/detail/resolver_channel.h"

namespace kairos::detail {
namespace {

// Who has too few descriptors, and not the name server, is to blame then.
bool isShortage(int error) {
  return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

ares_socket_t openSocket(int family, int type, int protocol, void* channel) {
  const Fd fd = ::socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
  if (fd < 0 && isShortage(errno)) {
    static_cast<ResolverChannel*>(channel)->noteShortage(systemError(errno));
  }
  return fd;
}

int closeSocket(ares_socket_t fd, void*) { return ::close(fd); }

int connectSocket(ares_socket_t fd, const sockaddr* address, ares_socklen_t size, void*) {
  return ::connect(fd, address, size);
}

// c-ares receives until nothing is there, which may never be.
ares_ssize_t receive(ares_socket_t fd, void* into, std::size_t size, int flags, sockaddr* from,
                     ares_socklen_t* fromSize, void* channel) {
  if (!static_cast<ResolverChannel*>(channel)->mayReceive()) {
    errno = EAGAIN;
    return -1;
  }
  return ::recvfrom(fd, into, size, flags, from, fromSize);
}

ares_ssize_t send(ares_socket_t fd, const iovec* parts, int count, void*) {
  msghdr message{};
  // sendmsg(2) does not write to it.
  message.msg_iov = const_cast<iovec*>(parts);
  message.msg_iovlen = static_cast<std::size_t>(count);
  return ::sendmsg(fd, &message, MSG_NOSIGNAL);
}

}  // namespace

const ares_socket_functions resolverSockets = {openSocket, closeSocket, connectSocket, receive,
                                               send};

}  // namespace kairos::detail
