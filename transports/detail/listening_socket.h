// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TRANSPORTS_DETAIL_LISTENING_SOCKET_H_
#define KAIROS_TRANSPORTS_DETAIL_LISTENING_SOCKET_H_

#include <system_error>

#include "kairos/transports/address.h"
#include "kairos/transports/detail/bound_path.h"
#include "kairos/transports/stream_server.h"

namespace kairos::detail {

// A socket that is bound to `address`, as the options say, and listens; and the file that it made,
// which is the caller's to remove. On error there is nothing.
std::error_code openListening(const Address& address, const ServerOptions& options, Fd& result,
                              BoundPath& path) noexcept;

}  // namespace kairos::detail

#endif  // KAIROS_TRANSPORTS_DETAIL_LISTENING_SOCKET_H_
