// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TRANSPORTS_DATAGRAM_H_
#define KAIROS_TRANSPORTS_DATAGRAM_H_

#include <cstddef>
#include <span>
#include <string_view>

#include "kairos/transports/address.h"
#include "kairos/transports/operation.h"

namespace kairos {

namespace detail {
class DatagramQueue;
class DatagramSocket;
}  // namespace detail

// One that came, or one to send: what was received can be sent back as it is.
struct Datagram {
  // May be empty. Up to 65507 bytes over IPv4, 65527 over IPv6.
  std::string_view data;
  // Who sent it, or who is to have it. Of no family, or unixUnnamed: nobody in particular; over a
  // connected transport, the remote end.
  Address peer{};
  // It was longer than DatagramOptions::bytesMax; `data` is its beginning.
  bool isTruncated = false;
};

struct ReceiveOperation : detail::Operation {
  ReceiveOperation() = default;
  ~ReceiveOperation() { abandon(); }

  // What came, at least one, unless there is an error. They and their bytes are the transport's:
  // valid until the next receive is started on it, or it is destroyed. Debug builds overwrite the
  // bytes then.
  std::span<const Datagram> datagrams;

 private:
  friend class detail::DatagramSocket;

  std::size_t wanted_ = 0;
};

struct SendOperation : detail::Operation {
  SendOperation() = default;
  ~SendOperation() { abandon(); }

  // How many were handed to the OS. On an error, the first of those that were not is its cause.
  std::size_t sent = 0;

 private:
  friend class detail::DatagramQueue;
  friend class detail::DatagramSocket;
  friend class DatagramTransport;

  std::span<const Datagram> datagrams_;
  Datagram single_;
};

}  // namespace kairos

#endif  // KAIROS_TRANSPORTS_DATAGRAM_H_
