// SPDX-License-Identifier: MIT OR Apache-2.0
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>

#include "kairos/bench/support/check.h"
#include "kairos/bench/transports/servers/epoll_server.h"
#include "kairos/bench/transports/servers/services.h"

namespace kairos::bench {
namespace {

constexpr std::size_t datagramBytesMax = 2048;
constexpr std::size_t batch = 64;

// A datagram for a call.
bool echoOne(int fd) {
  static std::array<char, datagramBytesMax> bytes;
  sockaddr_in from;
  socklen_t size = sizeof from;
  const ssize_t count = ::recvfrom(fd, bytes.data(), bytes.size(), MSG_DONTWAIT,
                                   reinterpret_cast<sockaddr*>(&from), &size);
  if (count < 0) return check(errno == EAGAIN, "recvfrom"), false;
  const ssize_t sent = ::sendto(fd, bytes.data(), static_cast<std::size_t>(count), MSG_DONTWAIT,
                                reinterpret_cast<sockaddr*>(&from), size);
  check(sent == count, "sendto");
  return true;
}

// Up to a batch for a call.
class Batch {
 public:
  Batch() {
    for (std::size_t i = 0; i < batch; ++i) parts_[i].iov_base = bytes_[i].data();
  }

  // False: there was no full batch.
  bool echo(int fd) {
    for (std::size_t i = 0; i < batch; ++i) {
      parts_[i].iov_len = datagramBytesMax;
      messages_[i].msg_hdr = {};
      messages_[i].msg_hdr.msg_name = &addresses_[i];
      messages_[i].msg_hdr.msg_namelen = sizeof addresses_[i];
      messages_[i].msg_hdr.msg_iov = &parts_[i];
      messages_[i].msg_hdr.msg_iovlen = 1;
    }
    const int count = ::recvmmsg(fd, messages_.data(), batch, MSG_DONTWAIT, nullptr);
    if (count < 0) return check(errno == EAGAIN, "recvmmsg"), false;
    for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
      parts_[i].iov_len = messages_[i].msg_len;
    }
    const int sent = ::sendmmsg(fd, messages_.data(), static_cast<unsigned>(count), MSG_DONTWAIT);
    check(sent == count, "sendmmsg");
    return static_cast<std::size_t>(count) == batch;
  }

 private:
  std::array<std::array<char, datagramBytesMax>, batch> bytes_;
  std::array<sockaddr_in, batch> addresses_;
  std::array<iovec, batch> parts_;
  std::array<mmsghdr, batch> messages_;
};

// At most a batch of datagrams for a wait.
template <class Handle>
void serve(int fd, Handle handle) {
  EpollSet set;
  set.add(fd, EPOLLIN, nullptr);
  for (;;) set.wait([&](void*, std::uint32_t) { handle(); });
}

void serveOneByOne(int fd) {
  serve(fd, [fd] {
    std::size_t left = batch;
    while (left > 0 && echoOne(fd)) --left;
  });
}

}  // namespace

void datagramsBare(int fd) { serveOneByOne(fd); }
void datagramsBareTwin(int fd) { serveOneByOne(fd); }

void datagramsBareBatches(int fd) {
  static Batch all;
  serve(fd, [fd] { all.echo(fd); });
}

}  // namespace kairos::bench
