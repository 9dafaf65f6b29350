// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_FUTURES_ADDON_DETAIL_DEADLINE_H_
#define KAIROS_FUTURES_ADDON_DETAIL_DEADLINE_H_

#include "kairos/reactor/reactor.h"

namespace kairos::detail {

// `wait`, which is not negative, after `from`. What is too late to be told never comes.
inline Clock::time_point after(Clock::time_point from, Clock::duration wait) noexcept {
  const bool isReal =
      from.time_since_epoch() < Clock::duration::zero() || wait <= Clock::time_point::max() - from;
  return isReal ? from + wait : Clock::time_point::max();
}

}  // namespace kairos::detail

#endif  // KAIROS_FUTURES_ADDON_DETAIL_DEADLINE_H_
