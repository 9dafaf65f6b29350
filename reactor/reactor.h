// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_REACTOR_REACTOR_H_
#define KAIROS_REACTOR_REACTOR_H_

// A callback-only reactor: descriptor readiness, timers, and one `poll` that the user calls.
// It deliberately does not read, write, accept, resolve, spawn, wake up from other threads or
// handle signals: all of that is built on top with the calls below.

#if __cplusplus < 202002L
#error "Kairos needs C++20 (GCC 11, Clang 14 or later). With Bazel: build --cxxopt=-std=c++20"
#endif

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <system_error>

namespace kairos {

namespace detail {
struct ReactorAccess;
}  // namespace detail

// A descriptor of the operating system, as socket(2), pipe(2) and the like return it.
using Fd = int;

// The only callback type of the framework. `udata` is whatever was registered with it.
using CallbackFunc = void (*)(void* udata);

// How a callback is stored, everywhere.
struct AsyncCallback {
  CallbackFunc function;
  void* udata;
  friend bool operator==(const AsyncCallback&, const AsyncCallback&) = default;
};

// The clock of all deadlines: CLOCK_MONOTONIC on Linux, which stands still while the machine is
// suspended and knows nothing of wall-clock changes.
using Clock = std::chrono::steady_clock;

// Names one added timer. Never reused, so a stale one is harmless.
enum class TimerId : std::uint64_t { none = 0 };

struct PollResult {
  std::size_t callbacks = 0;  // how many callbacks this poll ran
  std::error_code error;      // see Reactor::poll
};

// One event loop, run by hand: `while (!reactor.poll(Reactor::forever).error) {}`.
//
//   Thread      Belongs to one thread, that of its first add or poll. Use from another thread, and
//               use after fork() in the child, are misuse: debug builds (no NDEBUG) abort with a
//               sentence. It may be destroyed by any thread when no call is running, in the forked
//               child too, where that leaves the parent undisturbed.
//   Ownership   Owns its descriptor of the OS facility (close-on-exec). Borrows the user's
//               descriptors and `udata`, from add* until remove* or the destructor, and never
//               closes or frees them. Starts no thread, installs no signal handler, keeps no
//               global state.
//   Time        std::chrono on Clock, exact to the nanosecond; arithmetic saturates.
//   Errors      std::error_code, to be compared with std::errc; a refused call changes nothing.
//               What the OS refuses to the constructor is reported by each add* of a descriptor and
//               each poll. Throws nothing of its own.
//   Callbacks   Run inside poll only, on the thread that calls it, never inside an add* or remove*.
//               They may call everything here except poll and the destructor, on any descriptor,
//               and may close descriptors and free their own udata after removing. What they add
//               runs in a later poll. They may throw, see poll.
//   Memory      56 bytes per descriptor number (both directions), in chunks of 256 numbers that are
//               kept; at most 64 per pending timer; no heap allocation per event. Of the timers'
//               memory, all but 128 kB goes back when 64 polls in a row began with none pending.
class Reactor {
 public:
  // The timeout of an unlimited poll, and the delay of a timer that never fires.
  static constexpr Clock::duration forever = Clock::duration::max();

  Reactor() noexcept;

  // Forgets all registrations; runs no callback. Misuse inside a callback: debug builds abort.
  ~Reactor();

  Reactor(const Reactor&) = delete;
  Reactor& operator=(const Reactor&) = delete;

  // Calls `callback(udata)` once in every poll that finds `fd` readable, at end of file, hung up or
  // in error (level-triggered, as poll(2) describes), until removed. One slot per descriptor and
  // direction.
  //   Requires  a pollable file: socket, pipe, tty, eventfd, pidfd, ... It is removed before the
  //             descriptor is closed. Closing first is harmless as long as remove* follows; until
  //             then a duplicate of it that stays open may keep the callback running.
  //   Errors    file_exists           the slot is taken; the first callback stays and works
  //             bad_file_descriptor   fd is negative or not open
  //             operation_not_permitted  a regular file or directory, which is always ready
  //             invalid_argument      null callback, or a descriptor of the reactor's own
  //             not_enough_memory, no_space_on_device (/proc/sys/fs/epoll/max_user_watches)
  //             The addition of a second direction to a registered descriptor is checked by the OS
  //             only in the next poll. If it fails there, both callbacks run once, as for an error,
  //             and then sleep until both are removed; adding to such a descriptor meanwhile is
  //             refused with bad_file_descriptor. The same befalls a descriptor that was closed
  //             before it was removed when the reactor has to move to a new epoll set (README).
  //   Cost      O(1). The first direction of a descriptor: one epoll_ctl(2); the second: none now,
  //             at most one in the next poll, none if removed again before.
  [[nodiscard]] std::error_code addReader(Fd fd, CallbackFunc callback, void* udata) noexcept;

  // Ends the registration: after the return its callback never runs again, also if its event was
  // already found by the poll that is running. False: there was none.
  //   Cost      O(1). The last direction of a descriptor: one epoll_ctl(2); else as addReader.
  bool removeReader(Fd fd) noexcept;

  // The same for "writable", which connect(2) finished or failed also is.
  [[nodiscard]] std::error_code addWriter(Fd fd, CallbackFunc callback, void* udata) noexcept;
  bool removeWriter(Fd fd) noexcept;

  // Calls `callback(udata)` once, in the first poll that finds `deadline` reached: never early.
  // Equal deadlines run in the order added. time_point::max() never fires but counts as registered.
  //   Errors    TimerId::none: null callback, no memory, or 2^24 - 3080 timers pending.
  //   Cost      O(1); O(log n) among the timers due before the next known one (see README).
  TimerId addTimer(Clock::time_point deadline, CallbackFunc callback, void* udata) noexcept;

  // The same with a deadline counted from this call, which reads the clock. Zero or less is the
  // deferred call: it runs in the next poll, which does not wait; it counts as due at the reactor's
  // last clock reading, so deferred calls run in the order added, and reads no clock. `forever`
  // never fires but counts as registered.
  TimerId addTimer(Clock::duration delay, CallbackFunc callback, void* udata) noexcept;

  // False: it ran already, was removed, or never was. A timer is gone when its callback begins.
  //   Cost      as addTimer; no system call.
  bool removeTimer(TimerId timer) noexcept;

  // Waits once, at most until `timeout` or the first deadline, then runs the callbacks of the ready
  // descriptors in the order the OS gave them (reader before writer of one descriptor), then those
  // of the due timers in the order of their deadlines. Each runs at most once, and nothing that was
  // added by a callback runs in the same poll.
  //   timeout   forever or negative: no limit; zero: does not wait; positive: an upper bound, which
  //             the OS rounds up. A signal ends the wait early, without error and without
  //             descriptor callbacks.
  //   Errors    operation_in_progress  called inside a callback; nothing is changed
  //             resource_deadlock_would_occur  unlimited wait with nothing registered
  //             else what the OS said, each time: it refused the wait, or to open its facility
  //   Throws    what a callback throws. The rest of the batch is reported again by the next poll;
  //             due timers that have not run stay due; nothing runs twice for one event.
  //   Cost      one system call of waiting, one per pending change of direction, two per descriptor
  //             to move to a new epoll set; at most two clock readings, none without timers.
  PollResult poll(Clock::duration timeout);

 private:
  friend struct detail::ReactorAccess;
  struct Core;
  explicit Reactor(std::unique_ptr<Core> core) noexcept;

  std::unique_ptr<Core> core_;
};

}  // namespace kairos

#endif  // KAIROS_REACTOR_REACTOR_H_
