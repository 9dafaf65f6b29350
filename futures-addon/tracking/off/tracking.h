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

class AwaitPlace {
 public:
  [[gnu::always_inline]] static constexpr AwaitPlace current() noexcept { return {}; }
};

class WaiterTracking {
 public:
  [[gnu::always_inline]] void belongsTo(FutureState&) const noexcept {}
};

class ContextTracking {};

class FutureTracking {
 public:
  [[gnu::always_inline]] void begin(FutureState&, const void*) const noexcept {}
  [[gnu::always_inline]] void isKind(const char*) const noexcept {}
  [[gnu::always_inline]] void isCoroutine() const noexcept {}
  [[gnu::always_inline]] void adopted(const void*) const noexcept {}
  [[gnu::always_inline]] void awaitsAt(AwaitPlace) const noexcept {}
  [[gnu::always_inline]] void suspended() const noexcept {}
  [[gnu::always_inline]] void resumed() const noexcept {}
  [[gnu::always_inline]] void finished(FutureStatus, const SourceLocation&,
                                       const std::exception_ptr&) const noexcept {}
  [[gnu::always_inline]] void hasSeen(const FutureState&) const noexcept {}
};

}  // namespace kairos::detail

#endif  // KAIROS_FUTURES_ADDON_TRACKING_OFF_TRACKING_H_
