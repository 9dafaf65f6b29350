// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TRANSPORTS_DETAIL_SPAWN_H_
#define KAIROS_TRANSPORTS_DETAIL_SPAWN_H_

#include <sys/types.h>

#include <array>
#include <csignal>
#include <span>
#include <system_error>

#include "kairos/reactor/reactor.h"
#include "kairos/transports/detail/owned_fd.h"
#include "kairos/transports/subprocess_options.h"

namespace kairos::detail {

// The first descriptor that is no standard stream.
inline constexpr Fd firstOther = 3;

std::error_code checkOpen(Fd fd) noexcept;

// Gives it another number if it has one of theirs, because the program closed that.
std::error_code moveUp(OwnedFd& fd) noexcept;

// What the child does before it runs the program, made ready by the parent, and what failed.
struct SpawnPlan {
  const char* const* candidates = nullptr;  // the files to try; ends with null
  char* const* arguments = nullptr;
  char* const* environment = nullptr;
  const char* directory = nullptr;
  std::array<Fd, 3> standard{0, 1, 2};  // what the standard streams are made of
  std::span<const Fd> passed;
  bool newGroup = false;
  bool newSession = false;

  SpawnStep failedStep = SpawnStep::none;
  int error = 0;
};

// Makes a child, which goes on with `runChild`. Returns when that has executed the program or given
// up; then nothing is left of it, and the plan says why.
std::error_code spawn(SpawnPlan& plan, pid_t& pid, OwnedFd& pidFd) noexcept;

// In the child, in the parent's memory and on a small stack: makes system calls alone. Returns when
// something failed.
int runChild(void* plan) noexcept;

// Takes the status of a child that has ended; zero in `si_pid`: it has not.
//   flags     WNOHANG, WNOWAIT
int reap(Fd pidFd, int flags, siginfo_t& status) noexcept;

}  // namespace kairos::detail

#endif  // KAIROS_TRANSPORTS_DETAIL_SPAWN_H_
