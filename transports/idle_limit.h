// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TRANSPORTS_IDLE_LIMIT_H_
#define KAIROS_TRANSPORTS_IDLE_LIMIT_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <system_error>

#include "kairos/reactor/reactor.h"
#include "kairos/transports/operation.h"
#include "kairos/transports/transport_context.h"

namespace kairos {

class IdleLimit;

// The watch on one thing that may be idle: a connection, a session.
struct IdleOperation : detail::Operation {
  IdleOperation() = default;
  ~IdleOperation() { abandon(); }

  // It is not idle: the limit counts from now again. What is never touched has a limit in all, for
  // a handshake or a request. When nothing is watched, nothing happens.
  //   Cost      a number is copied; no system call, no clock reading, no timer
  void touch() noexcept {
    if (now_ != nullptr) touched_ = *now_;
  }

 private:
  friend class IdleLimit;

  std::uint32_t touched_ = 0;           // when, in parts of the limit
  const std::uint32_t* now_ = nullptr;  // the limit's; null: not watched
};

// How long the things that share it may be idle, any number of them, such as the connections of a
// server. It has one timer for all, none when there are none, and looks at each once per limit.
//
//   Thread      that of the context's reactor
//   Ownership   Stays where it is. Borrows operations until their callback begins.
//   Time        An operation completes when it was neither started nor touched for the limit: never
//               earlier, and later by a tenth at most, if the loop keeps up. What time the loop
//               spends away from poll may not count.
//   Errors      none in the operation: it was idle. TransportError::closed: the limit was
//               destroyed, or its context has ended.
class IdleLimit final : detail::ContextMember, detail::OperationOwner {
 public:
  // How many are looked at in one callback of the reactor; the rest follow in the next poll.
  static constexpr std::size_t looksMax = 1024;

  IdleLimit(TransportContext& context, Clock::duration limit) noexcept;
  ~IdleLimit();
  IdleLimit(const IdleLimit&) = delete;
  IdleLimit& operator=(const IdleLimit&) = delete;

  //   Errors    invalid_argument: null callback, a limit of zero or less; TransportError::busy: the
  //             operation is pending; ::closed: the context has ended; not_enough_memory
  [[nodiscard]] std::error_code watch(IdleOperation& operation, CallbackFunc callback,
                                      void* udata) noexcept;

  // Ends it with operation_canceled. False: it is not watched by this limit, or is done.
  bool cancel(IdleOperation& operation) noexcept;

  // How many are watched.
  std::size_t size() const noexcept { return size_; }

 private:
  // Operations stand in the list of the part at which they may be due, as far as was known when
  // they were put there. A power of two, so that the count of parts may begin anew.
  static constexpr std::uint32_t lists = 16;
  // What was touched in a part may have been so at its end.
  static constexpr std::uint32_t partsPerLimit = lists - 1;

  static void onTimer(void* udata);
  void lookAtPart() noexcept;
  bool startTimer(Clock::duration delay) noexcept;
  void place(IdleOperation& operation) noexcept;
  void complete(IdleOperation& operation, std::error_code error) noexcept;
  void completeAll() noexcept;
  void forget(detail::Operation& operation) noexcept override;
  void leaveContext() noexcept override;

  detail::Context* context_;  // null: it has ended
  const Clock::duration limit_;
  std::size_t size_ = 0;
  std::uint32_t now_ = 0;
  TimerId timer_ = TimerId::none;
  std::array<detail::IntrusiveList<detail::Operation>, lists> lists_;
};

}  // namespace kairos

#endif  // KAIROS_TRANSPORTS_IDLE_LIMIT_H_
