// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_FUTURES_ADDON_DETAIL_ITEM_QUEUE_H_
#define KAIROS_FUTURES_ADDON_DETAIL_ITEM_QUEUE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

#include "kairos/futures-addon/detail/context_access.h"
#include "kairos/futures-addon/detail/context_core.h"
#include "kairos/futures-addon/detail/ring.h"
#include "kairos/futures-addon/detail/turn_queue.h"
#include "kairos/futures-addon/turn.h"

namespace kairos {

namespace detail {
template <class T>
class ItemQueue;

enum class QueueEnd : std::uint8_t { first, last };
}  // namespace detail

// One that takes an item from a queue, or puts one into it.
template <class T>
class ItemTurn : public Turn {
 public:
  ItemTurn() = default;
  ItemTurn(std::optional<T> given, detail::QueueEnd end) : item(std::move(given)), end_(end) {}
  ~ItemTurn() { forget(); }

  // One that takes: the item, in its callback, if it is served. One that puts: until it is served.
  std::optional<T> item;

 private:
  friend class detail::ItemQueue<T>;

  detail::QueueEnd end_ = detail::QueueEnd::first;
};

namespace detail {

// Items, and those who wait for one, or for room to put one. At most one of the two waits: takers
// while there is no item, putters while there is no room. What comes goes to who waits, so that
// nobody can come in between.
template <class T>
class ItemQueue final : public TurnOwner {
 public:
  static constexpr std::size_t unlimited = 0;

  ItemQueue(FutureContext& context, std::size_t limit) noexcept
      : limit_(limit),
        takers_(ContextCoreAccess::of(context), *this),
        putters_(ContextCoreAccess::of(context), *this) {}
  ~ItemQueue() {
    takers_.keepGiven();
    putters_.keepGiven();
  }

  Ring<T>& items() noexcept { return items_; }
  const Ring<T>& items() const noexcept { return items_; }
  std::size_t limit() const noexcept { return limit_; }
  bool isFull() const noexcept { return limit_ != unlimited && items_.size() >= limit_; }
  TurnQueue& takers() noexcept { return takers_; }
  TurnQueue& putters() noexcept { return putters_; }
  const TurnQueue& takers() const noexcept { return takers_; }
  const TurnQueue& putters() const noexcept { return putters_; }

  // Moves from `item` only if it returns true. Throws std::bad_alloc.
  bool tryPut(QueueEnd end, T& item) {
    if (isFull()) return false;
    put(end, std::move(item));
    return true;
  }

  std::optional<T> tryTake(QueueEnd end) {
    if (items_.empty()) return std::nullopt;
    std::optional<T> item(end == QueueEnd::first ? items_.popFront() : items_.popBack());
    letPuttersIn();
    return item;
  }

  // Whose callback is set.
  void put(ItemTurn<T>& turn, QueueEnd end, T item) {
    turn.end_ = end;
    if (tryPut(end, item)) return putters_.serve(turn);
    turn.item.emplace(std::move(item));
    putters_.add(turn);
  }
  void take(ItemTurn<T>& turn, QueueEnd end) {
    turn.end_ = end;
    turn.item = tryTake(end);
    turn.item ? takers_.serve(turn) : takers_.add(turn);
  }

  void clear() {
    items_.clear();
    letPuttersIn();
  }

  // A served taker leaves its item to the next, and so on, so that all stay in order. That of the
  // last goes to who waits, or back where it came from, even if that is full.
  void takeBack(TurnQueue& queue, Turn& turn) noexcept override {
    auto& back = static_cast<ItemTurn<T>&>(turn);
    if (&queue != &takers_ || !back.item) return;
    takers_.forEachServedAfter(turn, [&back](Turn& served) {
      auto& next = static_cast<ItemTurn<T>&>(served);
      if (!next.item || next.end_ != back.end_) return;
      T item(std::move(*next.item));
      next.item.emplace(std::move(*back.item));
      back.item.emplace(std::move(item));
    });
    TurnQueue::begin(turn);
    put(back.end_, std::move(*back.item));
  }

 private:
  // There is room left for what those may give back who are served and have not run.
  void put(QueueEnd end, T&& item) {
    items_.reserve(items_.size() + takers_.underWay() + 1);
    if (!takers_.empty()) {
      static_cast<ItemTurn<T>&>(takers_.first()).item.emplace(std::move(item));
      takers_.serveFirst();
    } else if (end == QueueEnd::first) {
      items_.pushFront(std::move(item));
    } else {
      items_.pushBack(std::move(item));
    }
  }

  void letPuttersIn() {
    while (!putters_.empty() && !isFull()) {
      auto& putter = static_cast<ItemTurn<T>&>(putters_.first());
      put(putter.end_, std::move(*putter.item));
      putter.item.reset();
      putters_.serveFirst();
    }
  }

  const std::size_t limit_;
  Ring<T> items_;
  TurnQueue takers_;
  TurnQueue putters_;
};

}  // namespace detail
}  // namespace kairos

#endif  // KAIROS_FUTURES_ADDON_DETAIL_ITEM_QUEUE_H_
