// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/tests/support/close_on_exec.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "kairos/tests/support/process_state.h"

namespace kairos {
namespace {

constexpr int refused = 200;

// SOCK_CLOEXEC, EPOLL_CLOEXEC, EFD_CLOEXEC and SFD_CLOEXEC are the same on Linux.
constexpr std::uint32_t flag = O_CLOEXEC;

std::uint32_t placeOf(int argument) {
  return static_cast<std::uint32_t>(offsetof(seccomp_data, args) +
                                    static_cast<std::size_t>(argument) * sizeof(std::uint64_t));
}

// One call after the other: what it must have in an argument.
class Filter {
 public:
  Filter() { load(offsetof(seccomp_data, nr)); }

  // Some bit of `mask`; none: it must not be made at all.
  void require(long call, int argument, std::uint32_t mask) {
    skipUnless(call, 4);
    load(placeOf(argument));
    add({BPF_JMP | BPF_JSET | BPF_K, 1, 0, mask});
    end(SECCOMP_RET_KILL_PROCESS);
    end(SECCOMP_RET_ALLOW);
  }
  // The same if it makes a descriptor, and does not change the one in its first argument.
  void requireOfNew(long call, int argument) {
    skipUnless(call, 6);
    load(placeOf(0));
    add({BPF_JMP | BPF_JEQ | BPF_K, 0, 3, ~std::uint32_t{0}});
    load(placeOf(argument));
    add({BPF_JMP | BPF_JSET | BPF_K, 1, 0, flag});
    end(SECCOMP_RET_KILL_PROCESS);
    end(SECCOMP_RET_ALLOW);
  }

  bool install() {
    end(SECCOMP_RET_ALLOW);
    const sock_fprog program{static_cast<unsigned short>(code_.size()), code_.data()};
    return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
  }

 private:
  void add(sock_filter step) { code_.push_back(step); }
  void load(std::size_t offset) {
    add({BPF_LD | BPF_W | BPF_ABS, 0, 0, static_cast<std::uint32_t>(offset)});
  }
  void skipUnless(long call, std::uint8_t steps) {
    add({BPF_JMP | BPF_JEQ | BPF_K, 0, steps, static_cast<std::uint32_t>(call)});
  }
  void end(std::uint32_t verdict) { add({BPF_RET | BPF_K, 0, 0, verdict}); }

  std::vector<sock_filter> code_;
};

bool requireCloseOnExec(OpenFiles files) {
  Filter filter;
  filter.require(SYS_socket, 1, flag);
  filter.require(SYS_socketpair, 1, flag);
  filter.require(SYS_accept, 0, 0);
  filter.require(SYS_accept4, 3, flag);
  filter.require(SYS_epoll_create1, 0, flag);
  filter.require(SYS_eventfd2, 1, flag);
  filter.requireOfNew(SYS_signalfd4, 3);
  // UBSan looks at memory through a pipe of its own.
  if (!underSanitizer()) filter.require(SYS_pipe2, 1, flag);
  if (files == OpenFiles::count) filter.require(SYS_openat, 2, flag);
  filter.require(SYS_dup, 0, 0);
  filter.require(SYS_fcntl, 1, ~std::uint32_t{F_DUPFD});
  return filter.install();
}

}  // namespace

std::string whereAllIsCloseOnExec(const std::function<int()>& body, OpenFiles files) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(requireCloseOnExec(files) ? body() : refused);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
  }
  if (!WIFEXITED(status)) return "killed";
  return "exit " + std::to_string(WEXITSTATUS(status));
}

}  // namespace kairos
