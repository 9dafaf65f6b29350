// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TRANSPORTS_DETAIL_RESOLVER_SOCKETS_H_
#define KAIROS_TRANSPORTS_DETAIL_RESOLVER_SOCKETS_H_

#include <ares.h>

namespace kairos::detail {

// The sockets of c-ares, made and used as all of Kairos's: non-blocking and close-on-exec from
// birth, and without SIGPIPE.
// Their data is the channel.
extern const ares_socket_functions resolverSockets;

}  // namespace kairos::detail

#endif  // KAIROS_TRANSPORTS_DETAIL_RESOLVER_SOCKETS_H_
