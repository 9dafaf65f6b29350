// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_FUTURES_ADDON_TRACKING_OFF_TRACKING_H_
#define KAIROS_FUTURES_ADDON_TRACKING_OFF_TRACKING_H_

#include <exception>

#include "kairos/futures-addon/detail/future_status.h"
#include "kairos/futures-addon/source_location.h"

// What is tracked of futures when nothing is: see ../on/tracking.h, which a build setting chooses
// instead. All types are empty, and all functions nothing, in unoptimised builds too.
namespace kairos::detail {

class FutureState;

inline constexpr bool isTracking = false;

// No class: GCC would keep an empty one in the coroutine's frame.
enum class AwaitPlace : bool {};

[[gnu::always_inline]] constexpr AwaitPlace placeOfAwait() noexcept { return {}; }

class WaiterTracking {
 public:
  template <class Of>
  [[gnu::always_inline]] void belongsTo(const Of&) const noexcept {}
};

class ContextTracking {};

class FutureTracking {
 public:
  [[gnu::always_inline]] void begin(FutureState&, const void*) const noexcept {}
  [[gnu::always_inline]] void isKind(const char*) const noexcept {}
  [[gnu::always_inline]] void isCoroutine() const noexcept {}
  [[gnu::always_inline]] void adopted(const void*) const noexcept {}
  template <class Awaitable>
  [[gnu::always_inline]] void awaits(const Awaitable&, AwaitPlace) const noexcept {}
  [[gnu::always_inline]] void suspended() const noexcept {}
  [[gnu::always_inline]] void resumed() const noexcept {}
  [[gnu::always_inline]] void finished(FutureStatus, const SourceLocation&,
                                       const std::exception_ptr&) const noexcept {}
  [[gnu::always_inline]] void hasSeen(const FutureState&) const noexcept {}
};

}  // namespace kairos::detail

#endif  // KAIROS_FUTURES_ADDON_TRACKING_OFF_TRACKING_H_
