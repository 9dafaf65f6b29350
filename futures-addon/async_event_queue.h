// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_FUTURES_ADDON_ASYNC_EVENT_QUEUE_H_
#define KAIROS_FUTURES_ADDON_ASYNC_EVENT_QUEUE_H_

#include <cstddef>
#include <exception>
#include <utility>

#include "kairos/futures-addon/detail/context_access.h"
#include "kairos/futures-addon/detail/link.h"
#include "kairos/futures-addon/detail/ring.h"
#include "kairos/futures-addon/error.h"
#include "kairos/futures-addon/future_context.h"

namespace kairos {

// A reader of an AsyncEventQueue was too slow, and has lost the events that it had not read.
class OverflowError : public std::exception {
 public:
  const char* what() const noexcept override { return "Events were lost: the reader is too slow."; }
};

// Shows each event to all readers, each of which sees all that are emitted while it is one, in
// order and at its own pace. An event is kept until the slowest has read it. With a limit, a reader
// that is so many events behind when one more comes loses them all; nothing is kept for it until it
// is told so, by an OverflowError, and goes on with what is emitted from then on.
//
//   Thread      that of the context
//   Ownership   Borrows the context, and is destroyed before it. For readers, that is its end. An
//               event that is destroyed may end readers, and emit others if it can be moved without
//               throwing; it must not destroy the queue.
//   Errors      emit() and close(): FutureError when it is closed; std::bad_alloc
//   Cost        emit(): in proportion to the readers; each reader copies what it reads; no
//               allocation when as many events have been kept before
template <class T>
class AsyncEventQueue {
 public:
  static constexpr std::size_t unlimited = 0;
  class Reader;  // event_reader.h

  explicit AsyncEventQueue(FutureContext& context, std::size_t limit = unlimited) noexcept
      : core_(detail::ContextCoreAccess::of(context)), limit_(limit) {}
  ~AsyncEventQueue() {
    while (!readers_.empty()) readers_.popFront().orphan();
  }

  // Events that are kept.
  std::size_t size() const noexcept { return events_.size(); }
  std::size_t readers() const noexcept { return readerCount_; }
  bool isClosed() const noexcept { return isClosed_; }

  void emit(T event) {
    refuseIfClosed();
    if (listeners_ > 0 && isFull()) dropSlowest();
    if (listeners_ == 0) return;
    events_.pushBack({std::move(event), listeners_});
    readers_.forEach([](Reader& reader) { reader.wake(); });
  }

  // No event follows. Readers have their end when they have read what there is.
  void close() {
    refuseIfClosed();
    isClosed_ = true;
    readers_.forEach([](Reader& reader) { reader.wake(); });
  }

 private:
  struct Kept {
    T event;
    std::size_t unread;  // by how many readers
  };

  void refuseIfClosed() const {
    if (isClosed_) throw FutureError("An event queue is closed, and emitted to or closed again.");
  }

  bool isFull() const noexcept { return limit_ != unlimited && events_.size() >= limit_; }
  std::size_t end() const noexcept { return begin_ + events_.size(); }
  const T& at(std::size_t position) const noexcept { return events_[position - begin_].event; }

  // A reader has no more to do with the events before `to`.
  void pass(std::size_t from, std::size_t to) noexcept {
    for (std::size_t at = from; at != to; ++at) --events_[at - begin_].unread;
  }
  // What all have read. It comes last, since a reader may go with an event.
  void dropRead() noexcept {
    while (!events_.empty() && events_[0].unread == 0) {
      ++begin_;
      events_.dropFront();
    }
  }

  void dropSlowest() noexcept {
    const std::size_t slowest = begin_;
    readers_.forEach([slowest](Reader& reader) { reader.overflowIfAt(slowest); });
    dropRead();
  }

  detail::ContextCore& core_;
  const std::size_t limit_;
  detail::Ring<Kept> events_;
  std::size_t begin_ = 0;  // the position of the first that is kept; positions count from the start
  detail::LinkList<Reader> readers_;
  std::size_t readerCount_ = 0;
  std::size_t listeners_ = 0;  // readers for which the next event is kept
  bool isClosed_ = false;
};

}  // namespace kairos

#include "kairos/futures-addon/event_reader.h"

#endif  // KAIROS_FUTURES_ADDON_ASYNC_EVENT_QUEUE_H_
