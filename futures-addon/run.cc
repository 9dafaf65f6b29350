// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/futures-addon/run.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <new>
#include <system_error>

#include "kairos/futures-addon/detail/context_core.h"

namespace kairos {
namespace {

void pollOnce(Reactor& reactor) {
  const PollResult result = reactor.poll(Reactor::forever);
  if (result.error) throw std::system_error(result.error, "Kairos polls for futures");
}

// A timer that says that its time is over; without a limit there is none.
class Limit {
 public:
  Limit(Reactor& reactor, Clock::duration limit) : reactor_(reactor) {
    if (limit == Reactor::forever) return;
    timer_ = reactor.addTimer(limit, onOver, this);
    if (timer_ == TimerId::none) throw std::bad_alloc();
  }
  Limit(const Limit&) = delete;
  Limit& operator=(const Limit&) = delete;
  ~Limit() { reactor_.removeTimer(timer_); }

  bool isOver() const { return isOver_; }

 private:
  static void onOver(void* udata) { static_cast<Limit*>(udata)->isOver_ = true; }

  Reactor& reactor_;
  bool isOver_ = false;
  TimerId timer_ = TimerId::none;
};

Fd openEvent() {
  const Fd event = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (event < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
  return event;
}

}  // namespace

namespace detail {

void runUntilFinished(FutureContext& context, const FutureBase& future) {
  // Its callbacks may be among what is ready.
  if (future.finished() && (coreOf(future) == nullptr || !coreOf(future)->hasReady())) return;
  FutureBase handle = future;
  handle.attach(context);
  Waiter waiter;
  handle.addCallback(
      waiter, [](void*) {}, nullptr);
  while (waiter.isWaiting()) pollOnce(context.reactor());
}

}  // namespace detail

bool drain(FutureContext& context, Clock::duration limit) {
  if (!context.hasPendingOperations()) return true;
  const Limit time(context.reactor(), limit);
  while (context.hasPendingOperations() && !time.isOver()) pollOnce(context.reactor());
  return !context.hasPendingOperations();
}

StopSource::StopSource() : event_(openEvent()) {}

StopSource::~StopSource() { ::close(event_); }

// The event wakes the wait, errno stays as a signal handler found it.
void StopSource::request() noexcept {
  isRequested_.store(true, std::memory_order_release);
  const int before = errno;
  const std::uint64_t one = 1;
  static_cast<void>(!::write(event_, &one, sizeof one));
  errno = before;
}

void StopSource::clear() noexcept {
  std::uint64_t count;
  static_cast<void>(!::read(event_, &count, sizeof count));
}

// A request wakes the reactor. What came too late for this run is seen by the next, without it.
class StopSource::Watch {
 public:
  Watch(Reactor& reactor, StopSource& stop) : reactor_(reactor), stop_(stop) {
    const std::error_code error = reactor.addReader(stop.event_, onRequested, &stop);
    if (error) throw std::system_error(error, "Kairos watches for a stop");
  }
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;
  ~Watch() {
    reactor_.removeReader(stop_.event_);
    stop_.clear();
  }

 private:
  static void onRequested(void* udata) { static_cast<StopSource*>(udata)->clear(); }

  Reactor& reactor_;
  StopSource& stop_;
};

void runForever(FutureContext& context, StopSource& stop) {
  Reactor& reactor = context.reactor();
  const StopSource::Watch watch(reactor, stop);
  while (!stop.isRequested_.exchange(false, std::memory_order_acq_rel)) pollOnce(reactor);
}

}  // namespace kairos
