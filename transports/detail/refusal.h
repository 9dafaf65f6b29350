// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TRANSPORTS_DETAIL_REFUSAL_H_
#define KAIROS_TRANSPORTS_DETAIL_REFUSAL_H_

#include <cstdint>
#include <system_error>

namespace kairos::detail {

// Why a start call of a stream is refused, if it is. Only then it becomes a std::error_code: to
// make one, and were it of success, calls into the C++ library.
class Refusal {
 public:
  enum Reason : std::uint8_t { none, nullCallback, notConnected, busy, closed, queueFull };

  Refusal(Reason reason) noexcept : reason_(reason) {}  // NOLINT(google-explicit-constructor)

  explicit operator bool() const noexcept { return reason_ != none; }
  operator std::error_code() const noexcept;  // NOLINT(google-explicit-constructor)

 private:
  Reason reason_;
};

}  // namespace kairos::detail

#endif  // KAIROS_TRANSPORTS_DETAIL_REFUSAL_H_
