// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/futures-addon/detail/turn_queue.h"

#include "kairos/futures-addon/error.h"

namespace kairos {

void Turn::leave() noexcept { queue_->forget(*this); }

namespace detail {

TurnQueue::~TurnQueue() {
  refuseAll();
  disownGiven(Turn::State::refused);
}

void TurnQueue::disownGiven(Turn::State state) noexcept {
  underWay_ = 0;
  while (!given_.empty()) {
    Turn& turn = given_.popFront().of;
    turn.queue_ = nullptr;
    turn.state_ = state;
  }
}

void TurnQueue::setCallback(Turn& turn, CallbackFunc callback, void* udata) {
  WaiterAccess::requireUsable(turn, callback);
  turn.callback_ = {callback, udata};
  WaiterAccess::setCallback(turn, {onTurn, &turn});
}

void TurnQueue::onTurn(void* udata) {
  auto& turn = *static_cast<Turn*>(udata);
  begin(turn);
  const AsyncCallback callback = turn.callback_;
  callback.function(callback.udata);
}

void TurnQueue::forget(Turn& turn) noexcept {
  if (turn.state_ == Turn::State::waiting) {
    takeOut(turn);
    turn.queue_ = nullptr;
    return owner_.left(*this, turn);
  }
  turn.unlink();
  owner_.takeBack(*this, turn);
  begin(turn);
}

}  // namespace detail
}  // namespace kairos
