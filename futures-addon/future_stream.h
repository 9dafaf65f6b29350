// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_FUTURES_ADDON_FUTURE_STREAM_H_
#define KAIROS_FUTURES_ADDON_FUTURE_STREAM_H_

#include <coroutine>
#include <cstddef>
#include <exception>
#include <optional>
#include <utility>

#include "kairos/futures-addon/detail/item_awaiters.h"
#include "kairos/futures-addon/detail/item_queue.h"
#include "kairos/futures-addon/detail/turn_awaiter.h"
#include "kairos/futures-addon/error.h"
#include "kairos/futures-addon/future.h"
#include "kairos/futures-addon/future_context.h"
#include "kairos/futures-addon/turn.h"

namespace kairos {

// One that reads from a FutureStream.
template <class T>
struct StreamTurn : ItemTurn<T> {
  using ItemTurn<T>::ItemTurn;

  std::exception_ptr error;  // the stream has failed, and there was no item left
};

// A queue that comes to an end: items in order, then the end, or an error.
//
//   while (auto item = co_await stream.read()) use(*item);
//
//   Thread      that of the context
//   Ownership   Borrows the context, and is destroyed before it. Those who wait then are refused:
//               a coroutine gets a FutureError.
//   Errors      FutureError: written to, completed or failed after it has ended; std::bad_alloc
//   Cost        as AsyncQueue
template <class T>
class FutureStream {
  using End = detail::QueueEnd;

 public:
  static constexpr std::size_t unlimited = 0;

  explicit FutureStream(FutureContext& context, std::size_t limit = unlimited) noexcept
      : queue_(context, limit) {}

  // complete() or fail() was called.
  bool hasEnded() const noexcept { return hasEnded_; }
  // Nothing is left to read, but for the error if there is one.
  bool finished() const noexcept { return hasEnded_ && queue_.items().empty(); }
  std::size_t size() const noexcept { return queue_.items().size(); }
  std::size_t limit() const noexcept { return queue_.limit(); }

  // `co_await stream.write(item);` Waits while `limit` items are unread. Those who wait when the
  // stream ends get a FutureError.
  auto write(T item) {
    refuseIfEnded();
    return AwaitCall<WriteAwaiter, FutureStream&, T>(*this, std::move(item));
  }
  void write(ItemTurn<T>& turn, T item, CallbackFunc callback, void* udata) {
    refuseIfEnded();
    detail::TurnQueue::setCallback(turn, callback, udata);
    queue_.put(turn, End::last, std::move(item));
  }
  // False: there is no room, and `item` is as it was.
  bool tryWrite(T&& item) {
    refuseIfEnded();
    return queue_.tryPut(End::last, item);
  }
  bool tryWrite(const T& item) {
    refuseIfEnded();
    return !queue_.isFull() && tryWrite(T(item));
  }

  // Nothing follows. Those who wait to write are refused.
  void complete() { end(nullptr); }
  // The same; who has read what there is gets the error, each time.
  void fail(std::exception_ptr error) {
    if (error == nullptr) throw FutureError("A stream cannot fail without an error.");
    end(std::move(error));
  }

  // `co_await stream.read()` gives a std::optional<T>, which is empty at the end, and only then.
  auto read() noexcept { return AwaitCall<ReadAwaiter, FutureStream&>(*this); }
  // The callback finds the item in `turn.item`; none is the end, or the error in `turn.error`.
  void read(StreamTurn<T>& turn, CallbackFunc callback, void* udata) {
    detail::TurnQueue::setCallback(turn, callback, udata);
    turn.error = nullptr;
    if (!finished()) return queue_.take(turn, End::first);
    turn.item.reset();
    turn.error = error_;
    queue_.takers().serve(turn);
  }

 private:
  // The stream may be gone when the coroutine goes on.
  class ReadAwaiter final : public detail::TakeAwaiter<T, StreamTurn<T>> {
    using Base = detail::TakeAwaiter<T, StreamTurn<T>>;

   public:
    explicit ReadAwaiter(FutureStream& stream) : Base(stream.queue_, End::first), of_(stream) {}

    bool await_ready() {
      if (Base::await_ready()) return true;
      this->error = of_.error_;
      return of_.hasEnded_;
    }
    std::optional<T> await_resume() {
      this->finishOrThrow();
      if (this->error) std::rethrow_exception(this->error);
      return std::move(this->item);
    }

   private:
    FutureStream& of_;
  };

  // What has not begun when the stream ends comes too late.
  class WriteAwaiter final : public detail::PutAwaiter<T, StreamTurn<T>> {
    using Base = detail::PutAwaiter<T, StreamTurn<T>>;

   public:
    WriteAwaiter(FutureStream& stream, T written)
        : Base(stream.queue_, End::last, std::move(written)), of_(stream) {}

    bool await_ready() {
      of_.refuseIfEnded();
      return Base::await_ready();
    }

   private:
    FutureStream& of_;
  };

  void refuseIfEnded() const {
    if (hasEnded_) throw FutureError("A stream has ended, and is written to or ended again.");
  }
  void end(std::exception_ptr error) {
    refuseIfEnded();
    hasEnded_ = true;
    error_ = std::move(error);
    detail::TurnQueue& readers = queue_.takers();
    while (!readers.empty()) {
      static_cast<StreamTurn<T>&>(readers.first()).error = error_;
      readers.serveFirst();
    }
    queue_.putters().refuseAll();
  }

  detail::ItemQueue<T, StreamTurn<T>> queue_;
  std::exception_ptr error_;
  bool hasEnded_ = false;
};

// All items of `stream` until it ends, one behind the other: T is a string or another container.
//   Errors    that of the stream
template <class T>
Future<T> readAll(FutureContext&, FutureStream<T>& stream) {
  T all{};
  while (auto item = co_await stream.read()) all.insert(all.end(), item->begin(), item->end());
  co_return all;
}

}  // namespace kairos

#endif  // KAIROS_FUTURES_ADDON_FUTURE_STREAM_H_
