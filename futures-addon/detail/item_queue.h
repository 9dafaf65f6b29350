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
template <class T, class Taker>
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
  template <class Item, class Taker>
  friend class detail::ItemQueue;

  detail::QueueEnd end_ = detail::QueueEnd::first;
};

namespace detail {

// Items, and those who wait for one, or for room to put one. At most one of the two waits: takers
// while there is no item, putters while there is no room. What comes goes to who waits, so that
// nobody can come in between. Taker is an ItemTurn; if it has an `error`, that is for one that is
// served without an item.
template <class T, class Taker = ItemTurn<T>>
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

  // Into `item`, which is empty. False: there is none.
  bool tryTake(QueueEnd end, std::optional<T>& item) {
    if (items_.empty()) return false;
    if (end == QueueEnd::first) {
      item.emplace(std::move(items_[0]));
      items_.dropFront();
    } else {
      item.emplace(std::move(items_[items_.size() - 1]));
      items_.dropBack();
    }
    letPuttersIn();
    return true;
  }

  // Whose callback is set.
  void put(ItemTurn<T>& turn, QueueEnd end, T item) {
    turn.end_ = end;
    if (tryPut(end, item)) return putters_.serve(turn);
    turn.item.emplace(std::move(item));
    putters_.add(turn);
  }
  // What a putter adds has room then, and what this one gives back too.
  void take(Taker& turn, QueueEnd end) {
    turn.end_ = end;
    turn.item.reset();
    if (!putters_.empty()) reserve();
    tryTake(end, turn.item) ? takers_.serve(turn) : takers_.add(turn);
  }

  void clear() {
    items_.clear();
    letPuttersIn();
  }

  // A served taker leaves its item to the next, and so on, so that all stay in order. That of the
  // last goes to one that was served without, or to who waits, or back where it came from, even if
  // that is full.
  void takeBack(TurnQueue& queue, Turn& turn) noexcept override {
    auto& back = static_cast<ItemTurn<T>&>(turn);
    if (&queue != &takers_ || !back.item) return;
    takers_.forEachServedAfter(turn, [&back](Turn& served) {
      auto& next = static_cast<Taker&>(served);
      if (back.item && next.end_ == back.end_) leave(back.item, next);
    });
    TurnQueue::begin(turn);
    if (back.item) put(back.end_, std::move(*back.item));
  }

 private:
  // An item for one that has been served, and what that had.
  static void leave(std::optional<T>& item, Taker& taker) {
    if (!taker.item) {
      taker.item.emplace(std::move(*item));
      item.reset();
      if constexpr (requires { taker.error; }) taker.error = nullptr;
      return;
    }
    T had(std::move(*taker.item));
    taker.item.emplace(std::move(*item));
    item.emplace(std::move(had));
  }

  // For one item more, and for what those may give back who are served and have not run.
  void reserve() { items_.reserve(items_.size() + takers_.underWay() + 1); }

  void put(QueueEnd end, T&& item) {
    reserve();
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
