// SPDX-License-Identifier: MIT OR Apache-2.0
#include <chrono>
#include <cstddef>
#include <vector>

#include "kairos/bench/support/check.h"
#include "kairos/bench/workloads/all.h"
#include "kairos/reactor/reactor.h"

namespace kairos::bench {
namespace {

// Timers by addTimer(time_point); the slots hold the ids, as a user would who wants to remove.
class Kairos {
 public:
  template <Callback callback>
  void addReader(int fd, void* udata) {
    check(!reactor_.addReader(fd, callback, udata), "addReader");
  }
  void removeReader(int fd) { check(reactor_.removeReader(fd), "removeReader"); }

  template <Callback callback>
  void addWriter(int fd, void* udata) {
    check(!reactor_.addWriter(fd, callback, udata), "addWriter");
  }
  void removeWriter(int fd) { check(reactor_.removeWriter(fd), "removeWriter"); }

  using Deadline = Clock::time_point;
  static constexpr std::size_t handleBytes = sizeof(TimerId);

  Deadline deadline(std::chrono::nanoseconds after) const { return Clock::now() + after; }

  template <Callback callback>
  void reserveTimers(std::size_t slots) {
    ids_.resize(slots, TimerId::none);
  }

  template <Callback callback>
  void addTimer(std::size_t slot, Deadline deadline, void* udata) {
    ids_[slot] = reactor_.addTimer(deadline, callback, udata);
    check(ids_[slot] != TimerId::none, "addTimer");
  }

  void removeTimer(std::size_t slot) { check(reactor_.removeTimer(ids_[slot]), "removeTimer"); }

  template <Callback callback>
  void refreshTimer(std::size_t slot, Deadline deadline, void* udata) {
    removeTimer(slot);
    addTimer<callback>(slot, deadline, udata);
  }

  template <Callback callback>
  void defer(std::size_t, void* udata) {
    check(reactor_.addTimer(Clock::duration::zero(), callback, udata) != TimerId::none, "defer");
  }

  void poll() { check(!reactor_.poll(Clock::duration::zero()).error, "poll"); }
  void turn() { check(!reactor_.poll(Reactor::forever).error, "poll"); }
  void run() {
    stopped_ = false;
    while (!stopped_) {
      turn();
    }
  }
  void stop() { stopped_ = true; }

 private:
  Reactor reactor_;
  bool stopped_ = false;
  std::vector<TimerId> ids_;
};

}  // namespace

void enrollKairos() { enrollAll<Kairos>("kairos"); }

}  // namespace kairos::bench
