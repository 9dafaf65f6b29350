// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_FUTURES_ADDON_DETAIL_STATE_WORD_H_
#define KAIROS_FUTURES_ADDON_DETAIL_STATE_WORD_H_

#include <cstdint>
#include <initializer_list>

#include "kairos/futures-addon/detail/future_status.h"

namespace kairos::detail {

// What is known about a future, besides its status.
enum class Mark : std::uint32_t {
  waitedFor = 1 << 3,       // there is a list of those who wait, or was
  enrolled = 1 << 4,        // it hears of the end of its context
  checked = 1 << 5,         // its error is reported in any case
  observed = 1 << 6,        // its error has been looked at
  requested = 1 << 7,       // a request to cancel is kept
  cancelCallback = 1 << 8,  // there is one
  asked = 1 << 9,           // to cancel, by that
  holdsItself = 1 << 10,    // a coroutine that has been suspended
  threw = 1 << 11,          // a coroutine that ends so
  threwCancelled = 1 << 12,
  guest = 1 << 13,     // its memory is not its context's
  heldBack = 1 << 14,  // who waits for it is woken by who resumed it
};

// A status and marks, in one word that is always read and written whole: a processor waits when it
// reads what it has written in parts.
class StateWord {
 public:
  FutureStatus status() const noexcept { return static_cast<FutureStatus>(word_ & statusMask); }
  bool is(FutureStatus status) const noexcept {
    if (status == FutureStatus::pending) return (word_ & statusMask) == 0;
    return (word_ & bitOf(status)) != 0;
  }
  bool isWithout(FutureStatus status, Mark mark) const noexcept {
    return (word_ & (bitOf(status) | bitOf(mark))) == bitOf(status);
  }
  bool has(Mark mark) const noexcept { return (word_ & bitOf(mark)) != 0; }
  bool hasAnyOf(std::initializer_list<Mark> marks) const noexcept {
    return (word_ & bitsOf(marks)) != 0;
  }
  bool hasFirstOnly(Mark first, Mark second) const noexcept {
    return (word_ & (bitOf(first) | bitOf(second))) == bitOf(first);
  }

  // Requires that it is pending.
  void setStatus(FutureStatus status) noexcept { word_ |= bitOf(status); }
  void finish(FutureStatus status, std::initializer_list<Mark> ended) noexcept {
    word_ = (word_ & ~bitsOf(ended)) | bitOf(status);
  }
  void add(Mark mark) noexcept { word_ |= bitOf(mark); }
  void remove(Mark mark) noexcept { word_ &= ~bitOf(mark); }

 private:
  static constexpr std::uint32_t statusMask = 7;
  template <class Of>
  static constexpr std::uint32_t bitOf(Of of) noexcept {
    return static_cast<std::uint32_t>(of);
  }
  static constexpr std::uint32_t bitsOf(std::initializer_list<Mark> marks) noexcept {
    std::uint32_t bits = 0;
    for (const Mark mark : marks) bits |= bitOf(mark);
    return bits;
  }

  std::uint32_t word_ = 0;
};

}  // namespace kairos::detail

#endif  // KAIROS_FUTURES_ADDON_DETAIL_STATE_WORD_H_
