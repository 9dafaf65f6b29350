// SPDX-License-Identifier: MIT OR Apache-2.0
#include <event2/event.h>
#include <event2/event_struct.h>
#include <sys/time.h>

#include <chrono>
#include <cstddef>
#include <cstring>
#include <vector>

#include "kairos/bench/support/check.h"
#include "kairos/bench/support/descriptors.h"
#include "kairos/bench/workloads/all.h"

namespace kairos::bench {
namespace {

// libevent on epoll without locks, the events in the caller's tables. Timers in microseconds,
// rounded up; inside callbacks, where the workloads add them, libevent counts from its cached time.
class Libevent {
 public:
  Libevent() : base_(openBase()) {}
  ~Libevent() { event_base_free(base_); }
  Libevent(const Libevent&) = delete;
  Libevent& operator=(const Libevent&) = delete;

  template <Callback callback>
  void addReader(int fd, void* udata) {
    start<callback>(events_[fd].reader, fd, EV_READ | EV_PERSIST, udata);
  }
  void removeReader(int fd) { check(event_del(&events_[fd].reader.event) == 0, "event_del"); }

  template <Callback callback>
  void addWriter(int fd, void* udata) {
    start<callback>(events_[fd].writer, fd, EV_WRITE | EV_PERSIST, udata);
  }
  void removeWriter(int fd) { check(event_del(&events_[fd].writer.event) == 0, "event_del"); }

  using Deadline = timeval;
  static constexpr std::size_t handleBytes = 0;

  Deadline deadline(std::chrono::nanoseconds after) const {
    const auto micros = std::chrono::ceil<std::chrono::microseconds>(after).count();
    return {micros / 1'000'000, micros % 1'000'000};
  }

  template <Callback callback>
  void reserveTimers(std::size_t slots) {
    timers_.resize(slots);
    for (Timer& timer : timers_) {
      check(evtimer_assign(&timer.event, base_, onTimer<callback>, &timer) == 0, "evtimer_assign");
    }
  }

  template <Callback callback>
  void addTimer(std::size_t slot, const Deadline& deadline, void* udata) {
    timers_[slot].udata = udata;
    check(event_add(&timers_[slot].event, &deadline) == 0, "event_add");
  }

  void removeTimer(std::size_t slot) { check(event_del(&timers_[slot].event) == 0, "event_del"); }

  template <Callback callback>
  void refreshTimer(std::size_t slot, const Deadline& deadline, void* udata) {
    addTimer<callback>(slot, deadline, udata);
  }

  // Cheaper than a timer of zero.
  template <Callback callback>
  void defer(std::size_t slot, void* udata) {
    timers_[slot].udata = udata;
    event_active(&timers_[slot].event, EV_TIMEOUT, 0);
  }

  void poll() {
    check(event_base_loop(base_, EVLOOP_ONCE | EVLOOP_NONBLOCK) >= 0, "event_base_loop");
  }
  void turn() { check(event_base_loop(base_, EVLOOP_ONCE) >= 0, "event_base_loop"); }
  void run() { check(event_base_loop(base_, 0) >= 0, "event_base_loop"); }
  void stop() { check(event_base_loopbreak(base_) == 0, "event_base_loopbreak"); }

 private:
  struct Assigned {
    struct event event;
    Callback callback;
    void* udata;
  };
  struct Events {
    Assigned reader;
    Assigned writer;
  };
  struct Timer {
    struct event event;
    void* udata;
  };

  static event_base* openBase() {
    event_config* config = event_config_new();
    check(config != nullptr, "event_config_new");
    check(event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK) == 0, "event_config_set_flag");
    event_base* base = event_base_new_with_config(config);
    event_config_free(config);
    check(base != nullptr, "event_base_new_with_config");
    check(std::strcmp(event_base_get_method(base), "epoll") == 0, "libevent runs on epoll");
    return base;
  }

  template <Callback callback>
  static void onEvent(evutil_socket_t, short, void* udata) {
    callback(udata);
  }

  template <Callback callback>
  static void onTimer(evutil_socket_t, short, void* timer) {
    callback(static_cast<Timer*>(timer)->udata);
  }

  // Assigned when first used and then kept.
  template <Callback callback>
  void start(Assigned& assigned, int fd, short events, void* udata) {
    event* const event = &assigned.event;
    if (assigned.callback != callback || assigned.udata != udata) [[unlikely]] {
      check(event_assign(event, base_, fd, events, onEvent<callback>, udata) == 0, "event_assign");
      assigned.callback = callback;
      assigned.udata = udata;
    }
    check(event_add(event, nullptr) == 0, "event_add");
  }

  event_base* const base_;
  DescriptorTable<Events> events_;
  std::vector<Timer> timers_;
};

}  // namespace

void enrollLibevent() { enrollAll<Libevent>("libevent"); }

}  // namespace kairos::bench
