// SPDX-License-Identifier: MIT OR Apache-2.0
// The reactor where a sandbox refuses system calls.
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "kairos/reactor/reactor.h"

namespace kairos {
namespace {

using namespace std::chrono_literals;

struct Refusal {
  int call;
  int error;
};

// From here on the process is told `error` instead.
bool refuse(const Refusal& refusal) {
  sock_filter filter[] = {
      {BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(seccomp_data, nr)},
      {BPF_JMP | BPF_JEQ | BPF_K, 0, 1, static_cast<std::uint32_t>(refusal.call)},
      {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | static_cast<std::uint32_t>(refusal.error)},
      {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW}};
  const sock_fprog program{std::size(filter), filter};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

// Runs `body` in a child that is refused that call; its exit status, or -1.
template <class Body>
int inSandbox(const Refusal& refusal, Body body) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(refuse(refusal) ? body() : 100);
  int status = 0;
  if (::waitpid(child, &status, 0) != child || !WIFEXITED(status)) return -1;
  return WEXITSTATUS(status);
}

void count(void* counter) { ++*static_cast<int*>(counter); }

// 0: descriptors and timers work; else which step did not.
int useReactor() {
  Reactor reactor;
  int ends[2];
  int readable = 0;
  int fired = 0;
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0) return 1;
  if (reactor.addReader(ends[0], count, &readable)) return 2;
  if (::write(ends[1], "x", 1) != 1) return 3;
  if (reactor.poll(0ms).callbacks != 1 || readable != 1) return 4;
  if (!reactor.removeReader(ends[0])) return 5;
  for (const auto delay : {1ns, 300'000ns, 1'700'000ns}) {
    const auto deadline = Clock::now() + delay;
    reactor.addTimer(deadline, count, &fired);
    const PollResult result = reactor.poll(Reactor::forever);
    if (result.error || result.callbacks != 1 || Clock::now() < deadline) return 6;
  }
  return fired == 3 ? 0 : 7;
}

TEST(SandboxTest, RoundsWaitsUpWithoutEpollPwait2) {
  for (const int error : {ENOSYS, EPERM}) {
    EXPECT_EQ(inSandbox({SYS_epoll_pwait2, error}, useReactor), 0) << error;
  }
}

TEST(SandboxTest, FallsBackToPollWhereEpollIsForbidden) {
  for (const int error : {ENOSYS, EPERM}) {
    EXPECT_EQ(inSandbox({SYS_epoll_create1, error}, useReactor), 0) << error;
  }
}

TEST(SandboxTest, ReportsAWantOfDescriptorsInsteadOfBecomingSlow) {
  const auto reports = [] {
    Reactor reactor;
    int fired = 0;
    const bool added = reactor.addReader(0, count, &fired) == std::errc::too_many_files_open;
    const bool polled = reactor.poll(0ms).error == std::errc::too_many_files_open;
    const bool again = reactor.poll(0ms).error == std::errc::too_many_files_open;
    return added && polled && again ? 0 : 1;
  };
  EXPECT_EQ(inSandbox({SYS_epoll_create1, EMFILE}, reports), 0);
}

TEST(SandboxTest, ReportsARefusedWaitEachTime) {
  const auto reports = [] {
    Reactor reactor;
    for (int i = 0; i < 3; ++i) {
      if (reactor.poll(0ms).error != std::errc::io_error) return 1;
    }
    return 0;
  };
  EXPECT_EQ(inSandbox({SYS_epoll_wait, EIO}, reports), 0);
}

}  // namespace
}  // namespace kairos
