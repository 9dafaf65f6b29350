// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_FUTURES_ADDON_DETAIL_CONTEXT_CORE_H_
#define KAIROS_FUTURES_ADDON_DETAIL_CONTEXT_CORE_H_

#include <cstddef>
#include <exception>

#include "kairos/futures-addon/detail/block_pool.h"
#include "kairos/futures-addon/detail/link.h"
#include "kairos/futures-addon/source_location.h"
#include "kairos/futures-addon/tracking/tracking.h"
#include "kairos/futures-addon/waiter.h"
#include "kairos/reactor/reactor.h"

namespace kairos::detail {

class FutureState;

// What a FutureContext is, behind its handle. It lives on, without its reactor, until the last
// future that was made on it has gone.
class ContextCore {
 public:
  explicit ContextCore(Reactor& reactor) noexcept;
  ContextCore(const ContextCore&) = delete;
  ContextCore& operator=(const ContextCore&) = delete;
  ~ContextCore();

  // What the handle's destructor does: ends what is pending, then waits for the futures to go.
  void end() noexcept;
  bool isOver() const noexcept { return reactor_ == nullptr; }

  Reactor& reactor() noexcept { return *reactor_; }

  // Runs the waiters' callbacks in the next drain.
  void schedule(Waiter& waiter) noexcept {
    ready_.pushBack(waiter);
    drainLater();
  }
  // Some, in a list that is not used again.
  void scheduleAll(LinkList<Waiter>& waiters) noexcept {
    ready_.takeRestBehind(waiters);
    drainLater();
  }

  // Runs what is ready, in order, but not what that makes ready. Called by callbacks of the
  // reactor that belong to this layer, when they have done their work; those that begin that by
  // drainSoon() need no timer for what they make ready.
  void drain();
  void drainSoon() noexcept { isDrainComing_ = true; }

  // Takes back the scheduled callbacks that were added to `future`. How many there were.
  std::size_t removeScheduled(const FutureState& future, AsyncCallback callback) noexcept;

  // For as long as they are pending.
  void enroll(FutureState& future) noexcept;
  bool hasPending() noexcept;
  bool hasReady() const noexcept { return !ready_.empty(); }
  // Of the drain that runs: somebody is still to be called.
  bool hasBatch() const noexcept { return !batch_.empty(); }
  std::size_t liveBlocks() const noexcept { return pool_.blocks(); }
  ContextTracking& tracking() noexcept { return tracking_; }

  void* take(std::size_t size) { return pool_.take(size); }
  // For new work. Throws FutureError: it has ended as often as it could, and there was always
  // something new. From then on no memory is kept, so that nobody has to look.
  void* takeForWork(std::size_t size) {
    void* const kept = pool_.takeKept(size);
    return kept != nullptr ? kept : takeUnlessRefusing(size);
  }
  void giveBack(void* memory, std::size_t size) noexcept {
    if (!pool_.giveBack(memory, size)) deleteIfUnused();
  }

  // Of a future that is not in its memory, and refers to it nevertheless.
  void addGuest() noexcept { ++guests_; }
  void removeGuest() noexcept { --guests_; }

  // Destroys `future`, which may hold the last reference to others, and so on, without recursion.
  static void destroy(FutureState& future) noexcept;

  // An error that nobody has looked at: the unhandled-error callback hears of it in the next drain.
  void reportUnhandled(std::exception_ptr error, const SourceLocation& created) noexcept;
  // Without such a callback it is thrown.
  void tellUnhandled(std::exception_ptr error, const SourceLocation& created);

  AsyncCallback unhandledErrorCallback{};
  std::exception_ptr unhandledError;
  SourceLocation unhandledErrorCreated;

 private:
  void drainLater() noexcept {
    if (!isDrainComing_) startTimer();
  }
  void condemn(FutureState& future) noexcept;
  void endDestroying() noexcept;
  void startTimer() noexcept;
  static void onTimer(void* udata);
  void runFirst();
  void tidyTimer() noexcept;
  void* takeUnlessRefusing(std::size_t size);
  void endRounds(void (FutureState::*how)() noexcept) noexcept;
  void endPending(void (FutureState::*how)() noexcept) noexcept;
  void dropReady() noexcept;
  bool isUsed() const noexcept { return pool_.blocks() != 0 || guests_ != 0 || destroying_; }
  void deleteIfUnused() noexcept;

  Reactor* reactor_;  // null: the context is over
  LinkList<Waiter> ready_;
  LinkList<Waiter> batch_;  // of the drain that runs
  TimerId timer_ = TimerId::none;
  bool isDrainComing_ = false;  // by the timer, or by who runs
  bool draining_ = false;
  bool ending_ = false;
  bool refusing_ = false;
  bool destroying_ = false;
  bool hasToEndDestroying_ = false;  // there are condemned ones, or the context is over
  std::size_t guests_ = 0;
  BlockPool pool_;
  LinkList<FutureState> pending_;
  LinkList<FutureState> condemned_;
  [[no_unique_address]] ContextTracking tracking_;
};

// The waiter behind a callback that was given without one. It holds the future that it waits for,
// so that no other can be taken for it.
class PooledWaiter final : public Waiter {
 public:
  // Throws std::bad_alloc, and FutureError: no callback. Without a core the memory is the heap's.
  // `of` may be nullptr.
  static PooledWaiter& make(ContextCore* core, FutureState* of, AsyncCallback callback);
  void free() noexcept;
  bool is(const FutureState& of, AsyncCallback callback) const noexcept;

 private:
  PooledWaiter(ContextCore* core, FutureState* of) noexcept : core_(core), of_(of) {}

  ContextCore* core_;
  FutureState* of_;
};

// For those who queue and run waiters.
struct WaiterAccess {
  static void setCallback(Waiter& waiter, AsyncCallback callback) noexcept {
    waiter.callback_ = callback;
  }
  // Of what a user gives. Throws FutureError: there is no callback, or the waiter waits already.
  static void requireUsable(const Waiter& waiter, CallbackFunc callback) {
    requireCallback(callback);
    if (waiter.isWaiting()) refuseWaiting();
  }
  static void requireCallback(CallbackFunc callback) {
    if (callback == nullptr) refuseNothing();
  }
  static AsyncCallback callbackOf(const Waiter& waiter) noexcept { return waiter.callback_; }
  static WaiterTracking& trackingOf(Waiter& waiter) noexcept { return waiter.tracking_; }
  static bool isPooled(const Waiter& waiter) noexcept { return waiter.isPooled_; }
  static void setPooled(Waiter& waiter) noexcept { waiter.isPooled_ = true; }

  static void drop(Waiter& waiter) noexcept {
    if (waiter.isPooled_) static_cast<PooledWaiter&>(waiter).free();
  }

  // Its callback may destroy it and use it anew.
  static void run(Waiter& waiter) {
    const AsyncCallback callback = waiter.callback_;
    if (waiter.isPooled_) static_cast<PooledWaiter&>(waiter).free();
    callback.function(callback.udata);
  }

 private:
  [[noreturn]] static void refuseWaiting();
  [[noreturn]] static void refuseNothing();
};

}  // namespace kairos::detail

#endif  // KAIROS_FUTURES_ADDON_DETAIL_CONTEXT_CORE_H_
