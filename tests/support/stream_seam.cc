// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/tests/support/stream_seam.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <span>
#include <string_view>
#include <vector>

namespace kairos {
namespace {

StreamSeam* current = nullptr;

ssize_t failed(int error) {
  errno = error;
  return -1;
}

ssize_t resultOf(const Simulation::Transfer& transfer) {
  if (transfer.error) return failed(transfer.error.value());
  return static_cast<ssize_t>(transfer.bytes);
}

}  // namespace

StreamSeam::StreamSeam(Random& random, Simulation& simulation)
    : random_(random), simulation_(simulation) {
  while (simulation_.openCounter() + 1 < firstSimulated) {
  }
  current = this;
}

StreamSeam::~StreamSeam() { current = nullptr; }

bool StreamSeam::happens(unsigned oneIn) { return oneIn > 0 && random_.oneIn(oneIn); }

int StreamSeam::fault(bool isWrite) {
  int error = 0;
  if (happens(faults_.interrupted)) error = EINTR;
  if (happens(faults_.wouldBlock)) error = EAGAIN;
  if (isWrite && happens(faults_.noBuffers)) error = ENOBUFS;
  if (isWrite && happens(faults_.broken)) error = EPIPE;
  if (error != 0) ++faultCount_;
  return error;
}

std::size_t StreamSeam::cut(std::size_t size) {
  if (size < 2 || !happens(faults_.partial)) return size;
  ++faultCount_;
  return 1 + random_.below(size - 1);
}

// What the wrapped calls do, with the real ones as functions.
struct StreamCalls {
  template <class Real>
  static ssize_t read(Fd fd, void* bytes, std::size_t size, Real real) {
    if (current == nullptr) return real(size);
    StreamSeam& seam = *current;
    ++seam.reads_;
    if (const int error = seam.fault(false)) return failed(error);
    size = seam.cut(std::min(size, seam.faults_.bytesPerRead));
    if (!seam.owns(fd)) return real(size);
    return resultOf(seam.simulation_.receive(fd, {static_cast<char*>(bytes), size}));
  }

  // Of several parts as many as there is room for, as they come from one call.
  template <class Real>
  static ssize_t write(Fd fd, std::span<const iovec> parts, Real real) {
    if (current == nullptr) return real(parts);
    StreamSeam& seam = *current;
    if (const int error = seam.fault(true)) return failed(error);
    std::vector<iovec> some(parts.begin(), parts.end());
    shorten(some, seam);
    return seam.owns(fd) ? send(seam.simulation_, fd, some) : real(some);
  }

  static bool isSimulated(Fd fd) { return current != nullptr && current->owns(fd); }

  static int shutDown(Fd fd, int how) {
    if (how != SHUT_WR) return static_cast<int>(failed(EOPNOTSUPP));
    const std::error_code error = current->simulation_.shutDown(fd);
    return error ? static_cast<int>(failed(error.value())) : 0;
  }

  static int close(Fd fd) {
    return current->simulation_.close(fd) ? 0 : static_cast<int>(failed(EBADF));
  }

  static void noteErrorAsked() {
    if (current != nullptr) ++current->errorsAsked_;
  }

  static void noteClose(Fd fd, bool isOpen) {
    if (current == nullptr || fd < 0) return;
    current->closes_.insert(fd);
    if (!isOpen) ++current->vainCloses_;
  }

 private:
  static void shorten(std::vector<iovec>& parts, StreamSeam& seam) {
    std::size_t size = 0;
    for (const iovec& part : parts) size += part.iov_len;
    std::size_t left = seam.cut(size);
    if (left == size) return;
    for (iovec& part : parts) {
      part.iov_len = std::min(part.iov_len, left);
      left -= part.iov_len;
    }
  }

  static ssize_t send(Simulation& simulation, Fd fd, std::span<const iovec> parts) {
    std::size_t sent = 0;
    for (const iovec& part : parts) {
      if (part.iov_len == 0) continue;
      const std::string_view bytes(static_cast<const char*>(part.iov_base), part.iov_len);
      const Simulation::Transfer transfer = simulation.send(fd, bytes);
      if (transfer.error) return sent > 0 ? static_cast<ssize_t>(sent) : resultOf(transfer);
      sent += transfer.bytes;
      if (transfer.bytes < bytes.size()) break;
    }
    return static_cast<ssize_t>(sent);
  }
};

// The names that the linker gives to a wrapped symbol and to what it stood for.
extern "C" {

ssize_t __real_recv(int fd, void* bytes, size_t size, int flags);
ssize_t __real_read(int fd, void* bytes, size_t size);
ssize_t __real_send(int fd, const void* bytes, size_t size, int flags);
ssize_t __real_sendmsg(int fd, const msghdr* message, int flags);
ssize_t __real_writev(int fd, const iovec* parts, int count);
int __real_shutdown(int fd, int how);
int __real_close(int fd);
int __real_fcntl(int fd, int command, ...);
int __real_fstat(int fd, struct stat* file);
int __real_getsockopt(int fd, int level, int option, void* value, socklen_t* size);

ssize_t __wrap_recv(int fd, void* bytes, size_t size, int flags) {
  return StreamCalls::read(fd, bytes, size,
                           [&](std::size_t most) { return __real_recv(fd, bytes, most, flags); });
}

ssize_t __wrap_read(int fd, void* bytes, size_t size) {
  return StreamCalls::read(fd, bytes, size,
                           [&](std::size_t most) { return __real_read(fd, bytes, most); });
}

ssize_t __wrap_send(int fd, const void* bytes, size_t size, int flags) {
  const iovec all{const_cast<void*>(bytes), size};
  return StreamCalls::write(fd, {&all, 1}, [&](std::span<const iovec> parts) {
    return __real_send(fd, parts[0].iov_base, parts[0].iov_len, flags);
  });
}

ssize_t __wrap_sendmsg(int fd, const msghdr* message, int flags) {
  return StreamCalls::write(fd, {message->msg_iov, message->msg_iovlen},
                            [&](std::span<const iovec> parts) {
                              msghdr some = *message;
                              some.msg_iov = const_cast<iovec*>(parts.data());
                              return __real_sendmsg(fd, &some, flags);
                            });
}

ssize_t __wrap_writev(int fd, const iovec* all, int count) {
  return StreamCalls::write(
      fd, {all, static_cast<std::size_t>(count)},
      [&](std::span<const iovec> parts) { return __real_writev(fd, parts.data(), count); });
}

int __wrap_shutdown(int fd, int how) {
  return StreamCalls::isSimulated(fd) ? StreamCalls::shutDown(fd, how) : __real_shutdown(fd, how);
}

int __wrap_close(int fd) {
  const int result = StreamCalls::isSimulated(fd) ? StreamCalls::close(fd) : __real_close(fd);
  StreamCalls::noteClose(fd, result == 0);
  return result;
}

// Whatever the argument is, an integer or a pointer: it is handed on as it came.
int __wrap_fcntl(int fd, int command, void* argument) {
  if (!StreamCalls::isSimulated(fd)) return __real_fcntl(fd, command, argument);
  return command == F_GETFL ? O_RDWR | O_NONBLOCK : 0;
}

int __wrap_fstat(int fd, struct stat* file) {
  if (!StreamCalls::isSimulated(fd)) return __real_fstat(fd, file);
  *file = {};
  file->st_mode = S_IFSOCK;
  return 0;
}

int __wrap_getsockopt(int fd, int level, int option, void* value, socklen_t* size) {
  if (level == SOL_SOCKET && option == SO_ERROR) StreamCalls::noteErrorAsked();
  if (!StreamCalls::isSimulated(fd)) return __real_getsockopt(fd, level, option, value, size);
  if (level != SOL_SOCKET) return static_cast<int>(failed(ENOPROTOOPT));
  *static_cast<int*>(value) = option == SO_TYPE ? SOCK_STREAM : 0;
  return 0;
}

}  // extern "C"

}  // namespace kairos
