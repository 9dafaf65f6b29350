// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/transports/detail/spawn.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/wait.h>

#include <cerrno>
#include <csignal>
#include <cstddef>

#include "kairos/transports/detail/fd_io.h"

// The C library's clone(2) by its other name. ThreadSanitizer takes the usual one for a fork, in
// whose child, and so in this process, it would then refuse new threads.
// NOLINTNEXTLINE(bugprone-reserved-identifier)
extern "C" int __clone(int (*run)(void*), void* stack, int flags, void* udata, ...);

namespace kairos::detail {
namespace {

// For a few small frames, and a list of descriptors on old kernels.
constexpr std::size_t stackBytes = 16384;

// P_PIDFD, which older C libraries do not name.
constexpr auto byPidFd = static_cast<idtype_t>(3);

// A signal handler that ran in the child would run in the parent's memory.
class AllSignalsBlocked {
 public:
  AllSignalsBlocked() noexcept {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~AllSignalsBlocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  AllSignalsBlocked(const AllSignalsBlocked&) = delete;
  AllSignalsBlocked& operator=(const AllSignalsBlocked&) = delete;

 private:
  sigset_t before_;
};

// The kernel stops this thread until the child has executed a program or ended, so the child can
// use this frame.
int cloneChild(SpawnPlan& plan, Fd& pidFd) noexcept {
  alignas(16) std::byte stack[stackBytes];
  const AllSignalsBlocked blocked;
  return ::__clone(runChild, stack + stackBytes, CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD,
                   &plan, &pidFd);
}

}  // namespace

int reap(Fd pidFd, int flags, siginfo_t& status) noexcept {
  status.si_pid = 0;
  while (::waitid(byPidFd, static_cast<id_t>(pidFd), &status, WEXITED | flags) != 0) {
    if (errno != EINTR) return errno;
  }
  return 0;
}

std::error_code checkOpen(Fd fd) noexcept {
  return ::fcntl(fd, F_GETFD) >= 0 ? std::error_code() : systemError(errno);
}

std::error_code moveUp(OwnedFd& fd) noexcept {
  if (fd.get() >= firstOther) return {};
  const Fd copy = ::fcntl(fd.get(), F_DUPFD_CLOEXEC, firstOther);
  if (copy < 0) return systemError(errno);
  fd.reset(copy);
  return {};
}

// One that cannot be moved works as well.
std::error_code spawn(SpawnPlan& plan, pid_t& pid, OwnedFd& pidFd) noexcept {
  Fd made = -1;
  pid = cloneChild(plan, made);
  if (pid < 0) {
    plan.failedStep = SpawnStep::process;
    return systemError(errno);
  }
  pidFd.reset(made);
  if (plan.failedStep == SpawnStep::none) {
    moveUp(pidFd);
    return {};
  }
  siginfo_t status;
  reap(made, 0, status);
  pidFd.reset();
  return systemError(plan.error);
}

}  // namespace kairos::detail
