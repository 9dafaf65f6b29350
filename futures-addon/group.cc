// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/futures-addon/group.h"

#include "kairos/futures-addon/error.h"

namespace kairos {
namespace {

using detail::ContextCore;
using detail::FirstMember;
using detail::FutureAccess;
using detail::FutureState;
using detail::FutureStatus;
using detail::Membership;
using Pair = std::array<FutureBase, 2>;

FutureState& stateOf(const Membership& member) { return FutureAccess::stateOf(member.future()); }

class AllFutures final : public detail::AllGroup<AllFutures, void> {
 public:
  static constexpr const char* kind = "allFutures";

  AllFutures(ContextCore& core, const SourceLocation& created, std::span<const FutureBase> futures)
      : AllGroup(core, created, futures) {}

  void allAreFinished() { endWithValue(); }
};

// Behind cancelAndWait() of several.
class AllCancelled final : public detail::AllGroup<AllCancelled, void> {
 public:
  static constexpr const char* kind = "cancelAndWait";

  AllCancelled(ContextCore& core, const SourceLocation& created,
               std::span<const FutureBase> futures)
      : AllGroup(core, created, futures) {}

  void allAreFinished() { endWithValue(); }
  void cancelForGood() noexcept override {}

 private:
  bool cancelWork() noexcept override { return false; }
};

class Both final : public detail::Group<Both, void> {
 public:
  static constexpr const char* kind = "and";

  Both(ContextCore& core, const SourceLocation& created, const Pair& pair)
      : Group(core, created, pair) {}

  bool memberFinished(const Membership& member) {
    FutureState& state = stateOf(member);
    if (state.status() == FutureStatus::completed && --left_ > 0) return false;
    endLike(state);
    return true;
  }

 private:
  void endLike(FutureState& state) {
    if (state.status() == FutureStatus::completed) return endWithValue();
    if (state.status() == FutureStatus::cancelled) return endAs(FutureStatus::cancelled);
    state.observe();
    tracking_.hasSeen(state);
    endWithError(state.error());
  }

  int left_ = 2;
};

class Either final : public detail::Group<Either, void> {
 public:
  static constexpr const char* kind = "or";

  Either(ContextCore& core, const SourceLocation& created, const Pair& pair)
      : Group(core, created, pair) {}

  bool memberFinished(const Membership& member) {
    FutureState& state = stateOf(member);
    if (state.status() == FutureStatus::failed) {
      state.observe();
      tracking_.hasSeen(state);
      endWithError(state.error());
    } else {
      endWithValue();
    }
    return true;
  }
};

template <class State>
Future<void> makePair(const FirstMember& left, const FutureBase& right) {
  const Pair pair{left.future, right};
  ContextCore& core = detail::coreFor(pair[detail::coreOf(pair[0]) != nullptr ? 0 : 1]);
  return detail::makeDerived<State, void>(core, left.created, pair);
}

}  // namespace

namespace detail {

Future<void> allOf(ContextCore& core, std::span<const FutureBase> futures,
                   const SourceLocation& created) {
  return makeDerived<AllFutures, void>(core, created, futures);
}

void refuseEmpty(bool isEmpty) {
  if (isEmpty) throw FutureError("Of no futures none can be the first.");
}

}  // namespace detail

Future<void> allFutures(FutureContext& context, std::span<const FutureBase> futures,
                        SourceLocation created) {
  return detail::allOf(*detail::coreOf(context), futures, created);
}

// All that needs memory comes first.
Future<void> cancelAndWait(FutureContext& context, std::span<const FutureBase> futures,
                           SourceLocation created) {
  Future<void> all =
      detail::makeDerived<AllCancelled, void>(*detail::coreOf(context), created, futures);
  for (FutureBase future : futures) future.cancelSoon();
  return all;
}

Future<FutureBase> race(FutureContext& context, std::vector<FutureBase> futures,
                        SourceLocation created) {
  detail::refuseEmpty(futures.empty());
  return detail::makeDerived<detail::FirstOf<FutureBase>, FutureBase>(*detail::coreOf(context),
                                                                      created, std::move(futures));
}

Future<void> operator&&(detail::FirstMember left, const FutureBase& right) {
  return makePair<Both>(left, right);
}

Future<void> operator||(detail::FirstMember left, const FutureBase& right) {
  return makePair<Either>(left, right);
}

}  // namespace kairos
