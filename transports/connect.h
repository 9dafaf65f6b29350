// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TRANSPORTS_CONNECT_H_
#define KAIROS_TRANSPORTS_CONNECT_H_

#include <system_error>

#include "kairos/reactor/reactor.h"
#include "kairos/transports/address.h"
#include "kairos/transports/operation.h"
#include "kairos/transports/stream_transport.h"
#include "kairos/transports/transport_context.h"

namespace kairos {

struct ConnectOperation;

struct ConnectOptions {
  // Bound before, unless of no family. Of a unix path only the name stays, for the peer to see: the
  // file, which must not exist, is removed at once.
  Address local = {};
  bool noDelay = false;    // TCP: small writes are not held back to fill a packet
  bool reusePort = false;  // `local` is shared with other sockets that say so
};

namespace detail {

class Context;

// A socket that is being connected. It has one owner after the other: this, then a stream.
class ConnectAttempt final : public ContextMember, public OperationOwner {
 public:
  explicit ConnectAttempt(ConnectOperation& operation) noexcept : operation_(operation) {}
  ~ConnectAttempt() { dismiss(); }

  void start(Context& context, const Address& address, const ConnectOptions& options,
             AsyncCallback callback) noexcept;
  void finish(std::error_code error) noexcept;
  bool isWaiting() const noexcept { return context_ != nullptr; }

  void forget(Operation& operation) noexcept override;
  void leaveContext() noexcept override;

 private:
  static void onWritable(void* udata);
  static void onRetry(void* udata);

  std::error_code open(const ConnectOptions& options) noexcept;
  std::error_code bind(const ConnectOptions& options) noexcept;
  std::error_code switchOn(int level, int option) noexcept;
  void tryToConnect() noexcept;
  void retryLater() noexcept;
  void succeed() noexcept;
  void dismiss() noexcept;

  ConnectOperation& operation_;
  Context* context_ = nullptr;  // of the attempt under way
  Fd fd_ = -1;
  bool noDelay_ = false;
  TimerId retry_ = TimerId::none;
  Address address_;
};

}  // namespace detail

struct ConnectOperation : detail::Operation {
  ConnectOperation() noexcept : attempt_(*this) {}
  ~ConnectOperation() { abandon(); }

  StreamTransport stream;  // connected, unless there is an error

 private:
  friend class detail::ConnectAttempt;
  friend std::error_code connect(TransportContext& context, ConnectOperation& operation,
                                 const Address& address, const ConnectOptions& options,
                                 CallbackFunc callback, void* udata) noexcept;
  friend bool cancel(ConnectOperation& operation) noexcept;

  detail::ConnectAttempt attempt_;
};

// Connects a stream to `address`: TCP or unix. No time limit: see cancel().
//   Errors    from the call: invalid_argument (null callback, address of no family),
//             TransportError::busy, ::closed (the context has ended), not_enough_memory; in the
//             operation: what the OS said, to creating, binding and connecting the socket, or
//             TransportError::closed. A unix server whose backlog is full is tried again.
//   Cost      No allocation but for the stream.
[[nodiscard]] std::error_code connect(TransportContext& context, ConnectOperation& operation,
                                      const Address& address, const ConnectOptions& options,
                                      CallbackFunc callback, void* udata) noexcept;

// Ends it with operation_canceled; its callback runs as usual. False: it is not pending, or done.
bool cancel(ConnectOperation& operation) noexcept;

}  // namespace kairos

#endif  // KAIROS_TRANSPORTS_CONNECT_H_
