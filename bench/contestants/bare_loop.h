// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_BENCH_CONTESTANTS_BARE_LOOP_H_
#define KAIROS_BENCH_CONTESTANTS_BARE_LOOP_H_

#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "kairos/bench/contestants/contestant.h"
#include "kairos/bench/contestants/timer_heap.h"
#include "kairos/bench/support/check.h"

namespace kairos::bench {

// What one would write by hand for one program: level-triggered epoll, the descriptor itself in
// the event, a table of callbacks indexed by it, calls straight out of the event array, every
// change of interest told to the kernel at once. `copy` makes separate but identical code, whose
// difference is what this way of measuring cannot tell apart.
template <int copy>
class BareLoop {
 public:
  BareLoop() : epoll_(epoll_create1(EPOLL_CLOEXEC)) { check(epoll_ >= 0, "epoll_create1"); }
  ~BareLoop() { close(epoll_); }
  BareLoop(const BareLoop&) = delete;
  BareLoop& operator=(const BareLoop&) = delete;

  template <Callback callback>
  void addReader(int fd, void* udata) {
    Slot& slot = slotOf(fd);
    const std::uint32_t before = slot.interest();
    slot.reader = callback;
    slot.readerData = udata;
    setInterest(fd, before, slot.interest());
  }

  void removeReader(int fd) {
    Slot& slot = slotOf(fd);
    const std::uint32_t before = slot.interest();
    slot.reader = nullptr;
    setInterest(fd, before, slot.interest());
  }

  template <Callback callback>
  void addWriter(int fd, void* udata) {
    Slot& slot = slotOf(fd);
    const std::uint32_t before = slot.interest();
    slot.writer = callback;
    slot.writerData = udata;
    setInterest(fd, before, slot.interest());
  }

  void removeWriter(int fd) {
    Slot& slot = slotOf(fd);
    const std::uint32_t before = slot.interest();
    slot.writer = nullptr;
    setInterest(fd, before, slot.interest());
  }

  using Deadline = std::int64_t;
  static constexpr std::size_t handleBytes = 0;

  Deadline deadline(std::chrono::nanoseconds after) const { return now() + after.count(); }

  template <Callback callback>
  void reserveTimers(std::size_t slots) {
    timers_.reserve(slots);
  }

  template <Callback callback>
  void addTimer(std::size_t slot, Deadline deadline, void* udata) {
    timers_.add(slot, deadline, callback, udata);
  }

  void removeTimer(std::size_t slot) { timers_.remove(slot); }

  template <Callback callback>
  void refreshTimer(std::size_t slot, Deadline deadline, void*) {
    timers_.rekey(slot, deadline);
  }

  template <Callback callback>
  void defer(std::size_t, void* udata) {
    deferred_.push_back({callback, udata});
  }

  void poll() { pollOnce(0); }
  void turn() { pollOnce(waitMs()); }
  void run() {
    stopped_ = false;
    while (!stopped_) {
      turn();
    }
  }
  void stop() { stopped_ = true; }

 private:
  struct Slot {
    Callback reader = nullptr;
    void* readerData = nullptr;
    Callback writer = nullptr;
    void* writerData = nullptr;

    std::uint32_t interest() const {
      return (reader != nullptr ? std::uint32_t{EPOLLIN} : 0U) |
             (writer != nullptr ? std::uint32_t{EPOLLOUT} : 0U);
    }
  };
  struct Deferred {
    Callback callback;
    void* udata;
  };
  static constexpr int eventsMax = 1024;
  static constexpr std::uint32_t anyError = EPOLLERR | EPOLLHUP;

  static std::int64_t now() {
    return std::chrono::steady_clock::now().time_since_epoch() / std::chrono::nanoseconds(1);
  }

  Slot& slotOf(int fd) {
    const auto index = static_cast<std::size_t>(fd);
    if (index >= slots_.size()) [[unlikely]] {
      slots_.resize(std::max(index + 1, 2 * slots_.size()));
    }
    return slots_[index];
  }

  void setInterest(int fd, std::uint32_t before, std::uint32_t after) {
    epoll_event event{};
    event.events = after;
    event.data.fd = fd;
    const int operation = before == 0 ? EPOLL_CTL_ADD : after == 0 ? EPOLL_CTL_DEL : EPOLL_CTL_MOD;
    check(epoll_ctl(epoll_, operation, fd, &event) == 0, "epoll_ctl");
  }

  int waitMs() const {
    if (!deferred_.empty()) {
      return 0;
    }
    if (timers_.empty()) {
      return -1;
    }
    const std::int64_t left = (timers_.firstKey() - now() + 999'999) / 1'000'000;
    return static_cast<int>(
        std::clamp(left, std::int64_t{0}, std::int64_t{std::numeric_limits<int>::max()}));
  }

  void pollOnce(int timeoutMs) {
    const int count = epoll_wait(epoll_, events_.data(), eventsMax, timeoutMs);
    check(count >= 0, "epoll_wait");
    for (int i = 0; i < count; ++i) {
      dispatch(events_[static_cast<std::size_t>(i)]);
    }
    if (!deferred_.empty()) {
      runDeferred();
    }
    if (!timers_.empty()) {
      runDueTimers(now());
    }
  }

  void dispatch(const epoll_event& event) {
    const auto fd = static_cast<std::size_t>(event.data.fd);
    if ((event.events & (EPOLLIN | anyError)) != 0 && slots_[fd].reader != nullptr) {
      slots_[fd].reader(slots_[fd].readerData);
    }
    if ((event.events & (EPOLLOUT | anyError)) != 0 && slots_[fd].writer != nullptr) {
      slots_[fd].writer(slots_[fd].writerData);
    }
  }

  void runDeferred() {
    running_.swap(deferred_);
    for (const Deferred& each : running_) {
      each.callback(each.udata);
    }
    running_.clear();
  }

  void runDueTimers(std::int64_t now) {
    while (!timers_.empty() && timers_.firstKey() <= now) {
      const TimerHeap::Timer timer = timers_.takeFirst();
      timer.callback(timer.udata);
    }
  }

  const int epoll_;
  bool stopped_ = false;
  std::vector<Slot> slots_;
  TimerHeap timers_;
  std::vector<Deferred> deferred_;
  std::vector<Deferred> running_;
  std::array<epoll_event, eventsMax> events_;
};

}  // namespace kairos::bench

#endif  // KAIROS_BENCH_CONTESTANTS_BARE_LOOP_H_
