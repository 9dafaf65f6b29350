// SPDX-License-Identifier: MIT OR Apache-2.0
#include <sys/epoll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <string>

#include "kairos/bench/transports/servers/epoll_server.h"
#include "kairos/bench/transports/servers/services.h"

namespace kairos::bench {
namespace {

// What all connections receive into: no bytes stay there for longer than a call.
std::array<char, 65536> buffer;

// `copy` makes a second one of the same code.
template <int copy>
class EchoConnection {
 public:
  EchoConnection(EpollSet& set, int fd) : set_(set), fd_(fd) {}

  int fd() const { return fd_; }

  bool onEvents(std::uint32_t) { return unsent_.empty() ? echo() : flush(); }

 private:
  bool echo() {
    const ssize_t count = ::recv(fd_, buffer.data(), buffer.size(), 0);
    if (count <= 0) return count < 0 && errno == EAGAIN;
    const ssize_t sent = ::send(fd_, buffer.data(), static_cast<std::size_t>(count), MSG_NOSIGNAL);
    if (sent == count) [[likely]] {
      return true;
    }
    if (sent < 0 && errno != EAGAIN) return false;
    const std::size_t taken = sent < 0 ? 0 : static_cast<std::size_t>(sent);
    unsent_.assign(buffer.data() + taken, static_cast<std::size_t>(count) - taken);
    set_.modify(fd_, EPOLLOUT, this);
    return true;
  }

  // Nothing is read meanwhile.
  bool flush() {
    const ssize_t sent = ::send(fd_, unsent_.data(), unsent_.size(), MSG_NOSIGNAL);
    if (sent < 0) return errno == EAGAIN;
    unsent_.erase(0, static_cast<std::size_t>(sent));
    if (unsent_.empty()) set_.modify(fd_, EPOLLIN, this);
    return true;
  }

  EpollSet& set_;
  int fd_;
  std::string unsent_;
};

}  // namespace

void echoBare(int listener) { serveByEpoll<EchoConnection<0>>(listener); }
void echoBareTwin(int listener) { serveByEpoll<EchoConnection<1>>(listener); }

}  // namespace kairos::bench
