// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_FUTURES_ADDON_DETAIL_STATE_WORD_H_
#define KAIROS_FUTURES_ADDON_DETAIL_STATE_WORD_H_

#include <cstdint>
#include <initializer_list>

#include "kairos/futures-addon/detail/future_status.h"

namespace kairos::detail {

// What is known about a future, besides its status.
enum class Mark : std::uint32_t {
  waitedFor = 1 << 2,       // there is a list of those who wait, or was
  enrolled = 1 << 3,        // it hears of the end of its context
  checked = 1 << 4,         // its error is reported in any case
  observed = 1 << 5,        // its error has been looked at
  requested = 1 << 6,       // a request to cancel is kept
  cancelCallback = 1 << 7,  // there is one
  asked = 1 << 8,           // to cancel, by that
  holdsItself = 1 << 9,     // a coroutine that has been suspended
  threw = 1 << 10,          // a coroutine that ends so
  threwCancelled = 1 << 11,
  guest = 1 << 12,  // its memory is not its context's
};

// A status and marks, in one word that is always read and written whole: a processor waits when it
// reads what it has written in parts.
class StateWord {
 public:
  FutureStatus status() const noexcept { return static_cast<FutureStatus>(word_ & statusMask); }
  bool is(FutureStatus status) const noexcept { return this->status() == status; }
  bool isWithout(FutureStatus status, Mark mark) const noexcept {
    return (word_ & (statusMask | bitOf(mark))) == static_cast<std::uint32_t>(status);
  }
  bool has(Mark mark) const noexcept { return (word_ & bitOf(mark)) != 0; }
  bool hasAnyOf(std::initializer_list<Mark> marks) const noexcept {
    std::uint32_t bits = 0;
    for (const Mark mark : marks) bits |= bitOf(mark);
    return (word_ & bits) != 0;
  }
  bool hasFirstOnly(Mark first, Mark second) const noexcept {
    return (word_ & (bitOf(first) | bitOf(second))) == bitOf(first);
  }

  // Requires that it is pending.
  void setStatus(FutureStatus status) noexcept { word_ |= static_cast<std::uint32_t>(status); }
  void add(Mark mark) noexcept { word_ |= bitOf(mark); }
  void remove(Mark mark) noexcept { word_ &= ~bitOf(mark); }

 private:
  static constexpr std::uint32_t statusMask = 3;
  static constexpr std::uint32_t bitOf(Mark mark) noexcept {
    return static_cast<std::uint32_t>(mark);
  }

  std::uint32_t word_ = 0;
};

}  // namespace kairos::detail

#endif  // KAIROS_FUTURES_ADDON_DETAIL_STATE_WORD_H_
