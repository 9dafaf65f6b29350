// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_FUTURES_ADDON_DETAIL_FUTURE_STATUS_H_
#define KAIROS_FUTURES_ADDON_DETAIL_FUTURE_STATUS_H_

#include <cstdint>

namespace kairos::detail {

enum class FutureStatus : std::uint8_t { pending, completed, failed, cancelled };

}  // namespace kairos::detail

#endif  // KAIROS_FUTURES_ADDON_DETAIL_FUTURE_STATUS_H_
