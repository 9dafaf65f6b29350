// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/futures-addon/cancel.h"

namespace kairos {
namespace {

using detail::ContextCore;
using detail::Follower;
using detail::FutureAccess;
using detail::FutureState;

class Join final : public Follower<Join, void, FutureState> {
 public:
  static constexpr const char* kind = "join";

  Join(ContextCore& core, const SourceLocation& created, FutureState& of) noexcept
      : Follower(core, created, of) {}

  void start() { follow(); }
  void leave() noexcept { unfollow(); }
  void followedFinished() { endWithValue(); }
};

class CancelAndWait final : public Follower<CancelAndWait, void, FutureState> {
 public:
  static constexpr const char* kind = "cancelAndWait";

  CancelAndWait(ContextCore& core, const SourceLocation& created, FutureState& of) noexcept
      : Follower(core, created, of) {}

  void start() {
    detail::requestCancelSoon(of_);
    follow();
  }
  void leave() noexcept { unfollow(); }
  void followedFinished() { endWithValue(); }
  void cancelForGood() noexcept override {}

 private:
  bool cancelWork() noexcept override { return false; }
};

}  // namespace

Future<void> join(const FutureBase& future, SourceLocation created) {
  return detail::makeDerived<Join, void>(detail::coreFor(future), created,
                                         FutureAccess::stateOf(future));
}

Future<void> cancelAndWait(const FutureBase& future, SourceLocation created) {
  return detail::makeDerived<CancelAndWait, void>(detail::coreFor(future), created,
                                                  FutureAccess::stateOf(future));
}

}  // namespace kairos
