// SPDX-License-Identifier: MIT OR Apache-2.0
#include <algorithm>
#include <unordered_set>

#include "kairos/futures-addon/detail/context_access.h"
#include "kairos/futures-addon/detail/context_core.h"
#include "kairos/futures-addon/detail/future_state.h"
#include "kairos/futures-addon/diagnostics.h"

namespace kairos {
namespace {

using detail::ContextTracking;
using detail::Failure;
using detail::FutureAccess;
using detail::FutureState;
using detail::FutureTracking;
using detail::WaiterAccess;

const ContextTracking& trackingOf(const FutureContext& context) {
  return detail::ContextCoreAccess::of(context).tracking();
}

FutureInfo infoOf(const FutureTracking& future) {
  return {.number = future.number(),
          .kind = future.kind(),
          .created = future.future().created(),
          .awaitsAt = future.awaitsAt(),
          .isRunning = future.isRunning(),
          .isAskedToCancel = future.future().hasRequest(),
          .stack = future.stack()};
}

// Follows waiters to the futures that they belong to, without recursion.
class AwaiterWalk {
 public:
  std::vector<AwaiterInfo> from(const FutureState& future) {
    visited_.insert(&future);
    open(future, 1);
    while (!open_.empty()) visitNext();
    return std::move(found_);
  }

 private:
  struct Open {
    const FutureState* future;  // nullptr: a callback
    std::size_t level;
  };

  void visitNext() {
    const Open next = open_.back();
    open_.pop_back();
    if (next.future == nullptr) {
      FutureInfo callback;
      callback.kind = "callback";
      return found_.push_back({next.level, callback});
    }
    found_.push_back({next.level, infoOf(next.future->tracking())});
    if (visited_.insert(next.future).second) open(*next.future, next.level + 1);
  }

  // The first to wait is the first to be visited.
  void open(const FutureState& future, std::size_t level) {
    const auto before = static_cast<std::ptrdiff_t>(open_.size());
    if (!future.isWaitedFor()) return;
    future.waiters().forEach([&](Waiter& waiter) {
      open_.push_back({WaiterAccess::trackingOf(waiter).owner(), level});
    });
    std::reverse(open_.begin() + before, open_.end());
  }

  std::vector<Open> open_;
  std::unordered_set<const FutureState*> visited_;
  std::vector<AwaiterInfo> found_;
};

}  // namespace

std::vector<FutureInfo> pendingFutures(const FutureContext& context) {
  std::vector<FutureInfo> futures;
  trackingOf(context).forEachPending(
      [&](const FutureTracking& future) { futures.push_back(infoOf(future)); });
  return futures;
}

FutureCounts futureCounts(const FutureContext& context) {
  const ContextTracking::Counts& counts = trackingOf(context).counts();
  const std::uint64_t gone = counts.completed + counts.failed + counts.cancelled + counts.dropped;
  return {.created = counts.created,
          .completed = counts.completed,
          .failed = counts.failed,
          .cancelled = counts.cancelled,
          .dropped = counts.dropped,
          .pending = counts.created - gone};
}

std::vector<AwaiterInfo> awaitersOf(const FutureBase& future) {
  return AwaiterWalk().from(FutureAccess::stateOf(future));
}

std::vector<FailurePlace> failurePlaces(const FutureBase& future) {
  std::vector<FailurePlace> places;
  const Failure* failure = FutureAccess::stateOf(future).tracking().failure();
  for (; failure != nullptr; failure = failure->cause) {
    places.push_back({failure->kind, failure->place, failure->stack});
  }
  std::ranges::reverse(places);
  return places;
}

}  // namespace kairos
