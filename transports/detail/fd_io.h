// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TRANSPORTS_DETAIL_FD_IO_H_
#define KAIROS_TRANSPORTS_DETAIL_FD_IO_H_

#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <system_error>

#include "kairos/reactor/reactor.h"

namespace kairos::detail {

enum class FdKind : std::uint8_t { socket, pipe, other };

inline std::error_code systemError(int number) noexcept {
  return {number, std::generic_category()};
}

inline iovec toIovec(std::string_view bytes) noexcept {
  // writev(2) and sendmsg(2) do not write to it.
  return {const_cast<char*>(bytes.data()), bytes.size()};
}

inline std::string_view toView(const iovec& part) noexcept {
  return {static_cast<const char*>(part.iov_base), part.iov_len};
}

// What reading or writing once did. Interruptions are not seen: the call is made again.
struct IoResult {
  std::size_t bytes = 0;  // zero from a read that did not fail: the end
  int error = 0;          // errno

  bool wouldBlock() const noexcept { return error == EAGAIN || error == EWOULDBLOCK; }
  // It takes nothing now for want of memory of its own, and will not tell when it has some.
  bool isStarved() const noexcept { return error == ENOBUFS; }
};

// Until the OS is asked again for what it does not tell of.
inline constexpr std::chrono::milliseconds retryDelay{10};

// Of a call that says how many bytes, or -1.
inline IoResult resultOf(ssize_t count) noexcept {
  if (count < 0) return {0, errno};
  return {static_cast<std::size_t>(count), 0};
}

// Not of a socket.
IoResult readFile(Fd fd, std::span<char> into) noexcept;

inline IoResult readOnce(Fd fd, FdKind kind, std::span<char> into) noexcept {
  if (kind != FdKind::socket) return readFile(fd, into);
  IoResult result;
  do result = resultOf(::recv(fd, into.data(), into.size(), 0));
  while (result.error == EINTR);
  return result;
}

// Never raises SIGPIPE, whose disposition and mask are as before when it returns.
IoResult writeOnce(Fd fd, FdKind kind, std::span<iovec> parts) noexcept;

// The same of one part.
inline IoResult writeOnce(Fd fd, FdKind kind, std::string_view part) noexcept {
  if (kind != FdKind::socket) {
    iovec only = toIovec(part);
    return writeOnce(fd, kind, {&only, 1});
  }
  IoResult result;
  do result = resultOf(::send(fd, part.data(), part.size(), MSG_NOSIGNAL));
  while (result.error == EINTR);
  return result;
}

// Sends up to `count` bytes of `file` from `offset` on, whose position is not used. Zero bytes: the
// file ends there. No SIGPIPE either.
IoResult sendFileOnce(Fd fd, Fd file, std::uint64_t offset, std::size_t count) noexcept;

// 0 if it has none, as in /proc.
std::uint64_t sizeOf(Fd file) noexcept;

IoResult readAt(Fd file, std::uint64_t offset, std::span<char> into) noexcept;

// A TCP connection that is no more, and the OS has told somebody why, or nobody ever.
bool isBrokenSilently(Fd fd) noexcept;

// What kind of stream `fd` is.
//   Errors    bad_file_descriptor; invalid_argument: a socket that is none;
//   operation_not_permitted:
//             neither a socket, nor a pipe, nor a device
std::error_code kindOf(Fd fd, FdKind& kind) noexcept;

// Whether a socket is for streams, and one that listens, or one that does not.
//   Errors    invalid_argument: it is not; not_a_socket, bad_file_descriptor
std::error_code checkStreamSocket(Fd fd, bool listens) noexcept;

// One that is open for writing alone, such as that end of a pipe, would never become readable.
//   Errors    bad_file_descriptor: as read(2) has it
std::error_code checkReadable(Fd fd, FdKind kind) noexcept;

// Makes it non-blocking and close-on-exec; the second tells whether it was blocking.
std::error_code setFlags(Fd fd) noexcept;
std::error_code setFlags(Fd fd, bool& wasBlocking) noexcept;

// As it was before, for those who share the open file.
void makeBlocking(Fd fd) noexcept;

}  // namespace kairos::detail

#endif  // KAIROS_TRANSPORTS_DETAIL_FD_IO_H_
