// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/bench/support/descriptors.h"

#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

namespace kairos::bench {
namespace {

constexpr rlim_t descriptorsMax = 1 << 20;
constexpr std::size_t descriptorsReserved = 100;

}  // namespace

std::size_t raiseDescriptorLimit() {
  rlimit limit{};
  check(getrlimit(RLIMIT_NOFILE, &limit) == 0, "getrlimit");
  if (limit.rlim_cur != limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    check(setrlimit(RLIMIT_NOFILE, &limit) == 0, "setrlimit");
  }
  return static_cast<std::size_t>(std::min(limit.rlim_cur, descriptorsMax));
}

std::size_t descriptorsAvailable() {
  const std::size_t limit = raiseDescriptorLimit();
  check(limit > 2 * descriptorsReserved, "a limit of open descriptors that allows anything");
  return limit - descriptorsReserved;
}

Descriptors::~Descriptors() {
  for (const int fd : all_) {
    close(fd);
  }
}

void Descriptors::adopt(int fd) {
  check(fd >= 0, "a descriptor could be opened");
  all_.push_back(fd);
}

void Descriptors::openEvents(std::size_t count, unsigned value) {
  for (std::size_t i = 0; i < count; ++i) {
    adopt(eventfd(value, EFD_NONBLOCK | EFD_CLOEXEC));
  }
}

void Descriptors::openPairs(std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    int ends[2] = {-1, -1};
    check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0,
          "socketpair");
    adopt(ends[0]);
    adopt(ends[1]);
  }
}

}  // namespace kairos::bench
