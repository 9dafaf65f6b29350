// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_FUTURES_ADDON_DETAIL_ITEM_AWAITERS_H_
#define KAIROS_FUTURES_ADDON_DETAIL_ITEM_AWAITERS_H_

#include <coroutine>
#include <optional>
#include <utility>

#include "kairos/futures-addon/detail/item_queue.h"
#include "kairos/futures-addon/detail/turn_awaiter.h"

namespace kairos::detail {

// A coroutine that takes an item, which await_resume() of a derived class gives.
template <class T, class Kind = ItemTurn<T>>
class TakeAwaiter : public TurnAwaiter<Kind> {
 public:
  TakeAwaiter(ItemQueue<T, Kind>& queue, QueueEnd end)
      : TurnAwaiter<Kind>(std::nullopt, end), queue_(queue), end_(end) {}

  bool await_ready() { return queue_.tryTake(end_, this->item); }
  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> coroutine) noexcept {
    this->wait(coroutine, queue_.takers());
  }

 private:
  ItemQueue<T, Kind>& queue_;
  const QueueEnd end_;
};

// A coroutine that puts an item.
template <class T, class Taker = ItemTurn<T>>
class PutAwaiter : public TurnAwaiter<ItemTurn<T>> {
 public:
  PutAwaiter(ItemQueue<T, Taker>& queue, QueueEnd end, T put)
      : TurnAwaiter<ItemTurn<T>>(std::optional<T>(std::move(put)), end), queue_(queue), end_(end) {}

  bool await_ready() { return queue_.tryPut(end_, *this->item); }
  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> coroutine) noexcept {
    this->wait(coroutine, queue_.putters());
  }
  void await_resume() { this->finishOrThrow(); }

 private:
  ItemQueue<T, Taker>& queue_;
  const QueueEnd end_;
};

}  // namespace kairos::detail

#endif  // KAIROS_FUTURES_ADDON_DETAIL_ITEM_AWAITERS_H_
