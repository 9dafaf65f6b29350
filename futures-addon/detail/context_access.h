// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_FUTURES_ADDON_DETAIL_CONTEXT_ACCESS_H_
#define KAIROS_FUTURES_ADDON_DETAIL_CONTEXT_ACCESS_H_

#include "kairos/futures-addon/future_context.h"

namespace kairos::detail {

struct ContextCoreAccess {
  static ContextCore& of(const FutureContext& context) noexcept { return *context.core_; }
};

}  // namespace kairos::detail

#endif  // KAIROS_FUTURES_ADDON_DETAIL_CONTEXT_ACCESS_H_
