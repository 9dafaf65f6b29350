// SPDX-License-Identifier: MIT OR Apache-2.0
#include <sys/epoll.h>
#include <sys/sendfile.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>

#include "kairos/bench/transports/servers/epoll_server.h"
#include "kairos/bench/transports/servers/file.h"
#include "kairos/bench/transports/servers/services.h"

namespace kairos::bench {
namespace {

int file = -1;

class FileConnection {
 public:
  FileConnection(EpollSet& set, int fd) : set_(set), fd_(fd) {}

  int fd() const { return fd_; }

  bool onEvents(std::uint32_t) {
    if (sent_ < 0) {
      char request = 0;
      if (::recv(fd_, &request, 1, 0) != 1) return false;
      sent_ = 0;
    }
    return send();
  }

 private:
  bool send() {
    while (sent_ < static_cast<off_t>(fileBytes)) {
      const ssize_t count =
          ::sendfile(fd_, file, &sent_, fileBytes - static_cast<std::size_t>(sent_));
      if (count > 0) continue;
      return count < 0 && errno == EAGAIN && watch(EPOLLOUT);
    }
    sent_ = -1;
    return watch(EPOLLIN);
  }

  bool watch(std::uint32_t events) {
    if (events != watched_) set_.modify(fd_, events, this);
    watched_ = events;
    return true;
  }

  EpollSet& set_;
  int fd_;
  std::uint32_t watched_ = EPOLLIN;
  off_t sent_ = -1;  // of the file that is being sent
};

}  // namespace

void fileBare(int listener) {
  file = openFile();
  serveByEpoll<FileConnection>(listener);
}

}  // namespace kairos::bench
