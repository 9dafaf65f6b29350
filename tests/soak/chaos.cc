// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/tests/soak/chaos.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>

namespace kairos::soak {
namespace {

constexpr std::uint32_t percent = 30;

thread_local std::uint32_t state = 0;  // 0: no chaos

std::uint32_t next() {
  state ^= state << 13;
  state ^= state >> 17;
  state ^= state << 5;
  return state;
}

bool strikes() { return state != 0 && next() % 100 < percent; }

// Fails the call, or makes it a smaller one.
bool disturbs(std::size_t& count) {
  if (!strikes()) return false;
  const std::uint32_t what = next() % 3;
  if (what == 0 || count < 2) {
    errno = next() % 2 == 0 ? EINTR : EAGAIN;
    return true;
  }
  count = 1 + next() % (count - 1);
  return false;
}

}  // namespace

void chaos(std::uint32_t seed) { state = seed; }

}  // namespace kairos::soak

using kairos::soak::disturbs;
using kairos::soak::next;
using kairos::soak::strikes;

extern "C" {

ssize_t recv(int fd, void* into, size_t count, int flags) {
  if (disturbs(count)) return -1;
  return ::syscall(SYS_recvfrom, fd, into, count, flags, nullptr, nullptr);
}

ssize_t send(int fd, const void* bytes, size_t count, int flags) {
  if (disturbs(count)) return -1;
  return ::syscall(SYS_sendto, fd, bytes, count, flags, nullptr, 0);
}

// Of several parts, the first ones.
ssize_t sendmsg(int fd, const msghdr* message, int flags) {
  msghdr part = *message;
  if (disturbs(part.msg_iovlen)) return -1;
  return ::syscall(SYS_sendmsg, fd, &part, flags);
}

int accept4(int fd, sockaddr* address, socklen_t* size, int flags) {
  if (strikes()) {
    constexpr int errors[] = {EINTR, ECONNABORTED, EAGAIN, EPROTO};
    errno = errors[next() % 4];
    return -1;
  }
  return static_cast<int>(::syscall(SYS_accept4, fd, address, size, flags));
}

int epoll_wait(int fd, epoll_event* events, int most, int timeout) {
  if (strikes()) {
    if (next() % 2 == 0) {
      errno = EINTR;
      return -1;
    }
    most = 1;
  }
  return static_cast<int>(
      ::syscall(SYS_epoll_pwait, fd, events, most, timeout, nullptr, std::size_t{8}));
}

}  // extern "C"
