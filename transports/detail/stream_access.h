// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TRANSPORTS_DETAIL_STREAM_ACCESS_H_
#define KAIROS_TRANSPORTS_DETAIL_STREAM_ACCESS_H_

#include <system_error>

#include "kairos/transports/detail/context.h"
#include "kairos/transports/detail/fd_io.h"
#include "kairos/transports/stream_transport.h"

namespace kairos::detail {

// A stream on a descriptor that has its flags already. On error it stays the caller's.
struct StreamAccess {
  static std::error_code make(Context& context, Fd fd, FdKind kind,
                              StreamTransport& result) noexcept;
};

}  // namespace kairos::detail

#endif  // KAIROS_TRANSPORTS_DETAIL_STREAM_ACCESS_H_
