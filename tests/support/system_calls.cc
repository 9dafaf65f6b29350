// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/tests/support/system_calls.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>

#include <cerrno>
#include <chrono>
#include <ctime>

namespace kairos {
namespace {

using std::chrono::steady_clock;
using std::chrono::system_clock;

constexpr auto kinds = static_cast<std::size_t>(SystemCall::last);

struct Fault {
  int error = 0;
  std::size_t times = 0;
  std::size_t after = 0;
  bool happened = false;
};

std::array<std::size_t, kinds> counts{};
std::array<Fault, kinds> faults{};
int timeoutMs = 0;
bool pausing = false;

// Counts the call; true: it is to fail, and errno is set.
bool intercept(SystemCall call) {
  const auto kind = static_cast<std::size_t>(call);
  ++counts[kind];
  Fault& fault = faults[kind];
  if (fault.times == 0 || pausing) return false;
  if (fault.after > 0) {
    --fault.after;
    return false;
  }
  --fault.times;
  errno = fault.error;
  return fault.happened = true;
}

}  // namespace

SystemCallCount::SystemCallCount() : start_(counts) {}

std::size_t SystemCallCount::operator[](SystemCall call) const {
  const auto kind = static_cast<std::size_t>(call);
  return counts[kind] - start_[kind];
}

std::size_t SystemCallCount::waits() const {
  return (*this)[SystemCall::epollWait] + (*this)[SystemCall::epollPwait2] +
         (*this)[SystemCall::poll];
}

void failCalls(SystemCall call, int error, std::size_t times, std::size_t after) {
  faults[static_cast<std::size_t>(call)] = {error, times, after, false};
}

void pauseFailures(bool paused) { pausing = paused; }

bool hasFailed(SystemCall call) { return faults[static_cast<std::size_t>(call)].happened; }

int lastTimeoutMs() { return timeoutMs; }

// The names that the linker gives to a wrapped symbol and to what it stood for.
extern "C" {

int __real_epoll_create1(int flags);
int __real_epoll_ctl(int epoll, int operation, int fd, epoll_event* event);
int __real_epoll_wait(int epoll, epoll_event* events, int size, int timeout);
int __real_epoll_pwait2(int epoll, epoll_event* events, int size, const timespec* timeout,
                        const sigset_t* mask);
int __real_poll(pollfd* fds, nfds_t count, int timeout);
int __real_fcntl(int fd, int command, ...);
int __real_fstat(int fd, struct stat* file);
void* __real_mmap(void* at, std::size_t size, int protection, int flags, int fd, off_t offset);
int __real_madvise(void* at, std::size_t size, int advice);
ssize_t __real_recv(int fd, void* bytes, size_t size, int flags);
ssize_t __real_send(int fd, const void* bytes, size_t size, int flags);
ssize_t __real_sendmsg(int fd, const msghdr* message, int flags);
ssize_t __real_sendto(int fd, const void* bytes, size_t size, int flags, const sockaddr* to,
                      socklen_t toSize);
int __real_sendmmsg(int fd, mmsghdr* messages, unsigned count, int flags);
int __real_recvmmsg(int fd, mmsghdr* messages, unsigned count, int flags, timespec* timeout);
int __real_socket(int family, int type, int protocol);
int __real_bind(int fd, const sockaddr* address, socklen_t size);
int __real_listen(int fd, int backlog);
int __real_connect(int fd, const sockaddr* address, socklen_t size);
int __real_getsockopt(int fd, int level, int option, void* value, socklen_t* size);
int __real_setsockopt(int fd, int level, int option, const void* value, socklen_t size);
int __real_getsockname(int fd, sockaddr* address, socklen_t* size);
ssize_t __real_sendfile(int to, int from, off_t* offset, size_t size);
ssize_t __real_pread(int fd, void* bytes, size_t size, off_t offset);
int __real_accept4(int fd, sockaddr* address, socklen_t* size, int flags);
int __real_clock_gettime(clockid_t clock, timespec* time);
int __real_gettimeofday(timeval* time, void* zone);
int __real_open(const char* path, int flags, ...);
int __real_pipe2(int* ends, int flags);
int __real_eventfd(unsigned value, int flags);
int __real_signalfd(int fd, const sigset_t* signals, int flags);
int __real___clone(int (*run)(void*), void* stack, int flags, void* udata, ...);
long __real_syscall(long number, ...);
time_t __real_time(time_t* time);
steady_clock::time_point __real__ZNSt6chrono3_V212steady_clock3nowEv();
system_clock::time_point __real__ZNSt6chrono3_V212system_clock3nowEv();

int __wrap_epoll_create1(int flags) {
  return intercept(SystemCall::epollCreate) ? -1 : __real_epoll_create1(flags);
}

int __wrap_epoll_ctl(int epoll, int operation, int fd, epoll_event* event) {
  if (intercept(SystemCall::epollCtl)) return -1;
  if (operation == EPOLL_CTL_ADD && intercept(SystemCall::epollAdd)) return -1;
  return __real_epoll_ctl(epoll, operation, fd, event);
}

int __wrap_epoll_wait(int epoll, epoll_event* events, int size, int timeout) {
  timeoutMs = timeout;
  if (intercept(SystemCall::epollWait)) return -1;
  return __real_epoll_wait(epoll, events, size, timeout);
}

int __wrap_epoll_pwait2(int epoll, epoll_event* events, int size, const timespec* timeout,
                        const sigset_t* mask) {
  if (intercept(SystemCall::epollPwait2)) return -1;
  return __real_epoll_pwait2(epoll, events, size, timeout, mask);
}

int __wrap_poll(pollfd* fds, nfds_t count, int timeout) {
  timeoutMs = timeout;
  if (intercept(SystemCall::poll)) return -1;
  return __real_poll(fds, count, timeout);
}

// Whatever the argument is, an integer or a pointer: it is handed on as it came.
int __wrap_fcntl(int fd, int command, void* argument) {
  return intercept(SystemCall::fcntl) ? -1 : __real_fcntl(fd, command, argument);
}

int __wrap_fstat(int fd, struct stat* file) {
  return intercept(SystemCall::fstat) ? -1 : __real_fstat(fd, file);
}

void* __wrap_mmap(void* at, std::size_t size, int protection, int flags, int fd, off_t offset) {
  if (intercept(SystemCall::mmap)) return MAP_FAILED;
  return __real_mmap(at, size, protection, flags, fd, offset);
}

int __wrap_madvise(void* at, std::size_t size, int advice) {
  return intercept(SystemCall::madvise) ? -1 : __real_madvise(at, size, advice);
}

int __wrap_clock_gettime(clockid_t clock, timespec* time) {
  intercept(clock == CLOCK_REALTIME ? SystemCall::wallClock : SystemCall::clock);
  return __real_clock_gettime(clock, time);
}

int __wrap_gettimeofday(timeval* time, void* zone) {
  intercept(SystemCall::wallClock);
  return __real_gettimeofday(time, zone);
}

ssize_t __wrap_recv(int fd, void* bytes, size_t size, int flags) {
  if (intercept(SystemCall::recv)) return -1;
  return __real_recv(fd, bytes, size, flags);
}

ssize_t __wrap_send(int fd, const void* bytes, size_t size, int flags) {
  if (intercept(SystemCall::send)) return -1;
  return __real_send(fd, bytes, size, flags);
}

ssize_t __wrap_sendmsg(int fd, const msghdr* message, int flags) {
  if (intercept(SystemCall::sendmsg)) return -1;
  return __real_sendmsg(fd, message, flags);
}

ssize_t __wrap_sendto(int fd, const void* bytes, size_t size, int flags, const sockaddr* to,
                      socklen_t toSize) {
  if (intercept(SystemCall::sendto)) return -1;
  return __real_sendto(fd, bytes, size, flags, to, toSize);
}

int __wrap_sendmmsg(int fd, mmsghdr* messages, unsigned count, int flags) {
  if (intercept(SystemCall::sendmmsg)) return -1;
  return __real_sendmmsg(fd, messages, count, flags);
}

int __wrap_recvmmsg(int fd, mmsghdr* messages, unsigned count, int flags, timespec* timeout) {
  if (intercept(SystemCall::recvmmsg)) return -1;
  return __real_recvmmsg(fd, messages, count, flags, timeout);
}

ssize_t __wrap_sendfile(int to, int from, off_t* offset, size_t size) {
  if (intercept(SystemCall::sendfile)) return -1;
  return __real_sendfile(to, from, offset, size);
}

ssize_t __wrap_pread(int fd, void* bytes, size_t size, off_t offset) {
  if (intercept(SystemCall::pread)) return -1;
  return __real_pread(fd, bytes, size, offset);
}

int __wrap_accept4(int fd, sockaddr* address, socklen_t* size, int flags) {
  if (intercept(SystemCall::accept)) return -1;
  return __real_accept4(fd, address, size, flags);
}

int __wrap_socket(int family, int type, int protocol) {
  return intercept(SystemCall::socket) ? -1 : __real_socket(family, type, protocol);
}

int __wrap_bind(int fd, const sockaddr* address, socklen_t size) {
  return intercept(SystemCall::bind) ? -1 : __real_bind(fd, address, size);
}

int __wrap_listen(int fd, int backlog) {
  return intercept(SystemCall::listen) ? -1 : __real_listen(fd, backlog);
}

// One that is interrupted goes on by itself.
int __wrap_connect(int fd, const sockaddr* address, socklen_t size) {
  if (!intercept(SystemCall::connect)) return __real_connect(fd, address, size);
  if (errno != EINTR) return -1;
  __real_connect(fd, address, size);
  errno = EINTR;
  return -1;
}

int __wrap_getsockopt(int fd, int level, int option, void* value, socklen_t* size) {
  if (intercept(SystemCall::getsockopt)) return -1;
  return __real_getsockopt(fd, level, option, value, size);
}

int __wrap_setsockopt(int fd, int level, int option, const void* value, socklen_t size) {
  if (intercept(SystemCall::setsockopt)) return -1;
  return __real_setsockopt(fd, level, option, value, size);
}

int __wrap_getsockname(int fd, sockaddr* address, socklen_t* size) {
  return intercept(SystemCall::getsockname) ? -1 : __real_getsockname(fd, address, size);
}

int __wrap_open(const char* path, int flags, mode_t mode) {
  return intercept(SystemCall::open) ? -1 : __real_open(path, flags, mode);
}

int __wrap_pipe2(int* ends, int flags) {
  return intercept(SystemCall::pipe) ? -1 : __real_pipe2(ends, flags);
}

int __wrap_eventfd(unsigned value, int flags) {
  return intercept(SystemCall::eventfd) ? -1 : __real_eventfd(value, flags);
}

int __wrap_signalfd(int fd, const sigset_t* signals, int flags) {
  return intercept(SystemCall::signalfd) ? -1 : __real_signalfd(fd, signals, flags);
}

int __wrap___clone(int (*run)(void*), void* stack, int flags, void* udata, void* parentTid) {
  if (intercept(SystemCall::clone)) return -1;
  return __real___clone(run, stack, flags, udata, parentTid);
}

// However many arguments there are: they are handed on as they came. What threads wait for each
// other with is not counted, since they do so at the same time.
long __wrap_syscall(long number, long a, long b, long c, long d, long e) {
  const bool canFail = number != SYS_futex && number != SYS_rt_sigaction &&
                       number != SYS_rt_sigprocmask && number != SYS_exit_group &&
                       (number != SYS_pidfd_send_signal || d != 0);
  if (canFail && intercept(SystemCall::byNumber)) return -1;
  return __real_syscall(number, a, b, c, d, e);
}

time_t __wrap_time(time_t* time) {
  intercept(SystemCall::wallClock);
  return __real_time(time);
}

steady_clock::time_point __wrap__ZNSt6chrono3_V212steady_clock3nowEv() {
  intercept(SystemCall::clock);
  return __real__ZNSt6chrono3_V212steady_clock3nowEv();
}

system_clock::time_point __wrap__ZNSt6chrono3_V212system_clock3nowEv() {
  intercept(SystemCall::wallClock);
  return __real__ZNSt6chrono3_V212system_clock3nowEv();
}

}  // extern "C"

}  // namespace kairos
