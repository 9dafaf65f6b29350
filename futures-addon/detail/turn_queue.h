// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_FUTURES_ADDON_DETAIL_TURN_QUEUE_H_
#define KAIROS_FUTURES_ADDON_DETAIL_TURN_QUEUE_H_

#include <cstddef>

#include "kairos/futures-addon/detail/context_core.h"
#include "kairos/futures-addon/detail/link.h"
#include "kairos/futures-addon/turn.h"
#include "kairos/reactor/reactor.h"

namespace kairos::detail {

// What has to know when one of its turns does not come to its end.
class TurnOwner {
 public:
  // It was served, and will not run: what it was given goes back. It counts among those until then.
  virtual void takeBack(TurnQueue& queue, Turn& turn) noexcept = 0;
  // It waited, and waits no more.
  virtual void left(TurnQueue&, Turn&) noexcept {}

 protected:
  ~TurnOwner() = default;
};

// Those who wait for their turn, first come, first served. Their owner gives them what they wait
// for, and serves them; they run in the next tick.
class TurnQueue {
 public:
  TurnQueue(ContextCore& core, TurnOwner& owner) noexcept : core_(core), owner_(owner) {}
  TurnQueue(const TurnQueue&) = delete;
  TurnQueue& operator=(const TurnQueue&) = delete;
  // Whoever waits, or has been served and does not run yet, is refused.
  ~TurnQueue();

  // Those who have been served keep what they were given, though this goes.
  void keepGiven() noexcept { disownGiven(Turn::State::served); }

  bool empty() const noexcept { return waiting_.empty(); }
  std::size_t size() const noexcept { return size_; }
  Turn& first() const noexcept { return waiting_.front(); }
  ContextCore& core() const noexcept { return core_; }

  // How many have been served and have not run.
  std::size_t underWay() const noexcept { return underWay_; }
  // Those of them who were served after `turn`, in order.
  template <class Visit>
  void forEachServedAfter(const Turn& turn, Visit visit) const {
    bool isBehind = false;
    given_.forEach([&](Turn::Given& given) {
      if (isBehind) visit(given.of);
      isBehind = isBehind || &given.of == &turn;
    });
  }

  // Before a turn is served or waits: what it calls then. Throws FutureError.
  static void setCallback(Turn& turn, CallbackFunc callback, void* udata);

  // `turn` waits for nothing.
  void add(Turn& turn) noexcept {
    turn.queue_ = this;
    turn.state_ = Turn::State::waiting;
    waiting_.pushBack(turn);
    ++size_;
  }

  // One that need not wait.
  void serve(Turn& turn) noexcept {
    turn.queue_ = this;
    turn.state_ = Turn::State::served;
    given_.pushBack(turn.given_);
    ++underWay_;
    core_.schedule(turn);
  }
  Turn& serveFirst() noexcept {
    Turn& turn = waiting_.popFront();
    --size_;
    serve(turn);
    return turn;
  }

  // One runs without what it waits for.
  void refuse(Turn& turn) noexcept { end(turn, Turn::State::refused); }
  void refuseAll() noexcept {
    while (!empty()) refuseFirst();
  }
  // It waits.
  void cancel(Turn& turn) noexcept {
    takeOut(turn);
    end(turn, Turn::State::cancelled);
    owner_.left(*this, turn);
  }

  // It runs: what it was given is its own.
  static void begin(Turn& turn) noexcept {
    TurnQueue* const queue = turn.queue_;
    if (queue == nullptr) return;
    turn.queue_ = nullptr;
    turn.given_.unlink();
    --queue->underWay_;
  }

  void forget(Turn& turn) noexcept;

 private:
  static void onTurn(void* udata);
  void disownGiven(Turn::State state) noexcept;

  void refuseFirst() noexcept {
    Turn& turn = waiting_.popFront();
    --size_;
    refuse(turn);
  }
  void takeOut(Turn& turn) noexcept {
    turn.unlink();
    --size_;
  }
  void end(Turn& turn, Turn::State state) noexcept {
    turn.queue_ = nullptr;
    turn.state_ = state;
    core_.schedule(turn);
  }

  ContextCore& core_;
  TurnOwner& owner_;
  LinkList<Turn> waiting_;
  LinkList<Turn::Given> given_;
  std::size_t size_ = 0;
  std::size_t underWay_ = 0;
};

}  // namespace kairos::detail

#endif  // KAIROS_FUTURES_ADDON_DETAIL_TURN_QUEUE_H_
