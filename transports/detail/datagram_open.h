// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TRANSPORTS_DETAIL_DATAGRAM_OPEN_H_
#define KAIROS_TRANSPORTS_DETAIL_DATAGRAM_OPEN_H_

#include <system_error>

#include "kairos/transports/address.h"
#include "kairos/transports/datagram_transport.h"
#include "kairos/transports/detail/bound_path.h"
#include "kairos/transports/detail/datagram_queue.h"

namespace kairos::detail {

// A socket that is bound to `options.local`, unless of no family, and connected to `remote`, unless
// of no family; and the file that binding made, which is the caller's to remove. On error there is
// nothing.
std::error_code openDatagram(const Address& remote, const DatagramOptions& options,
                             DatagramEnd& result, BoundPath& path) noexcept;

// What a foreign socket is.
//   Errors    invalid_argument: it is not for datagrams; not_a_socket; bad_file_descriptor
std::error_code inspectDatagram(Fd fd, DatagramEnd& result) noexcept;

}  // namespace kairos::detail

#endif  // KAIROS_TRANSPORTS_DETAIL_DATAGRAM_OPEN_H_
