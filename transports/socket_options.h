// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TRANSPORTS_SOCKET_OPTIONS_H_
#define KAIROS_TRANSPORTS_SOCKET_OPTIONS_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <system_error>

#include "kairos/reactor/reactor.h"

// Options of sockets, named by the descriptor that a transport's fd() tells; what is set on a
// listening socket, its connections inherit.
//
//   Thread      any
//   Errors      what setsockopt(2) and getsockopt(2) say: bad_file_descriptor (a closed transport),
//               not_a_socket, operation_not_supported (unix sockets know no TCP option), ...
//               invalid_argument: also what is negative, or more than the OS can hold

namespace kairos {

// Of TCP, tcp(7). Zero, of a time or count: as the system has it.
struct TcpOptions {
  bool noDelay = false;    // small writes are not held back to fill a packet
  bool keepAlive = false;  // a peer that is gone is noticed although nothing is sent:
  std::chrono::seconds keepAliveIdle{0};      // after this silence it is asked,
  std::chrono::seconds keepAliveInterval{0};  // again after this,
  int keepAliveCount = 0;                     // and given up after so many
  // What is sent must be acknowledged within this time, or the connection ends with timed_out.
  std::chrono::milliseconds userTimeout{0};
};

// Sets them all; on an error some may be set.
[[nodiscard]] std::error_code setTcpOptions(Fd fd, const TcpOptions& options) noexcept;

// Whether a close makes the peer see connection_reset, and drops what is not sent yet. Off, the OS
// goes on sending in the background, and resets only if received bytes are unread. Waiting for
// that in the close is not offered, because the loop would wait.
[[nodiscard]] std::error_code setResetOnClose(Fd fd, bool on) noexcept;

// How much the OS holds in each direction; it takes some more, and no less than a minimum.
[[nodiscard]] std::error_code setSendBuffer(Fd fd, std::size_t bytes) noexcept;
[[nodiscard]] std::error_code setReceiveBuffer(Fd fd, std::size_t bytes) noexcept;

// Who made the other end of a unix stream socket: at the time of connect, or of listen.
struct PeerCredentials {
  std::int32_t process = 0;
  std::uint32_t user = 0;
  std::uint32_t group = 0;
};
[[nodiscard]] std::error_code peerCredentials(Fd fd, PeerCredentials& result) noexcept;

}  // namespace kairos

#endif  // KAIROS_TRANSPORTS_SOCKET_OPTIONS_H_
