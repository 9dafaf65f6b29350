// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/transports/detail/refusal.h"

#include "kairos/transports/error.h"

namespace kairos::detail {

Refusal::operator std::error_code() const noexcept {
  switch (reason_) {
    case nullCallback:
      return std::make_error_code(std::errc::invalid_argument);
    case notConnected:
      return TransportError::notConnected;
    case busy:
      return TransportError::busy;
    case closed:
      return TransportError::closed;
    case queueFull:
      return TransportError::queueFull;
    case none:
      break;
  }
  return {};
}

}  // namespace kairos::detail
