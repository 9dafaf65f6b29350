// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TRANSPORTS_DETAIL_SOCKET_ADDRESS_H_
#define KAIROS_TRANSPORTS_DETAIL_SOCKET_ADDRESS_H_

#include <system_error>

#include "kairos/reactor/reactor.h"
#include "kairos/transports/address.h"

namespace kairos::detail {

std::error_code localAddressOf(Fd socket, Address& result) noexcept;
std::error_code remoteAddressOf(Fd socket, Address& result) noexcept;

}  // namespace kairos::detail

#endif  // KAIROS_TRANSPORTS_DETAIL_SOCKET_ADDRESS_H_
