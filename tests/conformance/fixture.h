// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TESTS_CONFORMANCE_FIXTURE_H_
#define KAIROS_TESTS_CONFORMANCE_FIXTURE_H_

#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <ostream>
#include <string>
#include <vector>

#include "kairos/reactor/backends/epoll_backend.h"
#include "kairos/reactor/backends/poll_backend.h"
#include "kairos/reactor/reactor.h"
#include "kairos/reactor/reactor_access.h"
#include "kairos/tests/support/descriptors.h"
#include "kairos/tests/support/probe.h"
#include "kairos/tests/support/virtual_time_backend.h"

namespace kairos {

// A backend that this machine has, and where it differs by nature.
struct BackendKind {
  const char* name;
  detail::OpenResult (*open)() noexcept;
  // The OS holds a set of descriptors in a descriptor of its own, which /proc shows.
  bool hasKernelSet;
  // A file goes on being watched after its number was closed, as long as a duplicate is open.
  bool keepsClosedDuplicates;
};

inline std::ostream& operator<<(std::ostream& out, const BackendKind& kind) {
  return out << kind.name;
}

inline constexpr BackendKind epollKind = {.name = "epoll",
                                          .open = detail::openEpollBackend,
                                          .hasKernelSet = true,
                                          .keepsClosedDuplicates = true};
inline constexpr BackendKind pollKind = {.name = "poll",
                                         .open = detail::openPollBackend,
                                         .hasKernelSet = false,
                                         .keepsClosedDuplicates = false};

inline auto backends() { return testing::Values(epollKind, pollKind); }

inline std::string backendName(const testing::TestParamInfo<BackendKind>& info) {
  return info.param.name;
}

// The backend as it is, on the clock of the machine: the counterpart of VirtualTime.
class RealTime {
 public:
  explicit RealTime(VirtualTime::Open openReal) : openReal_(openReal) {}
  detail::OpenResult open() { return openReal_(); }
  Clock::time_point now() const { return Clock::now(); }
  Clock::duration elapsed() const { return now() - start_; }
  void forget() {}

 private:
  const VirtualTime::Open openReal_;
  const Clock::time_point start_ = Clock::now();
};

// A reactor on the backend under test, and its calls with the answers checked.
template <class Time>
class ConformanceTest : public testing::TestWithParam<BackendKind> {
 protected:
  // What the reactor did to open itself is not the subject of a test.
  ConformanceTest() { time_.forget(); }

  void addReader(Fd fd, Probe& probe) {
    EXPECT_EQ(reactor_.addReader(fd, Probe::run, &probe), std::error_code());
  }
  void addWriter(Fd fd, Probe& probe) {
    EXPECT_EQ(reactor_.addWriter(fd, Probe::run, &probe), std::error_code());
  }
  void addBoth(Fd fd, Probe& reader, Probe& writer) {
    addReader(fd, reader);
    addWriter(fd, writer);
  }
  TimerId addTimer(Clock::duration delay, Probe& probe) {
    return expectTimer(reactor_.addTimer(delay, Probe::run, &probe));
  }
  TimerId addTimer(Clock::time_point deadline, Probe& probe) {
    return expectTimer(reactor_.addTimer(deadline, Probe::run, &probe));
  }

  // How many callbacks ran.
  std::size_t poll(Clock::duration timeout = Clock::duration::zero()) {
    const PollResult result = reactor_.poll(timeout);
    EXPECT_EQ(result.error, std::error_code());
    return result.callbacks;
  }

  Time time_{GetParam().open};
  Reactor reactor_{detail::ReactorAccess::create(time_.open())};

 private:
  static TimerId expectTimer(TimerId timer) {
    EXPECT_NE(timer, TimerId::none);
    return timer;
  }
};

using VirtualTimeTest = ConformanceTest<VirtualTime>;
using RealTimeTest = ConformanceTest<RealTime>;

// The waits that a test expects of the backend.
using Waits = std::vector<Clock::duration>;

}  // namespace kairos

#endif  // KAIROS_TESTS_CONFORMANCE_FIXTURE_H_
