// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/reactor/reactor.h"

#include <algorithm>
#include <cstdint>
#include <new>
#include <span>
#include <utility>

#include "kairos/reactor/backends/backend.h"
#include "kairos/reactor/backends/default_backend.h"
#include "kairos/reactor/error.h"
#include "kairos/reactor/fd_table.h"
#include "kairos/reactor/misuse.h"
#include "kairos/reactor/reactor_access.h"
#include "kairos/reactor/timer_queue.h"

namespace kairos {

using detail::Backend;
using detail::Direction;
using detail::FdEntry;
using detail::Interest;
using detail::makeError;
using detail::Nanoseconds;
using detail::OpenResult;
using detail::Ready;

namespace {

// A token is the descriptor and the generation of its registration.
std::uint64_t makeToken(Fd fd, std::uint32_t generation) {
  return std::uint64_t{generation} << 32 | static_cast<std::uint32_t>(fd);
}
Fd fdOf(std::uint64_t token) { return static_cast<Fd>(token & 0xffffffff); }
std::uint32_t generationOf(std::uint64_t token) { return static_cast<std::uint32_t>(token >> 32); }

Nanoseconds nanoseconds(Clock::time_point time) {
  return std::chrono::nanoseconds(time.time_since_epoch()).count();
}

// `delay` is positive.
Nanoseconds later(Nanoseconds now, Clock::duration delay) {
  const Nanoseconds ns = std::chrono::nanoseconds(delay).count();
  return now > detail::never - ns ? detail::never : now + ns;
}

Nanoseconds until(Nanoseconds deadline, Nanoseconds now) {
  if (deadline <= now) return 0;
  Nanoseconds left = 0;
  return __builtin_sub_overflow(deadline, now, &left) ? detail::never : left;
}

}  // namespace

// Everything a Reactor is, behind its header.
//
// Invariants, whenever no call is running: an entry is registered if it has a callback; the backend
// watches exactly the registered entries that are not asleep, for `watched`, which differs from
// what they want only while they are in changed_. A slot that changed since the current wait began,
// or has run, has `since` equal to pollNumber_ and gets nothing from its batch.
struct Reactor::Core {
  class PollScope;

  explicit Core(OpenResult opened) noexcept;
  ~Core();
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;

  std::error_code add(Fd fd, Direction direction, AsyncCallback callback) noexcept;
  bool remove(Fd fd, Direction direction) noexcept;
  TimerId addTimerAt(Nanoseconds deadline, AsyncCallback callback) noexcept;
  TimerId addTimerIn(Clock::duration delay, AsyncCallback callback) noexcept;
  TimerId addTimerLater(Clock::duration delay, AsyncCallback callback) noexcept;
  bool removeTimer(TimerId timer) noexcept;

  void claim(const char* call) noexcept {
    if constexpr (detail::misuseChecked) owner_.claim(call);
  }
  void verify(const char* call) const noexcept {
    if constexpr (detail::misuseChecked) owner_.verify(call);
  }
  void readClock() noexcept { timers_.setTime(nanoseconds(backend_->now())); }

  std::error_code addFirst(Fd fd, Direction direction, AsyncCallback callback) noexcept;
  void fill(FdEntry& entry, Direction direction, AsyncCallback callback) noexcept;
  void end(Fd fd, FdEntry& entry) noexcept;

  // The steps of a poll.
  bool mayPoll(Clock::duration timeout, std::error_code& error) const noexcept;
  bool mayPollThough(Clock::duration timeout, std::error_code& error) const noexcept;
  Clock::duration prepareWait(Clock::duration timeout) noexcept;
  void applyChanges() noexcept;
  void fail(Fd fd, FdEntry& entry) noexcept;
  void findFailures() noexcept;
  void rebuild() noexcept;
  Clock::duration waitLimit(Clock::duration timeout) noexcept;
  std::span<const Ready> wait(Clock::duration limit, std::error_code& error) noexcept;
  bool hasMoreToRun() const noexcept { return failuresDue_ || !timers_.empty(); }
  std::size_t run(std::span<const Ready> ready);
  std::size_t runReady(std::span<const Ready> batch);
  bool runSlot(FdEntry& entry, Direction direction);
  std::size_t runFailures();
  std::size_t runTimers();

  void noteChange(Fd fd, FdEntry& entry) noexcept {
    changed_.note(fd, entry);
    changesDue_ = true;
  }
  void noteStale(const FdEntry& entry) noexcept;

  std::unique_ptr<Backend> backend_;
  std::error_code openError_;
  detail::FdTable table_;
  detail::ChangeList changed_;
  detail::TimerQueue timers_;
  detail::Owner owner_;
  const std::error_code success_;  // to copy: making one calls into the C++ library
  std::size_t registered_ = 0;     // callbacks of descriptors
  std::uint32_t pollNumber_ = 1;   // of the last poll; wrapping delays one event by one poll
  bool polling_ = false;
  bool changesDue_ = false;   // changed_ is not empty, or rebuildDue_
  bool rebuildDue_ = false;   // the OS reports a registration that ended
  bool failuresDue_ = false;  // some FdEntry::failed is set
};

// What has to be undone when a poll ends, also by an exception.
class Reactor::Core::PollScope {
 public:
  explicit PollScope(Core& core) : core_(core) {
    core_.polling_ = true;
    ++core_.pollNumber_;
  }
  ~PollScope() { core_.polling_ = false; }
  PollScope(const PollScope&) = delete;
  PollScope& operator=(const PollScope&) = delete;

 private:
  Core& core_;
};

Reactor::Core::Core(OpenResult opened) noexcept
    : backend_(std::move(opened.backend)), openError_(opened.error) {
  if (backend_) readClock();
}

Reactor::Core::~Core() {
  if (detail::misuseChecked && polling_) {
    detail::abortMisuse("A reactor is destroyed inside one of its callbacks.");
  }
}

// ---- Descriptors

std::error_code Reactor::Core::add(Fd fd, Direction direction, AsyncCallback callback) noexcept {
  claim(direction == detail::reading ? "addReader" : "addWriter");
  if (callback.function == nullptr) return makeError(std::errc::invalid_argument);
  if (!backend_) return openError_;
  FdEntry* entry = table_.find(fd);
  if (entry == nullptr || !entry->wanted().any()) return addFirst(fd, direction, callback);
  if (entry->has(direction)) return makeError(std::errc::file_exists);
  if (entry->asleep) return makeError(std::errc::bad_file_descriptor);
  fill(*entry, direction, callback);
  noteChange(fd, *entry);
  return success_;
}

// The backend is asked before memory is taken, so that a refused descriptor costs none.
std::error_code Reactor::Core::addFirst(Fd fd, Direction direction,
                                        AsyncCallback callback) noexcept {
  const FdEntry* known = table_.find(fd);
  const std::uint64_t token = makeToken(fd, known != nullptr ? known->generation : 0);
  const Interest interest{direction == detail::reading, direction == detail::writing};
  if (const std::error_code error = backend_->watch(fd, token, {}, interest)) {
    return detail::explain(error);
  }
  FdEntry* entry = table_.make(fd);
  if (entry == nullptr) {
    backend_->watch(fd, token, interest, {});
    return makeError(std::errc::not_enough_memory);
  }
  entry->watched = interest;
  fill(*entry, direction, callback);
  return {};
}

void Reactor::Core::fill(FdEntry& entry, Direction direction, AsyncCallback callback) noexcept {
  entry.callbacks[direction] = callback;
  entry.since[direction] = pollNumber_;
  ++registered_;
}

bool Reactor::Core::remove(Fd fd, Direction direction) noexcept {
  verify(direction == detail::reading ? "removeReader" : "removeWriter");
  FdEntry* entry = table_.find(fd);
  if (entry == nullptr || !entry->has(direction)) return false;
  entry->callbacks[direction] = {};
  entry->since[direction] = pollNumber_;
  entry->failed[direction] = false;
  --registered_;
  if (!entry->wanted().any()) {
    end(fd, *entry);
  } else if (!entry->asleep) {
    noteChange(fd, *entry);
  }
  return true;
}

void Reactor::Core::end(Fd fd, FdEntry& entry) noexcept {
  if (!entry.asleep) backend_->watch(fd, makeToken(fd, entry.generation), entry.watched, {});
  entry.watched = {};
  entry.asleep = false;
  ++entry.generation;
}

// ---- Timers

TimerId Reactor::Core::addTimerAt(Nanoseconds deadline, AsyncCallback callback) noexcept {
  claim("addTimer");
  if (callback.function == nullptr) return TimerId::none;
  return timers_.add(deadline, callback);
}

TimerId Reactor::Core::addTimerIn(Clock::duration delay, AsyncCallback callback) noexcept {
  claim("addTimer");
  if (callback.function == nullptr) return TimerId::none;
  if (delay <= Clock::duration::zero()) return timers_.addDeferred(callback);
  return addTimerLater(delay, callback);
}

TimerId Reactor::Core::addTimerLater(Clock::duration delay, AsyncCallback callback) noexcept {
  if (delay == forever || !backend_) return timers_.add(detail::never, callback);
  readClock();
  return timers_.add(later(timers_.time(), delay), callback);
}

bool Reactor::Core::removeTimer(TimerId timer) noexcept {
  verify("removeTimer");
  return timers_.remove(timer);
}

// ---- Poll

// One result object on all ways out, so that it is made in its final place.
PollResult Reactor::poll(Clock::duration timeout) {
  PollResult result{0, core_ ? core_->success_ : makeError(std::errc::not_enough_memory)};
  if (!core_) return result;
  Core& core = *core_;
  core.claim("poll");
  if (!core.mayPoll(timeout, result.error)) return result;
  const Core::PollScope scope(core);
  const std::span<const Ready> ready = core.wait(core.prepareWait(timeout), result.error);
  if (result.error) return result;
  if (!ready.empty() || core.hasMoreToRun()) result.callbacks = core.run(ready);
  return result;
}

inline bool Reactor::Core::mayPoll(Clock::duration timeout, std::error_code& error) const noexcept {
  if (backend_ && !polling_ && registered_ != 0) return true;
  return mayPollThough(timeout, error);
}

// Also finds out why a poll cannot even begin.
bool Reactor::Core::mayPollThough(Clock::duration timeout, std::error_code& error) const noexcept {
  const bool unlimited = timeout < Clock::duration::zero() || timeout == forever;
  if (polling_) {
    error = makeError(std::errc::operation_in_progress);
  } else if (!backend_) {
    error = openError_;
  } else if (unlimited && registered_ == 0 && timers_.empty()) {
    error = makeError(std::errc::resource_deadlock_would_occur);
  }
  return !error;
}

// Brings the backend up to date, and tells how long it may wait.
inline Clock::duration Reactor::Core::prepareWait(Clock::duration timeout) noexcept {
  if (changesDue_) applyChanges();
  if (timers_.empty()) timers_.noteIdlePoll();
  if (!hasMoreToRun() || timeout == Clock::duration::zero()) return timeout;
  return waitLimit(timeout);
}

Clock::duration Reactor::Core::waitLimit(Clock::duration timeout) noexcept {
  if (failuresDue_) findFailures();
  if (failuresDue_ || timers_.hasDeferred()) return Clock::duration::zero();
  if (timers_.empty()) return timeout;
  readClock();
  const Nanoseconds next = timers_.nextDeadline();
  if (next == detail::never) return timeout;
  const std::chrono::nanoseconds left(until(next, timers_.time()));
  return timeout < Clock::duration::zero() ? left : std::min<Clock::duration>(timeout, left);
}

inline std::span<const Ready> Reactor::Core::wait(Clock::duration limit,
                                                  std::error_code& error) noexcept {
  return backend_->isPreferred() ? detail::waitOnPreferred(*backend_, limit, error)
                                 : backend_->wait(limit, error);
}

// All that is ready or due; returns how many callbacks ran.
std::size_t Reactor::Core::run(std::span<const Ready> ready) {
  if (timers_.empty()) return (failuresDue_ ? runFailures() : 0) + runReady(ready);
  readClock();
  const detail::TimerQueue::PollScope timersScope(timers_);
  std::size_t ran = failuresDue_ ? runFailures() : 0;
  ran += runReady(ready);
  return ran + runTimers();
}

// Entries never move, and a slot that changed during this poll does not run in it: so an entry may
// be used again after its first callback, whatever that did.
std::size_t Reactor::Core::runReady(std::span<const Ready> batch) {
  std::size_t ran = 0;
  for (const Ready& found : batch) {
    FdEntry& entry = table_.known(fdOf(found.token));
    if (entry.generation != generationOf(found.token)) {
      noteStale(entry);
      continue;
    }
    if (found.readable && runSlot(entry, detail::reading)) ++ran;
    if (found.writable && runSlot(entry, detail::writing)) ++ran;
  }
  return ran;
}

// Marks the slot too: where one number stands for two files, after a close before the removal, the
// kernel may report it twice.
inline bool Reactor::Core::runSlot(FdEntry& entry, Direction direction) {
  const AsyncCallback callback = entry.callbacks[direction];
  if (callback.function == nullptr || entry.since[direction] == pollNumber_) return false;
  entry.since[direction] = pollNumber_;
  callback.function(callback.udata);
  return true;
}

// Rare, hence without a list of its own.
std::size_t Reactor::Core::runFailures() {
  std::size_t ran = 0;
  table_.forEachRegistered([&](Fd, FdEntry& entry) {
    for (const Direction d : detail::directions) {
      if (std::exchange(entry.failed[d], false) && runSlot(entry, d)) ++ran;
    }
  });
  failuresDue_ = false;
  return ran;
}

std::size_t Reactor::Core::runTimers() {
  std::size_t ran = 0;
  for (;; ++ran) {
    const AsyncCallback callback = timers_.takeDue();
    if (callback.function == nullptr) break;
    callback.function(callback.udata);
  }
  return ran;
}

// Tells the backend what differs by now.
void Reactor::Core::applyChanges() noexcept {
  if (rebuildDue_) rebuild();
  changesDue_ = rebuildDue_;
  while (!changed_.empty()) {
    const Fd fd = changed_.take(table_);
    FdEntry& entry = table_.known(fd);
    const Interest wanted = entry.wanted();
    if (!wanted.any() || entry.asleep || wanted == entry.watched) continue;
    const std::uint64_t token = makeToken(fd, entry.generation);
    if (backend_->watch(fd, token, entry.watched, wanted)) {
      fail(fd, entry);
    } else {
      entry.watched = wanted;
    }
  }
}

// The descriptor no longer names the registered file. Its callbacks learn of it once.
void Reactor::Core::fail(Fd fd, FdEntry& entry) noexcept {
  end(fd, entry);
  entry.asleep = true;
  for (const Direction d : detail::directions) entry.failed[d] = entry.has(d);
  failuresDue_ = true;
}

// After an exception or a refused wait: what was due may have been removed since.
void Reactor::Core::findFailures() noexcept {
  failuresDue_ = false;
  table_.forEachRegistered([this](Fd, const FdEntry& entry) {
    if (entry.failed[detail::reading] || entry.failed[detail::writing]) failuresDue_ = true;
  });
}

// Moves all registrations to a new kernel object, which forgets those that have no descriptor any
// more (of a file that was closed, but lives on in a duplicate). If the OS refuses: later.
void Reactor::Core::rebuild() noexcept {
  std::unique_ptr<Backend> fresh = backend_->openAnother();
  if (!fresh) return;
  bool complete = true;
  table_.forEachRegistered([&](Fd fd, FdEntry& entry) {
    if (entry.asleep || !complete) return;
    const std::uint64_t token = makeToken(fd, entry.generation);
    if (backend_->watch(fd, token, entry.watched, entry.watched)) return fail(fd, entry);
    if (fresh->watch(fd, token, {}, entry.watched)) complete = false;
  });
  if (!complete) return;
  backend_ = std::move(fresh);
  rebuildDue_ = false;
}

// An event of a registration that ended. In the batch being run that is ordinary; later it is one
// that the OS could not be told to forget, and would report for ever.
void Reactor::Core::noteStale(const FdEntry& entry) noexcept {
  const bool endedInThisPoll = entry.since[0] == pollNumber_ || entry.since[1] == pollNumber_;
  if (!endedInThisPoll) rebuildDue_ = changesDue_ = true;
}

// ---- Reactor

Reactor::Reactor() noexcept
    : Reactor(std::unique_ptr<Core>(new (std::nothrow) Core(detail::openDefaultBackend()))) {}

Reactor::Reactor(std::unique_ptr<Core> core) noexcept : core_(std::move(core)) {}

Reactor::~Reactor() = default;

std::error_code Reactor::addReader(Fd fd, CallbackFunc callback, void* udata) noexcept {
  if (!core_) return makeError(std::errc::not_enough_memory);
  return core_->add(fd, detail::reading, {callback, udata});
}

bool Reactor::removeReader(Fd fd) noexcept { return core_ && core_->remove(fd, detail::reading); }

std::error_code Reactor::addWriter(Fd fd, CallbackFunc callback, void* udata) noexcept {
  if (!core_) return makeError(std::errc::not_enough_memory);
  return core_->add(fd, detail::writing, {callback, udata});
}

bool Reactor::removeWriter(Fd fd) noexcept { return core_ && core_->remove(fd, detail::writing); }

TimerId Reactor::addTimer(Clock::time_point deadline, CallbackFunc callback, void* udata) noexcept {
  if (!core_) return TimerId::none;
  return core_->addTimerAt(nanoseconds(deadline), {callback, udata});
}

TimerId Reactor::addTimer(Clock::duration delay, CallbackFunc callback, void* udata) noexcept {
  if (!core_) return TimerId::none;
  return core_->addTimerIn(delay, {callback, udata});
}

bool Reactor::removeTimer(TimerId timer) noexcept { return core_ && core_->removeTimer(timer); }

namespace detail {

Reactor ReactorAccess::create(OpenResult opened) noexcept {
  return Reactor(
      std::unique_ptr<Reactor::Core>(new (std::nothrow) Reactor::Core(std::move(opened))));
}

}  // namespace detail

}  // namespace kairos
