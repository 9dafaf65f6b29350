// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TRANSPORTS_DIAL_H_
#define KAIROS_TRANSPORTS_DIAL_H_

#include <cstdint>
#include <optional>
#include <string_view>
#include <system_error>

#include "kairos/reactor/reactor.h"
#include "kairos/transports/connect_any.h"
#include "kairos/transports/operation.h"
#include "kairos/transports/resolver.h"
#include "kairos/transports/stream_transport.h"

namespace kairos {

struct DialOperation;

struct DialOptions {
  ResolveOptions resolve = {};
  ConnectAnyOptions connect = {};
};

namespace detail {

// A resolve, then a connectAny.
class Dial final : public ContextMember, public OperationOwner {
 public:
  explicit Dial(DialOperation& operation) noexcept : operation_(operation) {}
  ~Dial() { dismiss(); }

  // Starts the first; an error is the call's, and nothing has happened.
  std::error_code resolve(Resolver& resolver, std::string_view host, std::string_view service,
                          const DialOptions& options) noexcept;
  void begin(TransportContext& context, const DialOptions& options,
             AsyncCallback callback) noexcept;
  void finish(std::error_code error) noexcept;
  bool isWaiting() const noexcept { return context_ != nullptr; }

  void forget(Operation& operation) noexcept override;
  void leaveContext() noexcept override;

 private:
  static void onResolved(void* udata);
  static void onConnected(void* udata);

  void dismiss() noexcept;

  DialOperation& operation_;
  Context* context_ = nullptr;  // null: nothing is under way
  TransportContext* transportContext_ = nullptr;
  ConnectAnyOptions options_;
  std::optional<ResolveOperation> resolving_;  // its addresses are those of the race
  std::optional<ConnectAnyOperation> racing_;
};

}  // namespace detail

struct DialOperation : detail::Operation {
  DialOperation() noexcept : dial_(*this) {}
  ~DialOperation() { abandon(); }

  StreamTransport stream;  // connected, unless there is an error

 private:
  friend class detail::Dial;
  friend std::error_code dial(Resolver& resolver, DialOperation& operation, std::string_view host,
                              std::string_view service, const DialOptions& options,
                              CallbackFunc callback, void* udata) noexcept;
  friend bool cancel(DialOperation& operation) noexcept;

  detail::Dial dial_;
};

// Connects a stream to `host`, by whichever of its addresses can be reached first: see
// Resolver::resolve() and connectAny(). `service` is a port, or the name of one. The connecting has
// no time limit: see cancel().
//   Errors    from the call, and in the operation: those of resolve(), then those of connectAny()
[[nodiscard]] std::error_code dial(Resolver& resolver, DialOperation& operation,
                                   std::string_view host, std::string_view service,
                                   const DialOptions& options, CallbackFunc callback,
                                   void* udata) noexcept;

// Ends it with operation_canceled; its callback runs as usual. False: it is not pending, or done.
bool cancel(DialOperation& operation) noexcept;

}  // namespace kairos

#endif  // KAIROS_TRANSPORTS_DIAL_H_
