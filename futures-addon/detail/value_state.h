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
  static_assert(alignof(T) <= __STDCPP_DEFAULT_NEW_ALIGNMENT__,
                "A future holds no value that needs more than operator new aligns.");

  template <class... Args>
  void set(Args&&... args) {
    value.emplace(std::forward<Args>(args)...);
  }
  T& get() noexcept { return *value; }
  T take() { return std::move(*value); }

  std::optional<T> value;
};

// One that needs no end needs no mark that it is there either.
template <class T>
requires(std::is_trivially_destructible_v<T> && !std::is_const_v<T>) struct Kept<T> {
  Kept() noexcept {}  // NOLINT(modernize-use-equals-default): nothing is set
  template <class... Args>
  void set(Args&&... args) {
    std::construct_at(std::addressof(value), std::forward<Args>(args)...);
  }
  T& get() noexcept { return value; }
  T take() { return std::move(value); }

  union {
    T value;
  };
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
  ~ValueState() = default;

  template <class... Args>
  void complete(SourceLocation where, Args&&... args) {
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
    void* const memory = core.takeForWork(sizeof(State));
    try {
      return *new (memory) State(core, std::forward<Args>(args)...);
    } catch (...) {
      core.giveBack(memory, sizeof(State));
      throw;
    }
  }

  void dispose() final {
    this->goes();
    giveBackMemory();
  }

  // As release(), but quicker: what a completed one destroys holds no other futures. Requires that
  // it is completed, and that State has nothing that does.
  void releaseKnown() noexcept {
    if (--this->references_ != 0) return;
    if constexpr (isPlain) {
      giveBackMemory();
    } else {
      ContextCore::destroy(*this);
    }
  }

 protected:
  PooledState(ContextCore& core, const SourceLocation& created) noexcept
      : ValueState<T>(&core, created) {
    this->tracking_.isKind(State::kind);
  }
  ~PooledState() = default;

 private:
  static constexpr bool isPlain = std::is_trivially_destructible_v<Kept<T>>;

  void giveBackMemory() noexcept {
    ContextCore* const core = this->core_;
    assert(core != nullptr);  // it was made in its memory
    auto* const state = static_cast<State*>(this);
    state->~State();
    core->giveBack(state, sizeof(State));
  }
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
  bool tryComplete(SourceLocation where, Args&&... args) {
    if (!mayFinish(where)) return false;
    this->complete(where, std::forward<Args>(args)...);
    return true;
  }
  bool tryFail(SourceLocation where, std::exception_ptr error) {
    if (!mayFinish(where)) return false;
    this->fail(std::move(error), where);
    return true;
  }
  bool tryCancel(SourceLocation where) {
    if (!mayFinish(where)) return false;
    this->finish(FutureStatus::cancelled, where);
    return true;
  }

  bool goesOn() const noexcept override { return this->isWaitedFor(); }
  // Its callback is heard; what it leaves pending is abandoned later.
  void cancelForGood() noexcept override { this->cancel(); }

  // Its Promise goes.
  void letGo() noexcept {
    if (this->isCompleted()) return this->releaseKnown();
    letGoOther();
  }

  void setCancelCallback(AsyncCallback callback) noexcept {
    if (!this->isPending()) return;
    this->cancelCallback_ = callback;
    this->word_.remove(Mark::cancelCallback);
    if (callback.function != nullptr) this->word_.add(Mark::cancelCallback);
  }

 private:
  [[gnu::noinline]] void letGoOther() noexcept {
    if (this->isPending()) this->breakPromise();
    this->release();
  }
  bool mayFinish(SourceLocation where) const {
    if (this->isPending()) return true;
    if (this->status() != FutureStatus::cancelled) this->throwFinishedTwice(where);
    return false;
  }

  // A callback decides for itself, once; what it does not decide is decided later.
  bool cancelWork() noexcept override {
    const bool hasCallback = this->word_.has(Mark::cancelCallback);
    if (!hasCallback) return this->word_.has(Mark::asked) || FutureState::cancelWork();
    const AsyncCallback callback = this->cancelCallback_;
    this->word_.remove(Mark::cancelCallback);
    this->word_.add(Mark::asked);
    callback.function(callback.udata);
    return true;
  }
};

}  // namespace kairos::detail

#endif  // KAIROS_FUTURES_ADDON_DETAIL_VALUE_STATE_H_
