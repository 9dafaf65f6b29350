// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/bench/support/clock.h"

#include <dlfcn.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>

#include "kairos/bench/support/check.h"

namespace {

using ClockSource = int (*)(clockid_t, timespec*);

constexpr std::int64_t nanosPerSecond = 1'000'000'000;
constexpr std::int64_t virtualStart = 1'000'000 * nanosPerSecond;

std::int64_t virtualNow = virtualStart;

ClockSource realSource = nullptr;

int askKernel(clockid_t clock, timespec* time) {
  return static_cast<int>(syscall(SYS_clock_gettime, clock, time));
}

int tellVirtual(clockid_t clock, timespec* time) {
  if (clock == CLOCK_PROCESS_CPUTIME_ID || clock == CLOCK_THREAD_CPUTIME_ID) {
    return realSource(clock, time);
  }
  time->tv_sec = virtualNow / nanosPerSecond;
  time->tv_nsec = virtualNow % nanosPerSecond;
  return 0;
}

// The kernel's own routine in the process, which libc's clock_gettime calls as well: so reading
// the clock through this file costs what it costs without it, and a contestant that reads the
// clock more often does not pay for the interposition.
ClockSource kernelRoutine() {
  void* vdso = dlopen("linux-vdso.so.1", RTLD_LAZY | RTLD_NOLOAD);
  void* routine = vdso == nullptr ? nullptr : dlsym(vdso, "__vdso_clock_gettime");
  return routine == nullptr ? askKernel : reinterpret_cast<ClockSource>(routine);
}

int findSource(clockid_t clock, timespec* time);

ClockSource source = findSource;

int findSource(clockid_t clock, timespec* time) {
  // The look-up may read the clock itself.
  realSource = source = askKernel;
  realSource = source = kernelRoutine();
  return realSource(clock, time);
}

}  // namespace

extern "C" {

int clock_gettime(clockid_t clock, timespec* time) noexcept { return source(clock, time); }

int timerfd_create(int clock, int flags) noexcept {
  if (source == tellVirtual) {
    errno = ENOSYS;
    return -1;
  }
  return static_cast<int>(syscall(SYS_timerfd_create, clock, flags));
}

}  // extern "C"

namespace kairos::bench {

std::int64_t realNow() noexcept {
  timespec time;
  if (realSource == nullptr) [[unlikely]] {
    clock_gettime(CLOCK_MONOTONIC, &time);
  }
  realSource(CLOCK_MONOTONIC, &time);
  return time.tv_sec * nanosPerSecond + time.tv_nsec;
}

VirtualClock::VirtualClock() noexcept {
  realNow();  // so that the real source is known
  check(source != tellVirtual, "one virtual clock at a time");
  virtualNow = virtualStart;
  source = tellVirtual;
}

VirtualClock::~VirtualClock() { source = realSource; }

std::int64_t VirtualClock::elapsed() noexcept { return virtualNow - virtualStart; }

void VirtualClock::advanceTo(std::int64_t elapsed) noexcept {
  check(elapsed >= VirtualClock::elapsed(), "the virtual clock runs forwards");
  virtualNow = virtualStart + elapsed;
}

}  // namespace kairos::bench
