// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_FUTURES_ADDON_DETAIL_GROUP_STATES_H_
#define KAIROS_FUTURES_ADDON_DETAIL_GROUP_STATES_H_

#include <cstddef>
#include <new>
#include <ranges>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include "kairos/futures-addon/detail/follower.h"
#include "kairos/futures-addon/future.h"
#include "kairos/futures-addon/source_location.h"

namespace kairos::detail {

// A range of Future<T>, all with the same T.
template <class Futures>
concept FuturesWithValue = requires {
  typename std::ranges::range_value_t<const Futures>::promise_type;
};

// The first member of what is made by an operator, or of any number of futures, and where that is,
// which these have no argument for.
struct FirstMember {
  FirstMember(const FutureBase& of, SourceLocation where = SourceLocation::current()) noexcept
      : future(of), created(where) {}

  const FutureBase& future;
  SourceLocation created;
};

// What a group has of each of its members: a place among those who wait for it.
class Membership : public Waiter {
 public:
  Membership(const FutureBase& future, CallbackFunc onFinished, void* group) noexcept
      : future_(future), group_(group) {
    setCallback(onFinished, this);
  }

  void follow(FutureState& group) {
    WaiterAccess::trackingOf(*this).belongsTo(group);
    FutureAccess::stateOf(future_).add(*this);
  }
  const FutureBase& future() const noexcept { return future_; }
  void* group() const noexcept { return group_; }

 private:
  FutureBase future_;
  void* group_;
};

// The memberships of a group, in memory of its context.
class Memberships {
 public:
  template <class Futures>
  Memberships(ContextCore& core, const Futures& futures, CallbackFunc onFinished, void* group)
      : core_(core), members_(room(core, futures.size())) {
    for (const FutureBase& future : futures) {
      new (members_ + size_++) Membership(future, onFinished, group);
    }
  }
  Memberships(const Memberships&) = delete;
  Memberships& operator=(const Memberships&) = delete;
  ~Memberships() {
    for (Membership& member : all()) member.~Membership();
    if (members_ != nullptr) core_.giveBack(members_, size_ * sizeof(Membership));
  }

  std::span<Membership> all() const noexcept { return {members_, size_}; }
  std::size_t indexOf(const Membership& member) const noexcept {
    return static_cast<std::size_t>(&member - members_);
  }

 private:
  static Membership* room(ContextCore& core, std::size_t count) {
    if (count == 0) return nullptr;
    return static_cast<Membership*>(core.take(count * sizeof(Membership)));
  }

  ContextCore& core_;
  Membership* members_;
  std::size_t size_ = 0;
};

// A future that is made of several. State::memberFinished(member) is called for each one that is
// finished, in order, until it returns true: it has ended the group.
template <class State, class T>
class Group : public Derived<State, T> {
 public:
  void start() {
    auto& state = *static_cast<State*>(this);
    for (Membership& member : members_.all()) {
      FutureAccess::stateOf(member.future()).endIfOver();
      if (member.future().finished() && state.memberFinished(member)) return;
    }
    if (state.endIfEmpty()) return;
    for (Membership& member : members_.all()) {
      if (!member.future().finished()) member.follow(state);
    }
  }

  void leave() noexcept {
    for (Membership& member : members_.all()) member.unlink();
  }

 protected:
  template <class Futures>
  Group(ContextCore& core, const SourceLocation& created, const Futures& futures)
      : Derived<State, T>(core, created), members_(core, futures, onFinished, this) {}
  ~Group() = default;

  bool endIfEmpty() noexcept { return false; }
  std::size_t size() const noexcept { return members_.all().size(); }
  std::size_t indexOf(const Membership& member) const noexcept { return members_.indexOf(member); }

 private:
  static void onFinished(void* udata) {
    auto& member = *static_cast<Membership*>(udata);
    auto& self = *static_cast<Group*>(member.group());
    self.isCalledBack_ = true;
    if (!static_cast<State&>(self).memberFinished(member)) self.isCalledBack_ = false;
  }

  Memberships members_;
};

// Counts its members down.
template <class State, class T>
class AllGroup : public Group<State, T> {
 public:
  bool memberFinished(const Membership&) { return --left_ == 0 && end(); }
  bool endIfEmpty() { return this->size() == 0 && end(); }

 protected:
  template <class Futures>
  AllGroup(ContextCore& core, const SourceLocation& created, const Futures& futures)
      : Group<State, T>(core, created, futures), left_(futures.size()) {}

 private:
  bool end() {
    static_cast<State*>(this)->allAreFinished();
    return true;
  }

  std::size_t left_;
};

// Behind allFinished().
template <class T>
class AllFinished final : public AllGroup<AllFinished<T>, std::vector<Future<T>>> {
 public:
  static constexpr const char* kind = "allFinished";

  AllFinished(ContextCore& core, const SourceLocation& created, std::vector<Future<T>> futures)
      : AllGroup<AllFinished<T>, std::vector<Future<T>>>(core, created, futures),
        futures_(std::move(futures)) {}

  void allAreFinished() { this->endWithValue(std::move(futures_)); }

 private:
  std::vector<Future<T>> futures_;
};

// Behind one() and race().
template <class Handle>
class FirstOf final : public Group<FirstOf<Handle>, Handle> {
 public:
  static constexpr const char* kind = std::is_same_v<Handle, FutureBase> ? "race" : "one";

  FirstOf(ContextCore& core, const SourceLocation& created, std::vector<Handle> futures)
      : Group<FirstOf<Handle>, Handle>(core, created, futures), futures_(std::move(futures)) {}

  bool memberFinished(const Membership& member) {
    Handle first = std::move(futures_[this->indexOf(member)]);
    this->endWithValue(std::move(first));
    return true;
  }

 private:
  std::vector<Handle> futures_;
};

Future<void> allOf(ContextCore& core, std::span<const FutureBase> futures,
                   const SourceLocation& created);

// Throws FutureError.
void refuseEmpty(bool isEmpty);

}  // namespace kairos::detail

#endif  // KAIROS_FUTURES_ADDON_DETAIL_GROUP_STATES_H_
