// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_FUTURES_ADDON_DIAGNOSTICS_H_
#define KAIROS_FUTURES_ADDON_DIAGNOSTICS_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "kairos/futures-addon/future.h"
#include "kairos/futures-addon/future_context.h"
#include "kairos/futures-addon/source_location.h"
#include "kairos/futures-addon/tracking/stack_trace.h"
#include "kairos/futures-addon/tracking/tracking.h"

namespace kairos {

// What is pending, where it was made, who waits for it, and where it failed. The build setting
// //futures-addon:tracking switches this on, at two levels: `places`, and `stacks` too. When it
// is off, which is the default, futures are not larger and not slower for it, and everything below
// is empty.
//
//   Thread      that of the context
//   Ownership   What is returned are copies, which stay as they are, and may go to another thread.
//               File names, functions and kinds are static texts.
//   Errors      throws std::bad_alloc. For want of memory a failure may be without its places.
//   Cost        switched on: O(1) for each future and await, and an allocation for each failure;
//               the calls below are linear in what they look at, and futuresInProgress() sorts it.
//
// A coroutine that never met a context is no context's future, and is not shown.

constexpr bool diagnosticsEnabled() noexcept { return detail::isTracking; }

// A pending future.
//
//   kind        "Promise", "coroutine", or the function that made it, such as "sleepAsync"
//   created     Where that was called. Of a coroutine: its body (GCC gives the last line, Clang the
//               first) and its function.
//   awaitsAt    a coroutine's last co_await; line 0: none yet
//   stack       with `stacks`: the calls that made it
struct FutureInfo {
  std::uint64_t number = 0;  // in the order in which they became known to the context
  const char* kind = "";
  SourceLocation created;
  SourceLocation awaitsAt;
  bool isRunning = false;        // a coroutine that is not suspended
  bool isAskedToCancel = false;  // and the request waits for its next await
  StackTrace stack;
};

// All that are pending, the oldest first. A future is gone from here as soon as it is finished.
std::vector<FutureInfo> pendingFutures(const FutureContext& context);

// Pending futures of one kind that were made at one place, and by the same calls.
struct FutureGroup {
  const char* kind = "";
  SourceLocation created;
  StackTrace stack;
  std::size_t count = 0;  // never 0
};

// The same, counted: the most frequent first.
std::vector<FutureGroup> futuresInProgress(const FutureContext& context);

// How many there were since the context was made: created = finished, in one of three ways, +
// dropped + pending. Dropped are those that nobody could ever finish or read.
struct FutureCounts {
  std::uint64_t created = 0;
  std::uint64_t completed = 0;
  std::uint64_t failed = 0;
  std::uint64_t cancelled = 0;
  std::uint64_t dropped = 0;
  std::uint64_t pending = 0;
};
FutureCounts futureCounts(const FutureContext& context);

// One that waits for a future, directly (level 1) or through others.
struct AwaiterInfo {
  std::size_t level = 1;
  FutureInfo future;  // the kind "callback" is no future, but one that was added to it
};

// The asynchronous backtrace of a pending future: those who wait for it, each followed by those who
// wait for that, up to the outermost. A lone chain reads like a stack, the innermost first. One
// that waits in several ways is shown once with all that is behind it, and then by itself.
std::vector<AwaiterInfo> awaitersOf(const FutureBase& future);

// A place that an error came through.
//
//   place       A Promise: where it failed. A coroutine: its last co_await, from which the error
//               came or after which it was thrown; without one, as `created` above. Others: where
//               they were made.
//   stack       with `stacks`: the calls that ended it there
struct FailurePlace {
  const char* kind = "";
  SourceLocation place;
  StackTrace stack;
};

// Of a failed future: where the error arose, and the futures through which it came, up to this one.
std::vector<FailurePlace> failurePlaces(const FutureBase& future);

// For people: a line for each, such as "coroutine fetch at client.cc:12", and below it its stack.
std::string toText(const FutureInfo& future);
std::string toText(const std::vector<FutureGroup>& groups);
std::string toText(const std::vector<AwaiterInfo>& awaiters);
std::string toText(const std::vector<FailurePlace>& places);

}  // namespace kairos

#endif  // KAIROS_FUTURES_ADDON_DIAGNOSTICS_H_
