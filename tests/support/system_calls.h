// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TESTS_SUPPORT_SYSTEM_CALLS_H_
#define KAIROS_TESTS_SUPPORT_SYSTEM_CALLS_H_

#include <array>
#include <cstddef>

namespace kairos {

// The calls that a test program can count and fail: those of the objects linked into it, by the
// linker's --wrap; not those that shared libraries make. Requires linkstatic. One thread only.
enum class SystemCall {
  epollCreate,
  epollCtl,
  epollAdd,  // of those, the ones that a kernel with no room refuses
  epollWait,
  epollPwait2,
  poll,
  fcntl,
  fstat,
  mmap,
  madvise,
  recv,
  send,
  sendmsg,
  sendto,
  sendmmsg,
  recvmmsg,
  sendfile,
  pread,
  accept,
  socket,
  bind,
  listen,
  connect,
  getsockopt,
  setsockopt,
  getsockname,
  open,
  pipe,
  eventfd,
  signalfd,
  clone,
  byNumber,  // by syscall(2), but signal handling, signals to one process, and ends of processes
  clock,
  wallClock,
  last
};

// How often each call was made since this was made.
class SystemCallCount {
 public:
  SystemCallCount();
  std::size_t operator[](SystemCall call) const;
  std::size_t waits() const;

 private:
  std::array<std::size_t, static_cast<std::size_t>(SystemCall::last)> start_;
};

// After so many that succeed, the next calls fail with this error number. Not for the clocks.
void failCalls(SystemCall call, int error, std::size_t times = 1, std::size_t after = 0);

// While they are paused, calls succeed and are not counted by failCalls.
void pauseFailures(bool paused);

// Whether a call has failed since failCalls asked for it.
bool hasFailed(SystemCall call);

// What epoll_wait or poll was asked for last.
int lastTimeoutMs();

}  // namespace kairos

#endif  // KAIROS_TESTS_SUPPORT_SYSTEM_CALLS_H_
