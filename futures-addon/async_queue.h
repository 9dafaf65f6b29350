// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_FUTURES_ADDON_ASYNC_QUEUE_H_
#define KAIROS_FUTURES_ADDON_ASYNC_QUEUE_H_

#include <algorithm>
#include <coroutine>
#include <cstddef>
#include <optional>
#include <utility>

#include "kairos/futures-addon/detail/item_awaiters.h"
#include "kairos/futures-addon/detail/item_queue.h"
#include "kairos/futures-addon/detail/turn_awaiter.h"
#include "kairos/futures-addon/future_context.h"
#include "kairos/futures-addon/turn.h"

namespace kairos {

// A queue between coroutines, or callbacks: who takes waits for an item, and who adds waits for
// room, if there is a limit. Both ends can be added to and taken from.
//
// What is added goes to who has waited longest, and what is taken makes room for who has waited
// longest, at once: nobody can come in between. Cancelled before that, one leaves the queue, and an
// item that it wanted to add goes with it; afterwards, it goes on as if it had not been asked.
//
//   Thread      that of the context
//   Ownership   Borrows the context, and is destroyed before it. Those who wait then are refused:
//               a coroutine gets a FutureError.
//   Errors      throws std::bad_alloc
//   Cost        constant, however many wait; no allocation when it has been as large before
template <class T>
class AsyncQueue {
  using End = detail::QueueEnd;

 public:
  static constexpr std::size_t unlimited = 0;

  explicit AsyncQueue(FutureContext& context, std::size_t limit = unlimited) noexcept
      : queue_(context, limit) {}

  std::size_t size() const noexcept { return queue_.items().size(); }
  bool empty() const noexcept { return queue_.items().empty(); }
  bool full() const noexcept { return queue_.isFull(); }
  std::size_t limit() const noexcept { return queue_.limit(); }
  // Who waits for an item, or for room.
  std::size_t waiters() const noexcept { return queue_.takers().size() + queue_.putters().size(); }

  // From the first on; `index` is less than size().
  T& operator[](std::size_t index) noexcept { return queue_.items()[index]; }
  const T& operator[](std::size_t index) const noexcept { return queue_.items()[index]; }
  class Iterator;
  Iterator begin() const noexcept { return {*this, 0}; }
  Iterator end() const noexcept { return {*this, size()}; }
  bool contains(const T& item) const { return std::find(begin(), end(), item) != end(); }

  // `co_await queue.addLast(item);`
  auto addFirst(T item) { return add(End::first, std::move(item)); }
  auto addLast(T item) { return add(End::last, std::move(item)); }
  // `T item = co_await queue.popFirst();`
  auto popFirst() noexcept { return pop(End::first); }
  auto popLast() noexcept { return pop(End::last); }

  // The same with callbacks. That of one that takes finds the item in `turn.item`.
  void addFirst(ItemTurn<T>& turn, T item, CallbackFunc callback, void* udata) {
    detail::TurnQueue::setCallback(turn, callback, udata);
    queue_.put(turn, End::first, std::move(item));
  }
  void addLast(ItemTurn<T>& turn, T item, CallbackFunc callback, void* udata) {
    detail::TurnQueue::setCallback(turn, callback, udata);
    queue_.put(turn, End::last, std::move(item));
  }
  void popFirst(ItemTurn<T>& turn, CallbackFunc callback, void* udata) {
    detail::TurnQueue::setCallback(turn, callback, udata);
    queue_.take(turn, End::first);
  }
  void popLast(ItemTurn<T>& turn, CallbackFunc callback, void* udata) {
    detail::TurnQueue::setCallback(turn, callback, udata);
    queue_.take(turn, End::last);
  }

  // Without waiting. False, or nothing: it is full, and `item` as it was; or it is empty.
  bool tryAddFirst(T&& item) { return queue_.tryPut(End::first, item); }
  bool tryAddFirst(const T& item) { return !full() && tryAddFirst(T(item)); }
  bool tryAddLast(T&& item) { return queue_.tryPut(End::last, item); }
  bool tryAddLast(const T& item) { return !full() && tryAddLast(T(item)); }
  std::optional<T> tryPopFirst() { return tryPop(End::first); }
  std::optional<T> tryPopLast() { return tryPop(End::last); }

  // Drops the items; who waits for room has it.
  void clear() { queue_.clear(); }

 private:
  class PopAwaiter final : public detail::TakeAwaiter<T> {
   public:
    using detail::TakeAwaiter<T>::TakeAwaiter;
    T await_resume() {
      this->finishOrThrow();
      return std::move(*this->item);
    }
  };

  auto add(End end, T item) {
    using Awaiter = detail::PutAwaiter<T>;
    return AwaitCall<Awaiter, detail::ItemQueue<T>&, End, T>(queue_, end, std::move(item));
  }
  auto pop(End end) noexcept {
    return AwaitCall<PopAwaiter, detail::ItemQueue<T>&, End>(queue_, end);
  }
  std::optional<T> tryPop(End end) {
    std::optional<T> item;
    queue_.tryTake(end, item);
    return item;
  }

  detail::ItemQueue<T> queue_;
};

template <class T>
class AsyncQueue<T>::Iterator {
 public:
  using difference_type = std::ptrdiff_t;
  using value_type = T;
  using reference = const T&;
  using pointer = const T*;
  using iterator_category = std::forward_iterator_tag;

  Iterator() noexcept = default;
  Iterator(const AsyncQueue& queue, std::size_t index) noexcept : queue_(&queue), index_(index) {}

  const T& operator*() const noexcept { return (*queue_)[index_]; }
  const T* operator->() const noexcept { return &**this; }
  Iterator& operator++() noexcept {
    ++index_;
    return *this;
  }
  Iterator operator++(int) noexcept { return {*queue_, index_++}; }
  friend bool operator==(const Iterator&, const Iterator&) noexcept = default;

 private:
  const AsyncQueue* queue_ = nullptr;
  std::size_t index_ = 0;
};

}  // namespace kairos

#endif  // KAIROS_FUTURES_ADDON_ASYNC_QUEUE_H_
