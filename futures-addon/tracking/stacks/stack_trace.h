// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_FUTURES_ADDON_TRACKING_STACKS_STACK_TRACE_H_
#define KAIROS_FUTURES_ADDON_TRACKING_STACKS_STACK_TRACE_H_

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <string>

namespace kairos {

// The calls that led to a place, the innermost first: addresses, of which toText() makes names. Of
// a deeper stack the outermost are left out.
//
//   Cost      current() walks the stack, by its unwinding tables, and allocates nothing.
class StackTrace {
 public:
  static constexpr std::size_t framesMax = 32;

  StackTrace() = default;
  // Of the caller, and those around it.
  static StackTrace current() noexcept;

  std::span<void* const> frames() const noexcept { return {frames_.data(), size_}; }
  bool operator==(const StackTrace& other) const noexcept {
    return std::ranges::equal(frames(), other.frames());
  }

 private:
  friend class StackWalk;

  std::array<void*, framesMax> frames_{};
  std::size_t size_ = 0;
};

// A line for each frame: the function, where its name is known to the dynamic linker (link with
// -rdynamic), and the place in its file, which addr2line(1) and the like take.
std::string toText(const StackTrace& stack);

}  // namespace kairos

#endif  // KAIROS_FUTURES_ADDON_TRACKING_STACKS_STACK_TRACE_H_
