// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/tests/support/allow_list.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace kairos {
namespace {

// Where the child writes which call has ended it.
int* report = nullptr;

void onForbidden(int, siginfo_t* info, void*) {
  *report = info->si_syscall;
  ::_exit(1);
}

// A call of the list jumps over the trap that follows the list.
std::vector<sock_filter> filterFor(SystemCalls allowed) {
  allowed.push_back(SYS_exit_group);
  std::vector<sock_filter> filter{{BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(seccomp_data, nr)}};
  for (std::size_t left = allowed.size(); left > 0; --left) {
    filter.push_back({BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint8_t>(left), 0,
                      static_cast<std::uint32_t>(allowed[allowed.size() - left])});
  }
  filter.push_back({BPF_RET | BPF_K, 0, 0, SECCOMP_RET_TRAP});
  filter.push_back({BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW});
  return filter;
}

void reportForbidden() {
  struct sigaction action {};
  action.sa_sigaction = onForbidden;
  action.sa_flags = SA_SIGINFO;
  ::sigaction(SIGSYS, &action, nullptr);
}

bool waitFor(pid_t child) {
  int status = -1;
  return ::waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace

bool allowOnly(SystemCalls allowed) {
  std::vector<sock_filter> filter = filterFor(std::move(allowed));
  const sock_fprog program{static_cast<unsigned short>(filter.size()), filter.data()};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

Confinement confine(const SystemCalls& allowed, const std::function<bool()>& act) {
  void* const shared =
      ::mmap(nullptr, sizeof(int), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) return {};
  report = static_cast<int*>(shared);
  *report = Confinement::none;
  const pid_t child = ::fork();
  if (child == 0) {
    reportForbidden();
    ::_exit(allowOnly(allowed) && act() ? 0 : 1);
  }
  const Confinement result{waitFor(child), *report};
  ::munmap(shared, sizeof(int));
  return result;
}

}  // namespace kairos
