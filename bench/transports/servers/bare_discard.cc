// SPDX-License-Identifier: MIT OR Apache-2.0
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>

#include "kairos/bench/transports/servers/epoll_server.h"
#include "kairos/bench/transports/servers/services.h"

namespace kairos::bench {
namespace {

std::array<char, 65536> buffer;

class DiscardConnection {
 public:
  DiscardConnection(EpollSet&, int fd) : fd_(fd) {}

  int fd() const { return fd_; }

  bool onEvents(std::uint32_t) {
    const ssize_t count = ::recv(fd_, buffer.data(), buffer.size(), 0);
    if (count < 0) return errno == EAGAIN;
    bytes_ += static_cast<std::uint64_t>(count);
    if (count > 0) return true;
    ::send(fd_, &bytes_, sizeof bytes_, MSG_NOSIGNAL);
    return false;
  }

 private:
  int fd_;
  std::uint64_t bytes_ = 0;
};

}  // namespace

void discardBare(int listener) { serveByEpoll<DiscardConnection>(listener); }

}  // namespace kairos::bench
