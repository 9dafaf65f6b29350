// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TRANSPORTS_DETAIL_EVENT_STATE_H_
#define KAIROS_TRANSPORTS_DETAIL_EVENT_STATE_H_

#include <atomic>
#include <cstdint>
#include <system_error>

#include "kairos/reactor/reactor.h"
#include "kairos/transports/detail/atomic.h"
#include "kairos/transports/detail/held.h"

namespace kairos::detail {

// What the handles of a ThreadAsyncEvent share, and those who wait for it: an eventfd, and a flag
// that says whether it was raised.
//
// The flag is set before the eventfd is written, and cleared after that was read. So whoever finds
// it set knows that somebody will still take the event, and will then see what was done before:
// both sides exchange, and the one who clears reads from the one who found it set.
class EventState : public Shared {
 public:
  enum class Taken : std::uint8_t { nothing, event, closed };

  static std::error_code open(Held<EventState>& result) noexcept;
  ~EventState();
  EventState(const EventState&) = delete;
  EventState& operator=(const EventState&) = delete;

  // From any thread, and from a signal handler.
  void notify() noexcept {
    if (!isRaised_.exchange(true, std::memory_order_acq_rel)) raise();
  }

  // Of all who try, one gets the event.
  Taken take() noexcept;

  // All who wait find out, now and later.
  void close() noexcept;
  bool isClosed() const noexcept { return isClosed_.load(std::memory_order_acquire); }

  Fd fd() const noexcept { return fd_; }

 private:
  explicit EventState(Fd fd) noexcept : fd_(fd) {}
  void raise() const noexcept;

  const Fd fd_;
  Atomic<bool> isRaised_{false};
  Atomic<bool> isClosed_{false};
};

}  // namespace kairos::detail

#endif  // KAIROS_TRANSPORTS_DETAIL_EVENT_STATE_H_
