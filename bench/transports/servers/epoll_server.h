// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_BENCH_TRANSPORTS_SERVERS_EPOLL_SERVER_H_
#define KAIROS_BENCH_TRANSPORTS_SERVERS_EPOLL_SERVER_H_

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>

#include "kairos/bench/support/check.h"

namespace kairos::bench {

// A level-triggered epoll set, as one writes it by hand for one program.
class EpollSet {
 public:
  EpollSet() : epoll_(::epoll_create1(EPOLL_CLOEXEC)) { check(epoll_ >= 0, "epoll_create1"); }

  void add(int fd, std::uint32_t events, void* data) { control(EPOLL_CTL_ADD, fd, events, data); }
  void modify(int fd, std::uint32_t events, void* data) {
    control(EPOLL_CTL_MOD, fd, events, data);
  }

  // Calls `handle(data, events)` of all that is ready.
  template <class Handle>
  void wait(Handle handle) {
    const int count = ::epoll_wait(epoll_, events_.data(), static_cast<int>(events_.size()), -1);
    check(count >= 0 || errno == EINTR, "epoll_wait");
    for (int i = 0; i < count; ++i) {
      const epoll_event& event = events_[static_cast<std::size_t>(i)];
      handle(event.data.ptr, event.events);
    }
  }

 private:
  void control(int operation, int fd, std::uint32_t events, void* data) {
    epoll_event event{};
    event.events = events;
    event.data.ptr = data;
    check(::epoll_ctl(epoll_, operation, fd, &event) == 0, "epoll_ctl");
  }

  int epoll_;
  std::array<epoll_event, 1024> events_;
};

// A TCP server on a bare loop. A Connection is made of the set and a descriptor, is watched for
// EPOLLIN at first, and is closed and deleted when `onEvents` returns false.
template <class Connection>
void serveByEpoll(int listener) {
  EpollSet set;
  set.add(listener, EPOLLIN, nullptr);
  for (;;) {
    set.wait([&](void* data, std::uint32_t events) {
      if (auto* const connection = static_cast<Connection*>(data)) {
        if (connection->onEvents(events)) return;
        ::close(connection->fd());
        delete connection;
        return;
      }
      int fd = 0;
      while ((fd = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        set.add(fd, EPOLLIN, new Connection(set, fd));
      }
      check(errno == EAGAIN, "accept4");
    });
  }
}

}  // namespace kairos::bench

#endif  // KAIROS_BENCH_TRANSPORTS_SERVERS_EPOLL_SERVER_H_
