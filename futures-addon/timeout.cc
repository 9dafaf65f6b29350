// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/futures-addon/timeout.h"

namespace kairos {
namespace {

using detail::ContextCore;
using detail::FutureAccess;
using detail::FutureState;
using detail::FutureStatus;

class WithTimeout final : public detail::Limited<WithTimeout, bool, FutureState> {
 public:
  static constexpr const char* kind = "withTimeout";

  WithTimeout(ContextCore& core, const SourceLocation& created, FutureState& of) noexcept
      : Limited(core, created, of) {}

  void end(bool isLate, bool isCancelled) {
    if (isCancelled) return endAs(FutureStatus::cancelled);
    endWithValue(!isLate);
  }
};

template <class Time>
Future<bool> inTime(const FutureBase& future, Time limit, const SourceLocation& created) {
  return detail::makeLimited<WithTimeout, bool>(FutureAccess::stateOf(future),
                                                detail::coreFor(future), limit, created);
}

}  // namespace

Future<bool> withTimeout(const FutureBase& future, Clock::duration limit, SourceLocation created) {
  return inTime(future, limit, created);
}

Future<bool> withTimeout(const FutureBase& future, Clock::time_point deadline,
                         SourceLocation created) {
  return inTime(future, deadline, created);
}

}  // namespace kairos
