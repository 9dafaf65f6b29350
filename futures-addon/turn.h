// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_FUTURES_ADDON_TURN_H_
#define KAIROS_FUTURES_ADDON_TURN_H_

#include <cstdint>

#include "kairos/futures-addon/detail/link.h"
#include "kairos/futures-addon/waiter.h"
#include "kairos/reactor/reactor.h"

namespace kairos {

namespace detail {
class TurnQueue;
}  // namespace detail

// One that waits for its turn at a lock, a queue or another thing of this layer, and is called back
// then. Callbacks alone do with it what coroutines do with co_await. Nothing is allocated for it.
//
//   Ownership   The user's. It stays where it is while it waits, and may be used again as soon as
//               its callback has begun. Destroyed, it waits no more, and what it was given and has
//               not been told of yet goes to the next: nothing is lost.
//   Errors      Used while it waits, or without a callback: FutureError.
//   Callbacks   Run by the context, once, in the next tick at the earliest, never inside the call
//               that gave it its turn.
class Turn : public Waiter {
 public:
  Turn() noexcept : given_(*this) {}
  ~Turn() { forget(); }

  // In its callback: it has got what it waited for. Else the thing that it waited for was
  // destroyed, or has come to its end. Who reads from a FutureStream or of events is served at the
  // end too, and finds it there: no item, hasEnded().
  bool isServed() const noexcept { return state_ == State::served; }

  // Waits no more, as if destroyed; its callback does not run.
  void forget() noexcept {
    if (queue_ != nullptr) leave();
    unlink();
  }

 protected:
  enum class State : std::uint8_t { idle, waiting, served, cancelled, refused };

  State state() const noexcept { return state_; }

 private:
  friend class detail::TurnQueue;
  struct Given : detail::Link {
    explicit Given(Turn& turn) noexcept : of(turn) {}
    Turn& of;
  };

  void leave() noexcept;

  detail::TurnQueue* queue_ = nullptr;  // until its callback begins
  Given given_;                         // among those who were served and do not know it yet
  AsyncCallback callback_{};            // the user's
  State state_ = State::idle;
};

}  // namespace kairos

#endif  // KAIROS_FUTURES_ADDON_TURN_H_
