// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TRANSPORTS_DATAGRAM_TRANSPORT_H_
#define KAIROS_TRANSPORTS_DATAGRAM_TRANSPORT_H_

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <system_error>

#include "kairos/reactor/reactor.h"
#include "kairos/transports/address.h"
#include "kairos/transports/datagram.h"
#include "kairos/transports/error.h"
#include "kairos/transports/transport_context.h"

namespace kairos {

struct DatagramOptions {
  // Of connect(): bound before, unless of no family. A unix peer can only answer one that is bound.
  Address local{};
  // What is longer is truncated; 1 to datagramBytesMax. Up to 64 datagrams of 2048 bytes are
  // received in one call, and 16 of the default size.
  std::size_t bytesMax = 65535;
  bool reuseAddress = false;  // several sockets may have the address, as multicast needs it
  bool reusePort = false;     // several transports share the port, and what comes to it
  bool ipv6Only = false;      // [::] does not take IPv4 datagrams too
  bool broadcast = false;     // sending to broadcast addresses is allowed
  // Of a unix path, less the umask: whoever may write it may send to it. None: all, less the umask.
  std::optional<mode_t> pathMode = {};
};

// Sends and receives datagrams in batches, over UDP or unix sockets. It receives when asked to, and
// not before; it sends at once what the OS takes, and keeps the rest in order.
//
//   Thread      that of the context's reactor
//   Ownership   A handle: moved, not copied. Owns its socket, and the unix path that it bound,
//               which it removes if it is still the same file. Borrows operations, datagrams and
//               their bytes until the callback begins.
//   Errors      From calls: as StreamTransport. In an operation:
//               TransportError::closed        by close() or the end of the context
//               TransportError::notConnected  of a send: there is nobody to send it to
//               message_size, network_unreachable, permission_denied and the like: of a datagram
//               that the OS refuses. The transport goes on, and what is queued behind is sent.
//               connection_refused and the like, of a receive: what the network (ICMP) reported
//               about earlier sends of a connected transport; of several reports, the last. Without
//               a connection nothing is reported.
//               not_enough_memory: of a receive; the datagrams wait in the socket
//   Callbacks   see operation.h. They may do everything here, destroying the transport included.
//   Cost        A send that the OS takes at once: one system call, for up to 64 datagrams. A
//               receive: one recvmmsg(2) when something comes. No allocation, no epoll_ctl in
//               steady state. Memory to receive into is the context's until something comes.
class DatagramTransport {
 public:
  static constexpr std::size_t datagramBytesMax = 1048576;

  // Empty: to be assigned to.
  DatagramTransport() noexcept;
  // As close(). A receive that is done but not delivered becomes TransportError::closed.
  ~DatagramTransport();
  DatagramTransport(DatagramTransport&& other) noexcept;
  DatagramTransport& operator=(DatagramTransport&& other) noexcept;

  // Receives what is sent to `local`, whose port 0 is any free one. Address::unixUnnamed() stands
  // for an abstract name that the OS chooses; a unix path must not exist.
  [[nodiscard]] static std::error_code bind(TransportContext& context, const Address& local,
                                            const DatagramOptions& options,
                                            DatagramTransport& result) noexcept;

  // Sends to `remote`, and receives from there alone. Over UDP this says nothing to the peer, who
  // need not exist.
  //   Errors    connection_refused, no_such_file_or_directory: no unix peer is there
  [[nodiscard]] static std::error_code connect(TransportContext& context, const Address& remote,
                                               const DatagramOptions& options,
                                               DatagramTransport& result) noexcept;

  // Takes over a datagram socket, connected or not, and makes it non-blocking and close-on-exec. Of
  // the options, only bytesMax applies. On error it stays the caller's. It unlinks no path.
  //   Errors    invalid_argument: another kind of socket; not_a_socket; bad_file_descriptor
  [[nodiscard]] static std::error_code adopt(TransportContext& context, Fd fd,
                                             const DatagramOptions& options,
                                             DatagramTransport& result) noexcept;

  // One receive at a time. Nothing is received without one: what comes waits in the socket.

  // What there is, as far as it fits into a batch. Other descriptors have their turn before the
  // next batch.
  [[nodiscard]] std::error_code receive(ReceiveOperation& operation, CallbackFunc callback,
                                        void* udata) noexcept;

  // The next datagram, of a batch that is kept. close() discards those not yet delivered.
  [[nodiscard]] std::error_code receiveOne(ReceiveOperation& operation, CallbackFunc callback,
                                           void* udata) noexcept;

  // Sends complete in order. All datagrams of one go to the OS in as few calls as possible.

  // Each to its peer. An error ends it: see `sent` of the operation.
  [[nodiscard]] std::error_code send(SendOperation& operation, std::span<const Datagram> datagrams,
                                     CallbackFunc callback, void* udata) noexcept;
  // To the remote end of a connected transport.
  [[nodiscard]] std::error_code send(SendOperation& operation, std::string_view bytes,
                                     CallbackFunc callback, void* udata) noexcept;
  // To `peer`, which is copied. Connected transports may do this too, as far as the OS allows it:
  // Linux does.
  [[nodiscard]] std::error_code sendTo(SendOperation& operation, const Address& peer,
                                       std::string_view bytes, CallbackFunc callback,
                                       void* udata) noexcept;

  // Ends a pending operation with operation_canceled; its callback runs as usual. False: it is
  // not pending on this transport, or is done already.
  bool cancel(ReceiveOperation& operation) noexcept;
  bool cancel(SendOperation& operation) noexcept;

  // Closes the socket. What is pending ends with TransportError::closed; what is queued is not
  // sent. Any number of times.
  void close() noexcept;
  bool isOpen() const noexcept { return fd() >= 0; }

  // For options of the OS; -1 when closed or empty. It stays the transport's.
  Fd fd() const noexcept;

  // With the port, or name, that the OS chose.
  [[nodiscard]] std::error_code localAddress(Address& result) const noexcept;
  [[nodiscard]] std::error_code remoteAddress(Address& result) const noexcept;

  // UDP: how many the OS has dropped, in all, for want of room to receive them or for bad sums. It
  // counts up to 2^32 and begins anew.
  [[nodiscard]] std::error_code dropped(std::uint32_t& result) const noexcept;

  // Sending to broadcast addresses is allowed.
  [[nodiscard]] std::error_code setBroadcast(bool on) noexcept;
  // Routers that a datagram passes at most (ip(7): IP_TTL), 1 to 255.
  [[nodiscard]] std::error_code setHops(int hops) noexcept;

  // Multicast. `interface` is a number, as if_nametoindex(3) gives it; 0 leaves it to the OS. The
  // rest is for datagrams that are sent to a group.

  // Receives what is sent to the port and `group`, whose own port does not count; of groups, those
  // that it has joined alone.
  //   Errors    invalid_argument: no group; no_such_device; address_in_use: joined already
  [[nodiscard]] std::error_code joinGroup(const Address& group, unsigned interface) noexcept;
  //   Errors    address_not_available: was not joined there
  [[nodiscard]] std::error_code leaveGroup(const Address& group, unsigned interface) noexcept;
  [[nodiscard]] std::error_code setMulticastInterface(unsigned interface) noexcept;
  // Members on this machine receive it too: so it is unless this says no.
  [[nodiscard]] std::error_code setMulticastLoop(bool on) noexcept;
  // As setHops(), from 0 on: the own machine. 1, the own network, unless this says more.
  [[nodiscard]] std::error_code setMulticastHops(int hops) noexcept;

 private:
  std::error_code startReceive(ReceiveOperation& operation, std::size_t wanted,
                               AsyncCallback callback) noexcept;
  std::error_code maySend(const SendOperation& operation, CallbackFunc callback) const noexcept;
  std::error_code sendSingle(SendOperation& operation, AsyncCallback callback) noexcept;

  std::unique_ptr<detail::DatagramSocket> socket_;
};

}  // namespace kairos

#endif  // KAIROS_TRANSPORTS_DATAGRAM_TRANSPORT_H_
