// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_FUTURES_ADDON_DETAIL_COROUTINE_PROMISE_H_
#define KAIROS_FUTURES_ADDON_DETAIL_COROUTINE_PROMISE_H_

#include <concepts>
#include <coroutine>
#include <cstddef>
#include <cstring>
#include <new>
#include <type_traits>
#include <utility>

#include "kairos/futures-addon/detail/context_access.h"
#include "kairos/futures-addon/detail/coroutine.h"
#include "kairos/futures-addon/detail/value_state.h"
#include "kairos/futures-addon/future_context.h"

namespace kairos {

template <class T>
class Future;
class FutureBase;

namespace detail {

// The context of what a coroutine was given: of the first argument that has one.
inline ContextCore* coreOf(const FutureContext& context) noexcept {
  ContextCore* const core = &ContextCoreAccess::of(context);
  if (core == nullptr) __builtin_unreachable();  // so nobody has to look
  return core;
}
ContextCore* coreOf(const FutureBase& future) noexcept;

template <class Argument>
ContextCore* coreInArgument(Argument& argument) noexcept {
  if constexpr (requires { coreOf(argument); }) {
    return coreOf(argument);
  } else if constexpr (requires {
                         { argument.futureContext() } -> std::convertible_to<FutureContext&>;
                       }) {
    return coreOf(argument.futureContext());
  } else {
    return nullptr;
  }
}

template <class... Arguments>
ContextCore* coreInArguments(Arguments&... arguments) noexcept {
  ContextCore* core = nullptr;
  static_cast<void>(((core = coreInArgument(arguments)) || ...));
  return core;
}

// The memory of a coroutine's frame: of the context, whose address follows the frame, or the heap.
class FrameMemory {
 public:
  static void* take(std::size_t frame, ContextCore* core) {
    const std::size_t size = sizeWith(frame);
    void* const memory = core != nullptr ? core->take(size) : allocate(size);
    const void* const kept = core;
    std::memcpy(static_cast<std::byte*>(memory) + frame, &kept, sizeof kept);
    return memory;
  }

  static void giveBack(void* memory, std::size_t frame) noexcept {
    void* kept;
    std::memcpy(&kept, static_cast<std::byte*>(memory) + frame, sizeof kept);
    auto* const core = static_cast<ContextCore*>(kept);
    if (core == nullptr) return ::operator delete(memory);
    core->giveBack(memory, sizeWith(frame));
  }

 private:
  static constexpr std::size_t sizeWith(std::size_t frame) noexcept {
    return frame + sizeof(void*);
  }
};

// What this layer made to be awaited derives from this, and says suspendedOn() itself.
struct KnownAwaiter {};

template <class Awaitable>
decltype(auto) awaiterOf(Awaitable&& awaitable) {
  if constexpr (requires { std::forward<Awaitable>(awaitable).operator co_await(); }) {
    return std::forward<Awaitable>(awaitable).operator co_await();
  } else if constexpr (requires { operator co_await(std::forward<Awaitable>(awaitable)); }) {
    return operator co_await(std::forward<Awaitable>(awaitable));
  } else {
    return static_cast<Awaitable&&>(awaitable);
  }
}

// Another awaiter, which stays where it is: GCC 12 copies those that a reference is given to.
template <class Awaiter>
class AwaiterThere {
 public:
  explicit AwaiterThere(Awaiter& awaiter) noexcept : awaiter_(awaiter) {}

  bool await_ready() { return awaiter_.await_ready(); }
  template <class Promise>
  decltype(auto) await_suspend(std::coroutine_handle<Promise> coroutine) {
    return awaiter_.await_suspend(coroutine);
  }
  decltype(auto) await_resume() { return awaiter_.await_resume(); }

 private:
  Awaiter& awaiter_;
};

// An awaitable of another library, whose awaiter may be one that cannot be moved. What it waits for
// cannot be cancelled from here.
template <class Awaiter>
struct ForeignAwaiter {
  decltype(auto) await_ready() { return awaiter.await_ready(); }
  template <class Promise>
  decltype(auto) await_suspend(std::coroutine_handle<Promise> coroutine) {
    Coroutine(*known(coroutine)).suspendedOn(nullptr);
    return awaiter.await_suspend(coroutine);
  }
  decltype(auto) await_resume() { return awaiter.await_resume(); }

  Awaiter awaiter;
};

template <class Awaitable>
decltype(auto) transformAwaitable(Awaitable&& awaitable) {
  using Awaiter = decltype(awaiterOf(std::forward<Awaitable>(awaitable)));
  if constexpr (std::derived_from<std::remove_cvref_t<Awaitable>, KnownAwaiter>) {
    return AwaiterThere<std::remove_reference_t<Awaitable>>(awaitable);
  } else if constexpr (std::derived_from<std::remove_cvref_t<Awaiter>, KnownAwaiter>) {
    return std::forward<Awaitable>(awaitable);
  } else {
    return ForeignAwaiter<Awaiter>{awaiterOf(std::forward<Awaitable>(awaitable))};
  }
}

template <class T>
class CoroutinePromiseBase : public ValueState<T> {
 public:
  // Always inline, or GCC 12 takes these for a mismatched pair (-Wmismatched-new-delete).
  template <class... Arguments>
  [[gnu::always_inline]] static void* operator new(std::size_t size, Arguments&... arguments) {
    return FrameMemory::take(size, coreInArguments(arguments...));
  }
  [[gnu::always_inline]] static void operator delete(void* memory, std::size_t size) noexcept {
    FrameMemory::giveBack(memory, size);
  }

  std::suspend_never initial_suspend() const noexcept { return {}; }

  struct End {
    static bool await_ready() noexcept { return false; }
    template <class Promise>
    static void await_suspend(std::coroutine_handle<Promise> coroutine) noexcept {
      CoroutinePromiseBase& promise = coroutine.promise();
      Coroutine(promise).ended();
    }
    static void await_resume() noexcept {}
  };
  End final_suspend() const noexcept { return {}; }

  void unhandled_exception() noexcept { Coroutine(*this).endWithCurrentException(); }

  template <class Awaitable>
  decltype(auto) await_transform(Awaitable&& awaitable, AwaitPlace at = placeOfAwait()) {
    this->tracking_.awaits(awaitable, at);
    return transformAwaitable(std::forward<Awaitable>(awaitable));
  }

  Future<T> get_return_object(SourceLocation created = SourceLocation::current()) noexcept;

  Awaited* inner() noexcept override { return Coroutine(*this).awaited(); }
  void cancelForGood() noexcept override { requestCancelSoon(*this); }
  void abandon() noexcept override { Coroutine(*this).abandonFrame(); }

 protected:
  explicit CoroutinePromiseBase(ContextCore* core) noexcept : ValueState<T>(core) {
    this->tracking_.isCoroutine();
  }
  ~CoroutinePromiseBase() = default;

  bool cancelWork() noexcept override { return false; }
};

// The promise_type of a Future<T>.
template <class T>
class CoroutinePromise final : public CoroutinePromiseBase<T> {
 public:
  template <class... Arguments>
  explicit CoroutinePromise(Arguments&... arguments) noexcept
      : CoroutinePromiseBase<T>(coreInArguments(arguments...)) {
    Coroutine(*this).begin(handle());
  }

  template <class Value = T>
  void return_value(Value&& value) {
    this->kept_.set(std::forward<Value>(value));
  }

  void dispose() override {
    if (!this->isPlainlyCompleted()) return disposeOther();
    handle().destroy();
  }

 private:
  [[gnu::noinline]] void disposeOther() {
    this->goes();
    this->leaveHost();
    handle().destroy();
  }
  std::coroutine_handle<> handle() noexcept {
    return std::coroutine_handle<CoroutinePromise>::from_promise(*this);
  }
};

template <>
class CoroutinePromise<void> final : public CoroutinePromiseBase<void> {
 public:
  template <class... Arguments>
  explicit CoroutinePromise(Arguments&... arguments) noexcept
      : CoroutinePromiseBase<void>(coreInArguments(arguments...)) {
    Coroutine(*this).begin(handle());
  }

  void return_void() const noexcept {}

  void dispose() override {
    if (!this->isPlainlyCompleted()) return disposeOther();
    handle().destroy();
  }

 private:
  [[gnu::noinline]] void disposeOther() {
    this->goes();
    this->leaveHost();
    handle().destroy();
  }
  std::coroutine_handle<> handle() noexcept {
    return std::coroutine_handle<CoroutinePromise>::from_promise(*this);
  }
};

}  // namespace detail
}  // namespace kairos

#endif  // KAIROS_FUTURES_ADDON_DETAIL_COROUTINE_PROMISE_H_
