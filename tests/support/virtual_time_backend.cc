// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/tests/support/virtual_time_backend.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <utility>

namespace kairos {

class VirtualTimeBackend final : public detail::Backend {
 public:
  VirtualTimeBackend(VirtualTime& time, std::unique_ptr<detail::Backend> real)
      : time_(time), real_(std::move(real)) {}

  std::error_code watch(Fd fd, std::uint64_t token, detail::Interest from,
                        detail::Interest to) noexcept override {
    return time_.watch(*real_, {fd, token, from, to, {}});
  }

  std::span<const detail::Ready> wait(Clock::duration limit,
                                      std::error_code& error) noexcept override {
    const VirtualTime::WaitResult result = time_.wait(*real_, limit);
    if (result.error) error = result.error;
    return result.ready;
  }

  Clock::time_point now() noexcept override { return time_.read(); }

  std::unique_ptr<detail::Backend> openAnother() noexcept override {
    if (time_.openFault_.take()) return nullptr;
    ++time_.reopenings_;
    auto another = real_->openAnother();
    if (another == nullptr) return nullptr;
    return std::make_unique<VirtualTimeBackend>(time_, std::move(another));
  }

 private:
  VirtualTime& time_;
  std::unique_ptr<detail::Backend> real_;
};

namespace {

Clock::time_point saturatingAdd(Clock::time_point time, Clock::duration by) {
  return by > Clock::time_point::max() - time ? Clock::time_point::max() : time + by;
}

}  // namespace

std::error_code VirtualTime::Fault::take() {
  if (times == 0) return {};
  --times;
  return std::make_error_code(error);
}

detail::OpenResult VirtualTime::open() noexcept {
  detail::OpenResult real = openReal_();
  if (real.backend == nullptr) return real;
  return {std::make_unique<VirtualTimeBackend>(*this, std::move(real.backend)), {}};
}

void VirtualTime::advance(Clock::duration by) { now_ = saturatingAdd(now_, by); }

void VirtualTime::at(Clock::duration sinceStart, std::function<void()> event) {
  events_.emplace(start_ + sinceStart, std::move(event));
}

void VirtualTime::interruptNextWait(Clock::duration after) {
  interrupt_ = true;
  interruptAfter_ = after;
}

void VirtualTime::forget() {
  waits_.clear();
  watches_.clear();
  clockReadings_ = 0;
  reopenings_ = 0;
}

Clock::time_point VirtualTime::read() {
  ++clockReadings_;
  advance(perReading_);
  return lastReading_ = now_;
}

std::error_code VirtualTime::watch(detail::Backend& real, const Watch& asked) {
  Watch done = asked;
  // Forgetting always succeeds: that is the contract of a backend.
  if (asked.to.any()) done.error = watchFault_.take();
  if (asked.to.any() && !asked.from.any() && !done.error) done.error = additionFault_.take();
  if (asked.to.any() && asked.from.any() && !done.error) done.error = changeFault_.take();
  if (!done.error) done.error = real.watch(asked.fd, asked.token, asked.from, asked.to);
  if (!asked.to.any()) {
    fdOfToken_.erase(asked.token);
  } else if (!done.error) {
    fdOfToken_[asked.token] = asked.fd;
  }
  watches_.push_back(done);
  return done.error;
}

VirtualTime::WaitResult VirtualTime::wait(detail::Backend& real, Clock::duration limit) {
  const bool isUnlimited = limit < Clock::duration::zero() || limit == Reactor::forever;
  if (isUnlimited) limit = unlimited;
  waits_.push_back(limit);
  lastBatch_.clear();
  WaitResult result{{}, waitFault_.take()};
  if (!result.error && std::exchange(interrupt_, false)) {
    advance(isUnlimited ? interruptAfter_ : std::min(interruptAfter_, limit));
  } else if (!result.error) {
    result = waitUninterrupted(real, limit);
  }
  for (const detail::Ready& ready : result.ready) {
    const auto found = fdOfToken_.find(ready.token);
    lastBatch_.push_back(found != fdOfToken_.end() ? found->second : -1);
  }
  lastWaitEnded_ = now_;
  return result;
}

VirtualTime::WaitResult VirtualTime::waitUninterrupted(detail::Backend& real,
                                                       Clock::duration limit) {
  const bool isUnlimited = limit == unlimited;
  const Clock::time_point end =
      saturatingAdd(now_, isUnlimited ? Clock::duration::max() : std::min(limit, longest_));
  for (;;) {
    runEvents();
    WaitResult result;
    result.ready = real.wait(Clock::duration::zero(), result.error);
    if (result.error || !result.ready.empty()) return result;
    if (isUnlimited && events_.empty()) return waitForWhatIsUnderWay(real);
    if (!sleepUntil(end, isUnlimited)) return {};
  }
}

// The network of the machine itself delivers at once, but not when it is busy.
VirtualTime::WaitResult VirtualTime::waitForWhatIsUnderWay(detail::Backend& real) {
  WaitResult result;
  result.ready = real.wait(patience, result.error);
  if (result.error || !result.ready.empty()) return result;
  ADD_FAILURE() << "an unlimited wait that nothing can end";
  return {{}, std::make_error_code(std::errc::timed_out)};
}

void VirtualTime::runEvents() {
  while (!events_.empty() && events_.begin()->first <= now_) {
    events_.extract(events_.begin()).mapped()();
  }
}

bool VirtualTime::sleepUntil(Clock::time_point end, bool isUnlimited) {
  if (!events_.empty() && (isUnlimited || events_.begin()->first <= end)) {
    now_ = events_.begin()->first;
    return true;
  }
  if (now_ < end) now_ = saturatingAdd(end, std::exchange(late_, {}));
  return false;
}

}  // namespace kairos
