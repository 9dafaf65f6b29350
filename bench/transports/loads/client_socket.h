// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_BENCH_TRANSPORTS_LOADS_CLIENT_SOCKET_H_
#define KAIROS_BENCH_TRANSPORTS_LOADS_CLIENT_SOCKET_H_

#include <cstddef>
#include <cstdint>
#include <span>

namespace kairos::bench {

// Of TCP (SOCK_STREAM) or UDP (SOCK_DGRAM), connected to a server on the loopback, non-blocking.
int connectToLoopback(int type, std::uint16_t port);

// Sends all of it to a server that reads; waits where it has to.
void sendAll(int fd, std::span<const char> bytes);

// Fills `into` from a stream; the end before that is fatal.
void receiveAll(int fd, std::span<char> into);

}  // namespace kairos::bench

#endif  // KAIROS_BENCH_TRANSPORTS_LOADS_CLIENT_SOCKET_H_
