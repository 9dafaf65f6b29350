// SPDX-License-Identifier: MIT OR Apache-2.0
// What the types of the public header promise to those who store and pass them. It has passed when
// it compiles.

#include <chrono>
#include <cstdint>
#include <memory>
#include <system_error>
#include <type_traits>

#include "kairos/reactor/reactor.h"

namespace kairos {
namespace {

template <typename First, typename Second>
constexpr bool same = std::is_same_v<First, Second>;

static_assert(same<Fd, int>);
static_assert(same<CallbackFunc, void (*)(void*)>);
static_assert(same<Clock, std::chrono::steady_clock>);

static_assert(sizeof(AsyncCallback) == 2 * sizeof(void*));
static_assert(std::is_trivially_copyable_v<AsyncCallback>);
static_assert(std::is_standard_layout_v<AsyncCallback>);
static_assert(std::is_aggregate_v<AsyncCallback>);
static_assert(same<decltype(AsyncCallback::function), CallbackFunc>);
static_assert(same<decltype(AsyncCallback::udata), void*>);
static_assert(AsyncCallback{} == AsyncCallback{.function = nullptr, .udata = nullptr});

static_assert(sizeof(TimerId) == sizeof(std::uint64_t));
static_assert(same<std::underlying_type_t<TimerId>, std::uint64_t>);
static_assert(!std::is_convertible_v<TimerId, std::uint64_t>);
static_assert(TimerId{} == TimerId::none);

static_assert(std::is_aggregate_v<PollResult>);
static_assert(std::is_trivially_copyable_v<PollResult>);
static_assert(same<decltype(PollResult::callbacks), std::size_t>);
static_assert(same<decltype(PollResult::error), std::error_code>);

static_assert(sizeof(Reactor) == sizeof(void*), "the rest is behind the pointer");
static_assert(!std::is_polymorphic_v<Reactor>);
static_assert(std::is_nothrow_default_constructible_v<Reactor>);
static_assert(std::is_nothrow_destructible_v<Reactor>);
static_assert(!std::is_copy_constructible_v<Reactor> && !std::is_copy_assignable_v<Reactor>);
static_assert(!std::is_move_constructible_v<Reactor> && !std::is_move_assignable_v<Reactor>);
static_assert(Reactor::forever == Clock::duration::max());

constexpr Reactor* reactor = nullptr;  // only ever asked for types

static_assert(noexcept(reactor->addReader(0, nullptr, nullptr)));
static_assert(noexcept(reactor->addWriter(0, nullptr, nullptr)));
static_assert(noexcept(reactor->removeReader(0)));
static_assert(noexcept(reactor->removeWriter(0)));
static_assert(noexcept(reactor->addTimer(Reactor::forever, nullptr, nullptr)));
static_assert(noexcept(reactor->addTimer(Clock::time_point::max(), nullptr, nullptr)));
static_assert(noexcept(reactor->removeTimer(TimerId::none)));
static_assert(!noexcept(reactor->poll(Clock::duration{})), "callbacks may throw through it");

static_assert(same<decltype(reactor->addReader(0, nullptr, nullptr)), std::error_code>);
static_assert(same<decltype(reactor->addWriter(0, nullptr, nullptr)), std::error_code>);
static_assert(same<decltype(reactor->removeReader(0)), bool>);
static_assert(same<decltype(reactor->removeWriter(0)), bool>);
static_assert(same<decltype(reactor->removeTimer(TimerId::none)), bool>);
static_assert(same<decltype(reactor->poll(Clock::duration{})), PollResult>);

}  // namespace
}  // namespace kairos

int main() {}
