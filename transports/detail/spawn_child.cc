// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What a new child does. It has the parent's memory, whose thread waits, so it writes nothing but
// its own stack, errno and the plan. It makes system calls by their numbers: the C library's
// functions may keep records of descriptors and handlers, which are the parent's. For the same
// reason no sanitizer looks at it.

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "kairos/transports/detail/spawn.h"

#define KAIROS_IN_CHILD __attribute__((no_sanitize("address", "thread", "undefined")))

namespace kairos::detail {
namespace {

constexpr int lastSignal = 64;
constexpr std::size_t signalSetBytes = 8;
constexpr unsigned setCloseOnExec = 1u << 2;  // CLOSE_RANGE_CLOEXEC
constexpr Fd lastOther = 1 << 20;

KAIROS_IN_CHILD bool failed(SpawnPlan& plan, SpawnStep step) noexcept {
  plan.failedStep = step;
  plan.error = errno;
  return false;
}

// Handlers would go by the execution, ignored signals would not; and none may run before it.
KAIROS_IN_CHILD void resetDispositions() noexcept {
  // As the kernel has it, which differs between processors: all zero is the default everywhere.
  const std::uint64_t defaultAction[8] = {};
  for (int signal = 1; signal <= lastSignal; ++signal) {
    ::syscall(SYS_rt_sigaction, signal, defaultAction, nullptr, signalSetBytes);
  }
}

KAIROS_IN_CHILD void unblockSignals() noexcept {
  const std::uint64_t none = 0;
  ::syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, nullptr, signalSetBytes);
}

KAIROS_IN_CHILD bool enterGroup(SpawnPlan& plan) noexcept {
  if (plan.newSession) {
    return ::syscall(SYS_setsid) >= 0 || failed(plan, SpawnStep::group);
  }
  return !plan.newGroup || ::syscall(SYS_setpgid, 0, 0) == 0 || failed(plan, SpawnStep::group);
}

KAIROS_IN_CHILD bool enterDirectory(SpawnPlan& plan) noexcept {
  return plan.directory == nullptr || ::syscall(SYS_chdir, plan.directory) == 0 ||
         failed(plan, SpawnStep::directory);
}

// One that is to be replaced, but is wanted for another, is copied out of the way first.
KAIROS_IN_CHILD bool placeStandard(SpawnPlan& plan) noexcept {
  for (Fd place = 0; place < firstOther; ++place) {
    Fd& source = plan.standard[static_cast<std::size_t>(place)];
    if (source == place || source >= firstOther) continue;
    const long copy = ::syscall(SYS_fcntl, source, F_DUPFD_CLOEXEC, firstOther);
    if (copy < 0) return failed(plan, SpawnStep::descriptors);
    source = static_cast<Fd>(copy);
  }
  for (Fd place = 0; place < firstOther; ++place) {
    const Fd source = plan.standard[static_cast<std::size_t>(place)];
    if (source == place) {
      ::syscall(SYS_fcntl, place, F_SETFD, 0);  // one that is closed is inherited so
    } else if (::syscall(SYS_dup3, source, place, 0) < 0) {
      return failed(plan, SpawnStep::descriptors);
    }
  }
  return true;
}

KAIROS_IN_CHILD int numberIn(const char* name) noexcept {
  int number = 0;
  for (; *name >= '0' && *name <= '9'; ++name) number = number * 10 + (*name - '0');
  return *name == '\0' ? number : -1;
}

// Before Linux 5.11: those that /proc lists.
KAIROS_IN_CHILD bool closeListed() noexcept {
  const long list = ::syscall(SYS_openat, AT_FDCWD, "/proc/self/fd", O_RDONLY | O_CLOEXEC, 0);
  if (list < 0) return false;
  alignas(8) char entries[2048];
  long bytes = 0;
  while ((bytes = ::syscall(SYS_getdents64, list, entries, sizeof entries)) > 0) {
    // Of each entry: 8 bytes inode, 8 bytes offset, 2 bytes size, 1 byte type, the name.
    std::uint16_t size = 0;
    for (long at = 0; at < bytes; at += size) {
      __builtin_memcpy(&size, entries + at + 16, sizeof size);
      const int fd = numberIn(entries + at + 19);
      if (fd >= firstOther) ::syscall(SYS_fcntl, fd, F_SETFD, FD_CLOEXEC);
    }
  }
  return bytes == 0;
}

KAIROS_IN_CHILD void closeAll() noexcept {
  for (Fd fd = firstOther; fd <= lastOther; ++fd) ::syscall(SYS_fcntl, fd, F_SETFD, FD_CLOEXEC);
}

// What this process has open goes by the execution, but what is passed.
KAIROS_IN_CHILD bool closeOthers(SpawnPlan& plan) noexcept {
  if (::syscall(SYS_close_range, firstOther, ~0u, setCloseOnExec) != 0 && !closeListed()) {
    closeAll();
  }
  for (const Fd fd : plan.passed) {
    if (::syscall(SYS_fcntl, fd, F_SETFD, 0) != 0) return failed(plan, SpawnStep::descriptors);
  }
  return true;
}

// It may be well in another directory; these are what exec(3) passes over.
KAIROS_IN_CHILD bool isOfDirectory(int error) noexcept {
  return error == EACCES || error == ENOENT || error == ENOTDIR || error == ENAMETOOLONG ||
         error == ESTALE || error == ENODEV || error == ETIMEDOUT;
}

// Of several files the first that can be executed. One that is there, and must not be, is told from
// none.
KAIROS_IN_CHILD void execute(SpawnPlan& plan) noexcept {
  bool isForbidden = false;
  errno = ENOENT;
  for (const char* const* file = plan.candidates; *file != nullptr; ++file) {
    ::syscall(SYS_execve, *file, plan.arguments, plan.environment);
    isForbidden = isForbidden || errno == EACCES;
    if (!isOfDirectory(errno)) break;
    if (isForbidden) errno = EACCES;
  }
  failed(plan, SpawnStep::program);
}

}  // namespace

KAIROS_IN_CHILD int runChild(void* udata) noexcept {
  auto& plan = *static_cast<SpawnPlan*>(udata);
  resetDispositions();
  if (enterGroup(plan) && enterDirectory(plan) && placeStandard(plan) && closeOthers(plan)) {
    unblockSignals();
    execute(plan);
  }
  ::syscall(SYS_exit_group, 127);
  return 127;
}

}  // namespace kairos::detail
