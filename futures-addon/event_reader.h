// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_FUTURES_ADDON_EVENT_READER_H_
#define KAIROS_FUTURES_ADDON_EVENT_READER_H_

#include <algorithm>
#include <coroutine>
#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

#include "kairos/futures-addon/async_event_queue.h"
#include "kairos/futures-addon/detail/link.h"
#include "kairos/futures-addon/detail/turn_awaiter.h"
#include "kairos/futures-addon/detail/turn_queue.h"
#include "kairos/futures-addon/error.h"
#include "kairos/futures-addon/turn.h"

namespace kairos {

// Reads the events that are emitted from now on until it is destroyed. One wait at a time.
template <class T>
class AsyncEventQueue<T>::Reader final : public detail::Link, private detail::TurnOwner {
 public:
  explicit Reader(AsyncEventQueue& queue) noexcept
      : of_(&queue), waiting_(queue.core_, *this), position_(queue.end()) {
    queue.readers_.pushBack(*this);
    ++queue.readerCount_;
    ++queue.listeners_;
  }
  ~Reader() {
    unregister();
    leave();
  }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  // Events that it has not read.
  std::size_t size() const noexcept {
    return of_ != nullptr && !hasOverflown_ ? end() - position_ : 0;
  }
  // No event will come that is not here yet.
  bool hasEnded() const noexcept { return of_ == nullptr || isLeaving_ || of_->isClosed_; }

  // Ends it before it is destroyed: it sees no later event, and who waits goes on. What is unread
  // is kept for that one, until it is read; without one, it is dropped.
  void unregister() noexcept {
    if (of_ == nullptr || isLeaving_) return;
    end_ = of_->end();
    isLeaving_ = true;
    --of_->readerCount_;
    if (!hasOverflown_) --of_->listeners_;
    wake();
    if (waiting_.underWay() == 0 || size() == 0) leave();
  }

  // The next event; none: there is none now, or what there is belongs to one who has waited for it
  // and does not run yet. Throws OverflowError, once.
  std::optional<T> tryNext() { return waiting_.underWay() > 0 ? std::nullopt : takeNext(); }

  // `co_await reader.next()` gives a std::optional<T>, which is empty at the end, and only then.
  auto next() noexcept { return AwaitCall<NextAwaiter, Reader&>(*this); }
  // `co_await reader.take(count)` gives a std::vector<T> of so many; fewer only at the end.
  auto take(std::size_t count) {
    return AwaitCall<TakeAwaiter, Reader&, std::size_t>(*this, count);
  }

  // Calls `callback(udata)` when `count` events can be read by tryNext(), or fewer at the end, or
  // an overflow is to be told.
  void wait(Turn& turn, std::size_t count, CallbackFunc callback, void* udata) {
    detail::TurnQueue::setCallback(turn, callback, udata);
    if (mayGoOnAtOnce(count)) return waiting_.serve(turn);
    startWaiting(count);
    waiting_.add(turn);
  }

 private:
  friend class AsyncEventQueue;

  class Awaiter : public detail::TurnAwaiter<> {
   public:
    explicit Awaiter(Reader& reader, std::size_t count = 1) : reader_(reader), count_(count) {}
    bool await_ready() const noexcept { return reader_.mayGoOnAtOnce(count_); }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> coroutine) {
      reader_.startWaiting(count_);
      TurnAwaiter::wait(coroutine, reader_.waiting_);
    }

   protected:
    Reader& reader_;
    const std::size_t count_;
  };
  class NextAwaiter final : public Awaiter {
   public:
    using Awaiter::Awaiter;
    std::optional<T> await_resume() {
      this->finishOrThrow();
      return this->reader_.takeNext();
    }
  };
  class TakeAwaiter final : public Awaiter {
   public:
    using Awaiter::Awaiter;
    std::vector<T> await_resume() {
      this->finishOrThrow();
      return this->reader_.takeUpTo(this->count_);
    }
  };

  bool mayGoOn(std::size_t count) const noexcept {
    return size() >= count || hasEnded() || hasOverflown_;
  }
  // What there is belongs to nobody yet.
  bool mayGoOnAtOnce(std::size_t count) const noexcept {
    return mayGoOn(count) && waiting_.underWay() == 0;
  }
  void startWaiting(std::size_t count) {
    const bool isWaitedFor = !waiting_.empty() || waiting_.underWay() > 0;
    if (isWaitedFor) throw FutureError("A reader of events waits already.");
    wanted_ = count;
  }
  void wake() noexcept {
    if (!waiting_.empty() && mayGoOn(wanted_)) waiting_.serveFirst();
  }
  // The queue has gone.
  void orphan() noexcept {
    of_ = nullptr;
    wake();
  }
  // Drops what is unread.
  void leave() noexcept {
    if (of_ == nullptr) return;
    of_->pass(position_, position_ + size());
    unlink();
    std::exchange(of_, nullptr)->dropRead();
  }
  std::size_t end() const noexcept { return isLeaving_ ? end_ : of_->end(); }

  // Whoever has overflowed is behind all positions.
  void overflowIfAt(std::size_t position) noexcept {
    if (position_ != position) return;
    of_->pass(position_, end());
    hasOverflown_ = true;
    if (!isLeaving_) --of_->listeners_;
    wake();
  }
  void throwIfOverflown() {
    if (!std::exchange(hasOverflown_, false)) return;
    if (of_ != nullptr) goOn();
    throw OverflowError();
  }
  void goOn() noexcept {
    position_ = end();
    if (isLeaving_) return leave();
    ++of_->listeners_;
  }

  std::optional<T> takeNext() {
    throwIfOverflown();
    if (size() == 0) return std::nullopt;
    std::optional<T> event(of_->at(position_));
    passTo(position_ + 1);
    return event;
  }
  // All, or none: a copy may throw.
  std::vector<T> takeUpTo(std::size_t count) {
    throwIfOverflown();
    const std::size_t taken = std::min(count, size());
    std::vector<T> events;
    events.reserve(taken);
    for (std::size_t i = 0; i < taken; ++i) events.push_back(of_->at(position_ + i));
    passTo(position_ + taken);
    return events;
  }

  void passTo(std::size_t position) noexcept {
    if (of_ == nullptr) return;
    of_->pass(position_, position);
    position_ = position;
    if (isLeaving_ && size() == 0) return leave();
    of_->dropRead();
  }

  void takeBack(detail::TurnQueue&, Turn&) noexcept override {
    if (isLeaving_) leave();
  }

  AsyncEventQueue* of_;
  detail::TurnQueue waiting_;  // one at most
  std::size_t position_;
  std::size_t wanted_ = 0;
  std::size_t end_ = 0;  // of one that is leaving: it has something left to be read before
  bool isLeaving_ = false;
  bool hasOverflown_ = false;
};

}  // namespace kairos

#endif  // KAIROS_FUTURES_ADDON_EVENT_READER_H_
