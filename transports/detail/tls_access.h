// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TRANSPORTS_DETAIL_TLS_ACCESS_H_
#define KAIROS_TRANSPORTS_DETAIL_TLS_ACCESS_H_

#include "kairos/transports/detail/tls_settings.h"
#include "kairos/transports/tls_context.h"

namespace kairos::detail {

struct TlsAccess {
  // nullptr: the context is empty.
  static TlsSettings* of(const TlsContext& context) noexcept { return context.settings_; }
};

}  // namespace kairos::detail

#endif  // KAIROS_TRANSPORTS_DETAIL_TLS_ACCESS_H_
