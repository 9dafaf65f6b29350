// SPDX-License-Identifier: MIT OR Apache-2.0
// Each system call of the core fails with each error that it can have, in every scenario: the error
// reaches the user or none does, as the contract says; nothing is lost or left behind, and
// afterwards all works.
#include <gtest/gtest.h>

#include <cerrno>
#include <limits>
#include <memory>
#include <ostream>
#include <string>
#include <tuple>

#include "kairos/tests/support/process_state.h"
#include "kairos/tests/support/system_calls.h"
#include "kairos/tests/sweeps/sweep.h"

namespace kairos {
namespace {

struct CallError {
  const char* name;
  SystemCall call;
  int error;
  bool isReported;  // to the user
};

std::ostream& operator<<(std::ostream& out, const CallError& error) { return out << error.name; }

// The pages of section 2 of the manual, as far as a correct caller can meet them.
constexpr CallError callErrors[] = {
    {"epoll_create1_EMFILE", SystemCall::epollCreate, EMFILE, true},
    {"epoll_create1_ENFILE", SystemCall::epollCreate, ENFILE, true},
    {"epoll_create1_ENOMEM", SystemCall::epollCreate, ENOMEM, true},
    {"epoll_create1_ENOSYS", SystemCall::epollCreate, ENOSYS, true},
    {"epoll_create1_EPERM", SystemCall::epollCreate, EPERM, true},
    {"epoll_ctl_EBADF", SystemCall::epollCtl, EBADF, true},
    {"epoll_ctl_ENOENT", SystemCall::epollCtl, ENOENT, true},
    {"epoll_ctl_ENOMEM", SystemCall::epollCtl, ENOMEM, true},
    {"epoll_ctl_ENOSPC", SystemCall::epollCtl, ENOSPC, true},
    {"epoll_ctl_EPERM", SystemCall::epollCtl, EPERM, true},
    {"epoll_wait_EINTR", SystemCall::epollWait, EINTR, false},
    {"epoll_wait_EIO", SystemCall::epollWait, EIO, true},
    {"epoll_pwait2_EINTR", SystemCall::epollPwait2, EINTR, false},
    {"epoll_pwait2_ENOSYS", SystemCall::epollPwait2, ENOSYS, false},
    {"epoll_pwait2_EPERM", SystemCall::epollPwait2, EPERM, false},
    {"epoll_pwait2_EIO", SystemCall::epollPwait2, EIO, true},
    {"poll_EINTR", SystemCall::poll, EINTR, false},
    {"poll_EINVAL", SystemCall::poll, EINVAL, true},
    {"poll_ENOMEM", SystemCall::poll, ENOMEM, true},
    {"fcntl_EBADF", SystemCall::fcntl, EBADF, true},
    {"fstat_EBADF", SystemCall::fstat, EBADF, true},
    {"fstat_ENOMEM", SystemCall::fstat, ENOMEM, true},
    {"mmap_ENOMEM", SystemCall::mmap, ENOMEM, false},
    {"madvise_EINVAL", SystemCall::madvise, EINVAL, false},
};

class FailedCall final : public Fault {
 public:
  FailedCall(const CallError& what, bool isReported, std::size_t nth, std::size_t times)
      : Fault(isReported ? std::error_condition(what.error, std::generic_category())
                         : std::error_condition()),
        call_(what.call) {
    failCalls(call_, what.error, times, nth - 1);
    pauseFailures(true);
  }
  ~FailedCall() override {
    failCalls(call_, 0, 0);
    pauseFailures(false);
  }
  bool happened() const override { return hasFailed(call_); }
  void setArmed(bool armed) override { pauseFailures(!armed); }

 private:
  const SystemCall call_;
};

// Which reactors make it.
bool isMadeBy(const Maker& maker, SystemCall call) {
  switch (call) {
    case SystemCall::poll:
    case SystemCall::fcntl:
    case SystemCall::fstat:
      return maker.name == std::string("poll");
    case SystemCall::mmap:
    case SystemCall::madvise:
      return misuseAborts;  // how a forked child is noticed
    default:
      return maker.name != std::string("poll");
  }
}

// Where epoll is forbidden, the default is another backend.
bool isReportedBy(const Maker& maker, const CallError& what) {
  const bool isForbidden =
      what.call == SystemCall::epollCreate && (what.error == ENOSYS || what.error == EPERM);
  return what.isReported && !(isForbidden && maker.name == std::string("default"));
}

using Param = std::tuple<Maker, CallError>;

class SystemCallSweep : public testing::TestWithParam<Param> {
 protected:
  static void failFromEachOn(std::size_t times) {
    const auto& [maker, what] = GetParam();
    const bool isReported = isReportedBy(maker, what);
    const std::size_t failures = sweep(maker, [&error = what, isReported, times](std::size_t nth) {
      return std::make_unique<FailedCall>(error, isReported, nth, times);
    });
    EXPECT_EQ(failures > 0, isMadeBy(maker, what.call)) << failures;
  }
};

std::string paramName(const testing::TestParamInfo<Param>& info) {
  return std::string(std::get<Maker>(info.param).name) + "_" + std::get<CallError>(info.param).name;
}

INSTANTIATE_TEST_SUITE_P(Reactors, SystemCallSweep,
                         testing::Combine(makers(), testing::ValuesIn(callErrors)), paramName);

// R79
TEST_P(SystemCallSweep, SurvivesTheFailureOfAnyOne) { failFromEachOn(1); }

// R79
TEST_P(SystemCallSweep, SurvivesTheFailureOfAllFromAnyOneOn) {
  failFromEachOn(std::numeric_limits<std::size_t>::max());
}

}  // namespace
}  // namespace kairos
