// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/transports/detail/fd_io.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "kairos/transports/detail/socket_option.h"

namespace kairos::detail {
namespace {

template <class Call>
IoResult untilNotInterrupted(Call call) noexcept {
  IoResult result;
  do result = resultOf(call());
  while (result.error == EINTR);
  return result;
}

IoResult send(Fd fd, std::span<iovec> parts) noexcept {
  if (parts.size() == 1) return writeOnce(fd, FdKind::socket, toView(parts.front()));
  msghdr message{};
  message.msg_iov = parts.data();
  message.msg_iovlen = parts.size();
  return untilNotInterrupted([&] { return ::sendmsg(fd, &message, MSG_NOSIGNAL); });
}

// Keeps a SIGPIPE that this thread raises meanwhile from being delivered, and takes it back. One
// that was pending before stays pending.
class SigpipeGuard {
 public:
  SigpipeGuard() noexcept {
    ::sigemptyset(&sigpipe_);
    ::sigaddset(&sigpipe_, SIGPIPE);
    ::pthread_sigmask(SIG_BLOCK, &sigpipe_, &before_);
    // Only one that was blocked can have been pending.
    wasPending_ = ::sigismember(&before_, SIGPIPE) == 1 && isPending();
  }

  ~SigpipeGuard() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

  SigpipeGuard(const SigpipeGuard&) = delete;
  SigpipeGuard& operator=(const SigpipeGuard&) = delete;

  void takeBack() noexcept {
    const timespec now{};
    while (!wasPending_ && ::sigtimedwait(&sigpipe_, nullptr, &now) < 0 && errno == EINTR) {
    }
  }

 private:
  static bool isPending() noexcept {
    sigset_t pending;
    ::sigpending(&pending);
    return ::sigismember(&pending, SIGPIPE) == 1;
  }

  sigset_t sigpipe_;
  sigset_t before_;
  bool wasPending_;
};

// Only send(2) and sendmsg(2) can be told to raise no signal. sendfile(2) goes on in parts of 64
// KiB and so: when a part meets a peer that is gone, the signal is raised, and what the parts
// before came to is returned (Linux 6.18, TCP). So less than `asked` for may mean it too.
template <class Call>
IoResult withoutSigpipe(std::size_t asked, Call call) noexcept {
  SigpipeGuard guard;
  const IoResult result = untilNotInterrupted(call);
  if (result.error == EPIPE || (result.error == 0 && result.bytes < asked)) guard.takeBack();
  return result;
}

// A pipe takes what it has room for at once, or raises the signal and takes nothing.
IoResult writeVector(Fd fd, std::span<iovec> parts) noexcept {
  return withoutSigpipe(0,
                        [&] { return ::writev(fd, parts.data(), static_cast<int>(parts.size())); });
}

}  // namespace

IoResult readFile(Fd fd, std::span<char> into) noexcept {
  return untilNotInterrupted([&] { return ::read(fd, into.data(), into.size()); });
}

IoResult writeOnce(Fd fd, FdKind kind, std::span<iovec> parts) noexcept {
  return kind == FdKind::socket ? send(fd, parts) : writeVector(fd, parts);
}

// The OS counts what is sent in a position that it is given, and in its result.
IoResult sendFileOnce(Fd fd, Fd file, std::uint64_t offset, std::size_t count) noexcept {
  auto at = static_cast<off_t>(offset);
  return withoutSigpipe(count, [&] { return ::sendfile(fd, file, &at, count); });
}

std::uint64_t sizeOf(Fd file) noexcept {
  struct stat status;
  return ::fstat(file, &status) == 0 ? static_cast<std::uint64_t>(status.st_size) : 0;
}

IoResult readAt(Fd file, std::uint64_t offset, std::span<char> into) noexcept {
  return untilNotInterrupted(
      [&] { return ::pread(file, into.data(), into.size(), static_cast<off_t>(offset)); });
}

bool isBrokenSilently(Fd fd) noexcept {
  tcp_info info;
  int error = 0;
  return !getOption(fd, IPPROTO_TCP, TCP_INFO, info) && info.tcpi_state == TCP_CLOSE &&
         !getOption(fd, SOL_SOCKET, SO_ERROR, error) && error == 0;
}

std::error_code kindOf(Fd fd, FdKind& kind) noexcept {
  struct stat status;
  if (::fstat(fd, &status) != 0) return systemError(errno);
  if (S_ISSOCK(status.st_mode)) {
    kind = FdKind::socket;
    return checkStreamSocket(fd, false);
  }
  kind = S_ISFIFO(status.st_mode) ? FdKind::pipe : FdKind::other;
  const bool mayBeStream = S_ISFIFO(status.st_mode) || S_ISCHR(status.st_mode);
  return mayBeStream ? std::error_code() : systemError(EPERM);
}

std::error_code checkStreamSocket(Fd fd, bool listens) noexcept {
  int type = 0;
  int isListening = 0;
  if (const auto error = getOption(fd, SOL_SOCKET, SO_TYPE, type)) return error;
  if (const auto error = getOption(fd, SOL_SOCKET, SO_ACCEPTCONN, isListening)) return error;
  const bool isWanted = type == SOCK_STREAM && (isListening != 0) == listens;
  return isWanted ? std::error_code() : systemError(EINVAL);
}

std::error_code checkReadable(Fd fd, FdKind kind) noexcept {
  if (kind == FdKind::socket) return {};
  const int status = ::fcntl(fd, F_GETFL);
  if (status < 0) return systemError(errno);
  return (status & O_ACCMODE) == O_WRONLY ? systemError(EBADF) : std::error_code();
}

std::error_code setFlags(Fd fd) noexcept {
  bool wasBlocking = false;
  return setFlags(fd, wasBlocking);
}

std::error_code setFlags(Fd fd, bool& wasBlocking) noexcept {
  const int status = ::fcntl(fd, F_GETFL);
  if (status < 0) return systemError(errno);
  wasBlocking = (status & O_NONBLOCK) == 0;
  if (wasBlocking && ::fcntl(fd, F_SETFL, status | O_NONBLOCK) != 0) {
    return systemError(errno);
  }
  if (::fcntl(fd, F_SETFD, FD_CLOEXEC) == 0) return {};
  const std::error_code error = systemError(errno);
  if (wasBlocking) ::fcntl(fd, F_SETFL, status);
  return error;
}

void makeBlocking(Fd fd) noexcept {
  const int status = ::fcntl(fd, F_GETFL);
  if (status >= 0) ::fcntl(fd, F_SETFL, status & ~O_NONBLOCK);
}

}  // namespace kairos::detail
