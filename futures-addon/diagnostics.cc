// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/futures-addon/diagnostics.h"

#include <algorithm>
#include <compare>
#include <string_view>
#include <tuple>

#include "kairos/futures-addon/error.h"

namespace kairos {
namespace {

// Equal texts may be at several addresses.
auto keyOf(const char* kind, const SourceLocation& created) {
  return std::make_tuple(std::string_view(created.file), created.line,
                         std::string_view(created.function), std::string_view(kind));
}

// Of infos, or groups.
template <class Described>
bool isBefore(const Described& left, const Described& right) {
  const auto order = keyOf(left.kind, left.created) <=> keyOf(right.kind, right.created);
  if (order != 0) return order < 0;
  return std::ranges::lexicographical_compare(left.stack.frames(), right.stack.frames());
}

bool isMoreFrequent(const FutureGroup& left, const FutureGroup& right) {
  return left.count != right.count ? left.count > right.count : isBefore(left, right);
}

bool isOf(const FutureGroup& group, const FutureInfo& future) {
  return keyOf(group.kind, group.created) == keyOf(future.kind, future.created) &&
         group.stack == future.stack;
}

std::string described(const char* kind, const SourceLocation& place) {
  return std::string(kind) + " " + place.function + " at " + place.file + ':' +
         std::to_string(place.line);
}

}  // namespace

std::vector<FutureGroup> futuresInProgress(const FutureContext& context) {
  std::vector<FutureInfo> futures = pendingFutures(context);
  std::ranges::sort(futures, isBefore<FutureInfo>);
  std::vector<FutureGroup> groups;
  for (const FutureInfo& future : futures) {
    if (groups.empty() || !isOf(groups.back(), future)) {
      groups.push_back({future.kind, future.created, future.stack, 0});
    }
    ++groups.back().count;
  }
  std::ranges::sort(groups, isMoreFrequent);
  return groups;
}

std::string toText(const FutureInfo& future) {
  if (future.created.line == 0) return future.kind;
  std::string text = described(future.kind, future.created);
  if (future.isRunning) return text + ", running";
  if (future.awaitsAt.line == 0) return text;
  return text + ", awaits at line " + std::to_string(future.awaitsAt.line);
}

std::string toText(const std::vector<FutureGroup>& groups) {
  std::string text;
  for (const FutureGroup& group : groups) {
    text += std::to_string(group.count) + " x " + described(group.kind, group.created) + '\n' +
            toText(group.stack);
  }
  return text;
}

std::string toText(const std::vector<AwaiterInfo>& awaiters) {
  std::string text;
  for (const AwaiterInfo& awaiter : awaiters) {
    text += std::to_string(awaiter.level) + ": " + toText(awaiter.future) + '\n' +
            toText(awaiter.future.stack);
  }
  return text;
}

std::string toText(const std::vector<FailurePlace>& places) {
  std::string text;
  for (const FailurePlace& place : places) {
    text += described(place.kind, place.place) + '\n' + toText(place.stack);
  }
  return text;
}

}  // namespace kairos
