// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_REACTOR_EXAMPLES_TCP_LISTENER_H_
#define KAIROS_REACTOR_EXAMPLES_TCP_LISTENER_H_

#include <cstdint>
#include <string>
#include <system_error>

#include "kairos/reactor/examples/unique_fd.h"

namespace kairos::examples {

// A non-blocking TCP socket that listens on `address`, a number like "127.0.0.1" or "::1", because
// looking up a name would block. Port 0 takes a free one.
//   Errors    an invalid UniqueFd, and why in `error`; invalid_argument: not a numeric address
UniqueFd listenOn(const std::string& address, std::uint16_t port, std::error_code& error);

// Where `socket` listens: "127.0.0.1:7777" or "[::1]:7777".
std::string localName(Fd socket);

}  // namespace kairos::examples

#endif  // KAIROS_REACTOR_EXAMPLES_TCP_LISTENER_H_
