// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TRANSPORTS_CONNECT_ANY_H_
#define KAIROS_TRANSPORTS_CONNECT_ANY_H_

#include <array>
#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <system_error>

#include "kairos/reactor/reactor.h"
#include "kairos/transports/address.h"
#include "kairos/transports/connect.h"
#include "kairos/transports/operation.h"
#include "kairos/transports/stream_transport.h"
#include "kairos/transports/transport_context.h"

namespace kairos {

struct ConnectAnyOperation;

struct ConnectAnyOptions {
  ConnectOptions each = {};  // of every attempt; `local` leaves out the addresses of other families
  // From one attempt to the next, when the first has not failed meanwhile: RFC 8305 section 5.
  Clock::duration attemptDelay = std::chrono::milliseconds(250);
};

namespace detail {

// Attempts to connect to the addresses of a list. Those that did not fail go on side by side; the
// first to be connected ends the others.
class ConnectRace final : public ContextMember, public OperationOwner {
 public:
  static constexpr std::size_t attemptsMax = 8;

  explicit ConnectRace(ConnectAnyOperation& operation) noexcept : operation_(operation) {}
  ~ConnectRace() { dismiss(); }

  void start(TransportContext& context, std::span<const Address> addresses,
             const ConnectAnyOptions& options, AsyncCallback callback) noexcept;
  void finish(std::error_code error) noexcept;
  bool isWaiting() const noexcept { return context_ != nullptr; }

  void forget(Operation& operation) noexcept override;
  void leaveContext() noexcept override;

 private:
  struct Attempt : ConnectOperation {
    explicit Attempt(ConnectRace& owner) noexcept : race(owner) {}
    ConnectRace& race;
  };

  static void onDelayOver(void* udata);
  static void onAttemptDone(void* udata);

  bool mayAttempt(const Address& address) const noexcept;
  const Address* nextOfFamily() noexcept;
  const Address* next() noexcept;
  bool mayOverlap() const noexcept;
  bool isAttempting() const noexcept;
  void attemptNext() noexcept;
  std::error_code attempt(const Address& address) noexcept;
  void startDelay() noexcept;
  void failed(std::error_code error) noexcept;
  void dismiss() noexcept;

  ConnectAnyOperation& operation_;
  Context* context_ = nullptr;                    // null: nothing is under way
  TransportContext* transportContext_ = nullptr;  // the same, as attempts want it
  std::span<const Address> addresses_;
  ConnectAnyOptions options_;
  std::array<std::size_t, 2> next_{};  // in the list, of those that are not IPv6, and that are
  bool isIpv6sTurn_ = false;
  const Address* upcoming_ = nullptr;
  TimerId delay_ = TimerId::none;
  std::array<std::optional<Attempt>, attemptsMax> attempts_;
};

}  // namespace detail

struct ConnectAnyOperation : detail::Operation {
  ConnectAnyOperation() noexcept : race_(*this) {}
  ~ConnectAnyOperation() { abandon(); }

  StreamTransport stream;  // connected, unless there is an error; it knows its remoteAddress()

 private:
  friend class detail::ConnectRace;
  friend std::error_code connectAny(TransportContext& context, ConnectAnyOperation& operation,
                                    std::span<const Address> addresses,
                                    const ConnectAnyOptions& options, CallbackFunc callback,
                                    void* udata) noexcept;
  friend bool cancel(ConnectAnyOperation& operation) noexcept;

  detail::ConnectRace race_;
};

// Connects a stream to the first of several addresses that can be reached, such as all of one
// name: "Happy Eyeballs", RFC 8305 sections 4 to 6. IPv6 takes turns with the rest, in their order,
// and the family of the first address begins. The next attempt is made after attemptDelay, or at
// once when one fails; at most eight are under way, and the next waits for one of them to fail. A
// fixed local port that is not shared serves one attempt after the other. No time limit: see
// cancel().
//   Ownership  The addresses are the user's, who keeps them until the callback begins.
//   Errors     from the call: as connect(), invalid_argument for an empty list too; in the
//              operation: that of the attempt which failed last, address_family_not_supported
//              (none of the local address's family), not_enough_memory, TransportError::closed
//   Cost       No allocation but for the streams. The operation has room for all attempts: 2.5 KiB.
[[nodiscard]] std::error_code connectAny(TransportContext& context, ConnectAnyOperation& operation,
                                         std::span<const Address> addresses,
                                         const ConnectAnyOptions& options, CallbackFunc callback,
                                         void* udata) noexcept;

// Ends it with operation_canceled; its callback runs as usual. False: it is not pending, or done.
bool cancel(ConnectAnyOperation& operation) noexcept;

}  // namespace kairos

#endif  // KAIROS_TRANSPORTS_CONNECT_ANY_H_
