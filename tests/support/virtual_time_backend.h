// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TESTS_SUPPORT_VIRTUAL_TIME_BACKEND_H_
#define KAIROS_TESTS_SUPPORT_VIRTUAL_TIME_BACKEND_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <unordered_map>
#include <vector>

#include "kairos/reactor/backends/backend.h"

namespace kairos {

// A clock that only waits and the test move, and the record and the faults of the backends that
// live by it. They wrap a real one: descriptors are real, waiting takes no time.
//
//   Thread      one
//   Ownership   outlives the reactors on its backends
//   Errors      an unlimited wait that nothing ends within `patience` of real time fails the test
//               and reports timed_out
class VirtualTime {
 public:
  using Open = detail::OpenResult (*)() noexcept;
  static constexpr std::chrono::seconds patience{10};

  struct Watch {
    Fd fd;
    std::uint64_t token;
    detail::Interest from;
    detail::Interest to;
    std::error_code error;
  };

  explicit VirtualTime(Open openReal) : openReal_(openReal) {}
  VirtualTime(const VirtualTime&) = delete;
  VirtualTime& operator=(const VirtualTime&) = delete;

  // A backend on this time.
  detail::OpenResult open() noexcept;

  // The clock. It stands still except for these, for waits that end by their limit, and for
  // passPerReading.
  Clock::time_point now() const { return now_; }
  Clock::duration elapsed() const { return now_ - start_; }
  void advance(Clock::duration by);
  void passPerReading(Clock::duration by) { perReading_ = by; }
  // Runs `event` as soon as a wait comes to that time, counted from the start.
  void at(Clock::duration sinceStart, std::function<void()> event);

  // The waits to come.
  void interruptNextWait(Clock::duration after = {});
  void wakeLate(Clock::duration by) { late_ = by; }
  void cutWaits(Clock::duration longest) { longest_ = longest; }

  // Faults, for as many calls as `times` says.
  void failWait(std::errc error, std::size_t times = 1) { waitFault_ = {error, times}; }
  void failWatch(std::errc error, std::size_t times = 1) { watchFault_ = {error, times}; }
  // Only of descriptors that are not watched yet.
  void failAddition(std::errc error, std::size_t times = 1) { additionFault_ = {error, times}; }
  // Only from one direction to both, or back.
  void failChange(std::errc error, std::size_t times = 1) { changeFault_ = {error, times}; }
  void failOpenAnother(std::size_t times = 1) {
    openFault_ = {std::errc::too_many_files_open, times};
  }

  // What the reactor did, since the start or since forget(). A wait without limit is `unlimited`.
  static constexpr Clock::duration unlimited{-1};
  const std::vector<Clock::duration>& waits() const { return waits_; }
  const std::vector<Watch>& watches() const { return watches_; }
  std::size_t clockReadings() const { return clockReadings_; }
  std::size_t reopenings() const { return reopenings_; }
  // The descriptors that the last wait found ready, in its order; -1 for one not watched any more.
  const std::vector<Fd>& lastBatch() const { return lastBatch_; }
  void forget();

  // Not forgotten: the last reading that the reactor took, and when its last wait ended.
  Clock::time_point lastReading() const { return lastReading_; }
  Clock::time_point lastWaitEnded() const { return lastWaitEnded_; }

 private:
  friend class VirtualTimeBackend;
  struct Fault {
    std::errc error{};
    std::size_t times = 0;
    std::error_code take();
  };

  struct WaitResult {
    std::span<const detail::Ready> ready;
    std::error_code error;
  };

  Clock::time_point read();
  std::error_code watch(detail::Backend& real, const Watch& asked);
  WaitResult wait(detail::Backend& real, Clock::duration limit);
  WaitResult waitUninterrupted(detail::Backend& real, Clock::duration limit);
  static WaitResult waitForWhatIsUnderWay(detail::Backend& real);
  void runEvents();
  // Moves to the next event or to the end of a wait; false: the wait is over.
  bool sleepUntil(Clock::time_point end, bool isUnlimited);

  const Open openReal_;
  // Far from zero on purpose: an uninitialised or zero time point must not look like a recent one.
  const Clock::time_point start_{std::chrono::hours(1000)};
  Clock::time_point now_ = start_;
  Clock::duration perReading_{};
  std::multimap<Clock::time_point, std::function<void()>> events_;
  bool interrupt_ = false;
  Clock::duration interruptAfter_{};
  Clock::duration late_{};
  Clock::duration longest_ = Clock::duration::max();
  Fault waitFault_;
  Fault watchFault_;
  Fault additionFault_;
  Fault changeFault_;
  Fault openFault_;
  std::vector<Clock::duration> waits_;
  std::vector<Watch> watches_;
  std::size_t clockReadings_ = 0;
  std::size_t reopenings_ = 0;
  std::unordered_map<std::uint64_t, Fd> fdOfToken_;
  std::vector<Fd> lastBatch_;
  Clock::time_point lastReading_;
  Clock::time_point lastWaitEnded_;
};

}  // namespace kairos

#endif  // KAIROS_TESTS_SUPPORT_VIRTUAL_TIME_BACKEND_H_
