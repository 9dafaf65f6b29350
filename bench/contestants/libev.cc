// SPDX-License-Identifier: MIT OR Apache-2.0
#include <ev.h>

#include <chrono>
#include <cstddef>
#include <vector>

#include "kairos/bench/support/check.h"
#include "kairos/bench/support/descriptors.h"
#include "kairos/bench/workloads/all.h"

namespace kairos::bench {
namespace {

// libev on epoll, the watchers in the caller's tables, as its manual advises. Relative timers,
// counted from libev's cached time, which costs no clock reading.
class Libev {
 public:
  Libev() : loop_(ev_loop_new(int{EVBACKEND_EPOLL} | int{EVFLAG_NOENV})) {
    check(loop_ != nullptr, "ev_loop_new");
  }
  ~Libev() { ev_loop_destroy(loop_); }
  Libev(const Libev&) = delete;
  Libev& operator=(const Libev&) = delete;

  template <Callback callback>
  void addReader(int fd, void* udata) {
    start<callback>(watchers_[fd].reader, fd, EV_READ, udata);
  }
  void removeReader(int fd) { ev_io_stop(loop_, &watchers_[fd].reader); }

  template <Callback callback>
  void addWriter(int fd, void* udata) {
    start<callback>(watchers_[fd].writer, fd, EV_WRITE, udata);
  }
  void removeWriter(int fd) { ev_io_stop(loop_, &watchers_[fd].writer); }

  using Deadline = ev_tstamp;
  static constexpr std::size_t handleBytes = 0;

  Deadline deadline(std::chrono::nanoseconds after) const {
    return std::chrono::duration<ev_tstamp>(after).count();
  }

  template <Callback callback>
  void reserveTimers(std::size_t slots) {
    timers_.resize(slots);
    for (ev_timer& timer : timers_) {
      ev_timer_init(&timer, onTimer<callback>, 0., 0.);
    }
  }

  template <Callback callback>
  void addTimer(std::size_t slot, Deadline deadline, void* udata) {
    ev_timer& timer = timers_[slot];
    timer.data = udata;
    ev_timer_set(&timer, deadline, 0.);
    ev_timer_start(loop_, &timer);
  }

  void removeTimer(std::size_t slot) { ev_timer_stop(loop_, &timers_[slot]); }

  // A running watcher with a repeat value is moved within the heap instead of taken out.
  template <Callback callback>
  void refreshTimer(std::size_t slot, Deadline deadline, void*) {
    timers_[slot].repeat = deadline;
    ev_timer_again(loop_, &timers_[slot]);
  }

  template <Callback callback>
  void defer(std::size_t slot, void* udata) {
    addTimer<callback>(slot, 0., udata);
  }

  void poll() { ev_run(loop_, EVRUN_NOWAIT); }
  void turn() { ev_run(loop_, EVRUN_ONCE); }
  void run() { ev_run(loop_, 0); }
  void stop() { ev_break(loop_, EVBREAK_ALL); }

 private:
  struct Watchers {
    ev_io reader;
    ev_io writer;
  };

  template <Callback callback>
  static void onIo(struct ev_loop*, ev_io* watcher, int) {
    callback(watcher->data);
  }

  template <Callback callback>
  static void onTimer(struct ev_loop*, ev_timer* watcher, int) {
    callback(watcher->data);
  }

  // Initialised when first used and then kept: libev tells the kernel again about a descriptor
  // whose watcher was set anew.
  template <Callback callback>
  void start(ev_io& watcher, int fd, int events, void* udata) {
    if (ev_cb(&watcher) != onIo<callback>) [[unlikely]] {
      ev_io_init(&watcher, onIo<callback>, fd, events);
    }
    watcher.data = udata;
    ev_io_start(loop_, &watcher);
  }

  struct ev_loop* const loop_;
  DescriptorTable<Watchers> watchers_;
  std::vector<ev_timer> timers_;
};

}  // namespace

void enrollLibev() { enrollAll<Libev>("libev"); }

}  // namespace kairos::bench
