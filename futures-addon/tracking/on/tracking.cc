// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/futures-addon/tracking/tracking.h"

#include <new>
#include <utility>

namespace kairos::detail {

Failure* Failure::make(const char* kind, const SourceLocation& place, Failure* cause) noexcept {
  auto* const failure = new (std::nothrow) Failure(kind, place, cause);
  if (failure == nullptr) release(cause);
  return failure;
}

// Without recursion: an error may have passed any number of coroutines.
void Failure::release(Failure* failure) noexcept {
  while (failure != nullptr && --failure->references_ == 0) {
    Failure* const cause = failure->cause;
    delete failure;
    failure = cause;
  }
}

FutureTracking::~FutureTracking() {
  if (isLinked()) ++context_->counts_.dropped;
  forgetSeen();
  Failure::release(failure_);
}

// One that is finished before it knows of a context is never counted.
void FutureTracking::enter(ContextTracking& context) noexcept {
  if (isFinished_) return;
  context_ = &context;
  number_ = ++context.counts_.created;
  context.pending_.pushBack(*this);
}

void FutureTracking::finished(FutureStatus status, const SourceLocation& where,
                              const std::exception_ptr& error) noexcept {
  isFinished_ = true;
  if (status == FutureStatus::failed) fail(where, error);
  forgetSeen();
  if (!isLinked()) return;
  unlink();
  ContextTracking::Counts& counts = context_->counts_;
  ++(status == FutureStatus::completed ? counts.completed
     : status == FutureStatus::failed  ? counts.failed
                                       : counts.cancelled);
}

void FutureTracking::see(const FutureTracking& other, const std::exception_ptr& error) noexcept {
  forgetSeen();
  seen_ = Failure::share(other.failure_);
  seenError_ = error;
}

void FutureTracking::fail(const SourceLocation& where, const std::exception_ptr& error) noexcept {
  Failure* const cause = seenError_ == error ? std::exchange(seen_, nullptr) : nullptr;
  failure_ = Failure::make(kind_, placeOf(where), cause);
}

const SourceLocation& FutureTracking::placeOf(const SourceLocation& where) const noexcept {
  if (where.line != 0) return where;
  return awaitsAt_.line != 0 ? awaitsAt_ : *created_;
}

void FutureTracking::forgetSeen() noexcept {
  Failure::release(std::exchange(seen_, nullptr));
  seenError_ = nullptr;
}

// Who is pending still lives on, without being tracked.
ContextTracking::~ContextTracking() {
  while (!pending_.empty()) pending_.popFront().context_ = nullptr;
}

}  // namespace kairos::detail
