// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_FUTURES_ADDON_DETAIL_VALUE_STATE_H_
#define KAIROS_FUTURES_ADDON_DETAIL_VALUE_STATE_H_

#include <cassert>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "kairos/futures-addon/detail/future_state.h"

namespace kairos::detail {

// How a value of T is kept, and given out again.
template <class T>
struct Kept {
  template <class... Args>
  void set(Args&&... args) {
    value.emplace(std::forward<Args>(args)...);
  }
  T& get() noexcept { return *value; }
  T take() { return std::move(*value); }

  std::optional<T> value;
};

template <class T>
struct Kept<T&> {
  void set(T& to) noexcept { value = std::addressof(to); }
  T& get() const noexcept { return *value; }
  T& take() const noexcept { return *value; }

  T* value = nullptr;
};

template <>
struct Kept<void> {
  void set() const noexcept {}
  void get() const noexcept {}
  void take() const noexcept {}
};

// What a copy can be made of. A container says yes of itself, whatever is in it.
template <class T>
struct Copyable : std::bool_constant<std::is_object_v<T> && std::is_copy_constructible_v<T>> {};
template <class T>
requires(!std::is_same_v<typename T::value_type, T>) struct Copyable<T>
    : std::bool_constant<std::is_copy_constructible_v<T> &&
                         Copyable<typename T::value_type>::value> {
};

// A state with room for the value.
template <class T>
class ValueState : public FutureState {
 public:
  // Throw unless it is completed.
  decltype(auto) get() {
    throwUnlessCompleted();
    return kept_.get();
  }
  decltype(auto) take() {
    throwUnlessCompleted();
    return kept_.take();
  }

 protected:
  using FutureState::FutureState;
  ~ValueState() { reportUnseen(); }

  template <class... Args>
  void complete(const SourceLocation& where, Args&&... args) {
    kept_.set(std::forward<Args>(args)...);
    finish(FutureStatus::completed, where);
  }

  [[no_unique_address]] Kept<T> kept_;
};

// One in the memory of its context, which work holds until it is finished. State is the final
// class.
template <class State, class T>
class PooledState : public ValueState<T> {
 public:
  template <class... Args>
  static State& make(ContextCore& core, Args&&... args) {
    core.refuseIfOver();
    void* const memory = core.take(sizeof(State));
    try {
      return *new (memory) State(core, std::forward<Args>(args)...);
    } catch (...) {
      core.giveBack(memory, sizeof(State));
      throw;
    }
  }

  void dispose() noexcept override {
    ContextCore* const core = this->core_;
    assert(core != nullptr);  // it was made in its memory
    auto* const state = static_cast<State*>(this);
    state->~State();
    core->giveBack(state, sizeof(State));
  }

 protected:
  PooledState(ContextCore& core, const SourceLocation& created) noexcept
      : ValueState<T>(&core, created) {
    this->tracking_.isKind(State::kind);
  }
  ~PooledState() = default;
};

// What a Promise finishes.
template <class T>
class PromiseState final : public PooledState<PromiseState<T>, T> {
 public:
  static constexpr const char* kind = "Promise";

  PromiseState(ContextCore& core, const SourceLocation& created) noexcept
      : PooledState<PromiseState<T>, T>(core, created) {}

  // False: it is cancelled, and stays so. Throws FinishedTwiceError, and what the value throws.
  template <class... Args>
  bool tryComplete(const SourceLocation& where, Args&&... args) {
    if (!mayFinish(where)) return false;
    this->complete(where, std::forward<Args>(args)...);
    return true;
  }
  bool tryFail(const SourceLocation& where, std::exception_ptr error) {
    if (!mayFinish(where)) return false;
    this->fail(std::move(error), where);
    return true;
  }
  bool tryCancel(const SourceLocation& where) {
    if (!mayFinish(where)) return false;
    this->finish(FutureStatus::cancelled, where);
    return true;
  }

  // Its callback is heard; what it leaves pending is abandoned later.
  void cancelForGood() noexcept override { this->cancel(); }

  void setCancelCallback(AsyncCallback callback) noexcept {
    if (this->isPending()) this->cancelCallback_ = callback;
  }

 private:
  bool mayFinish(const SourceLocation& where) const {
    if (this->isPending()) return true;
    if (this->status() != FutureStatus::cancelled) this->throwFinishedTwice(where);
    return false;
  }

  // A callback decides for itself, once; what it does not decide is decided later.
  bool cancelWork() noexcept override {
    const AsyncCallback callback = std::exchange(this->cancelCallback_, {});
    if (callback.function == nullptr) return this->wasAsked_ || FutureState::cancelWork();
    this->wasAsked_ = true;
    callback.function(callback.udata);
    return true;
  }
};

}  // namespace kairos::detail

#endif  // KAIROS_FUTURES_ADDON_DETAIL_VALUE_STATE_H_
