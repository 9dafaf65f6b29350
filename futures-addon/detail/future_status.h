// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_FUTURES_ADDON_DETAIL_FUTURE_STATUS_H_
#define KAIROS_FUTURES_ADDON_DETAIL_FUTURE_STATUS_H_

#include <cstdint>

namespace kairos::detail {

// A bit each, so that one look tells.
enum class FutureStatus : std::uint8_t { pending = 0, completed = 1, failed = 2, cancelled = 4 };

}  // namespace kairos::detail

#endif  // KAIROS_FUTURES_ADDON_DETAIL_FUTURE_STATUS_H_
