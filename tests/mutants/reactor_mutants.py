# SPDX-License-Identifier: MIT OR Apache-2.0
"""Bugs in what the reactor itself does: registration, the poll, dispatch, misuse, errors."""

from mutant import mutants_of

_REGISTRATION = mutants_of(
    "reactor/reactor.cc",
    (
        "taken-slot-replaced",
        "a second callback for a taken slot replaces the first",
        "  if (entry->has(direction)) return makeError(std::errc::file_exists);\n",
        "",
    ),
    (
        "sleeper-takes-more",
        "a descriptor whose change failed takes a callback that can never run",
        "  if (entry->asleep) return makeError(std::errc::bad_file_descriptor);\n",
        "",
    ),
    (
        "memory-for-refused",
        "a refused descriptor costs memory",
        "  const FdEntry* known = table_.find(fd);\n",
        "  const FdEntry* known = fd < 0 ? nullptr : table_.make(fd);\n",
    ),
    (
        "watched-without-memory",
        "a descriptor that was refused for lack of memory stays with the OS",
        "    backend_->watch(fd, token, interest, {});\n",
        "",
    ),
    (
        "one-slot-twice",
        "a callback runs twice in a poll when one number stands for two files",
        "  entry.since[direction] = pollNumber_;\n  callback.function(",
        "  callback.function(",
    ),
    (
        "failure-hurries",
        "a poll returns at once for a failure that was removed when a callback threw",
        "  if (failuresDue_) findFailures();\n",
        "",
    ),
    (
        "removed-stays-counted",
        "a poll waits for ever after the last registration was removed",
        "  --registered_;\n",
        "",
    ),
    (
        "removed-stays-watched",
        "the OS goes on watching what was removed",
        "  if (!entry.asleep) backend_->watch(fd, makeToken(fd, entry.generation),"
        " entry.watched, {});\n",
        "",
    ),
    (
        "removal-not-dated",
        "the rest of a batch that a callback removed is taken for an orphan of the OS",
        "  entry->callbacks[direction] = {};\n  entry->since[direction] = pollNumber_;\n",
        "  entry->callbacks[direction] = {};\n",
    ),
    (
        "same-generation",
        "a file that got the number of a removed one sees its event",
        "  ++entry.generation;\n",
        "",
    ),
    (
        "sleeps-for-ever",
        "a descriptor that was removed after a failed change cannot be added again",
        "  entry.asleep = false;\n",
        "",
    ),
    (
        "half-removal-not-told",
        "the OS goes on reporting the one direction that was removed",
        "  } else if (!entry->asleep) {\n    noteChange(fd, *entry);\n  }\n",
        "  }\n",
    ),
    (
        "second-direction-not-told",
        "a writer that is added beside a reader never runs",
        "  fill(*entry, direction, callback);\n  noteChange(fd, *entry);\n",
        "  fill(*entry, direction, callback);\n",
    ),
)

_POLL = mutants_of(
    "reactor/reactor.cc",
    (
        "nested-poll",
        "a poll inside a callback is let in",
        "  if (backend_ && !polling_ && registered_ != 0) return true;\n",
        "  if (backend_ && registered_ != 0) return true;\n",
    ),
    (
        "polling-after-exception",
        "after a callback has thrown each poll is refused as nested",
        "  ~PollScope() { core_.polling_ = false; }\n",
        "  ~PollScope() { if (std::uncaught_exceptions() == 0) core_.polling_ = false; }\n",
    ),
    (
        "deadlock-not-refused",
        "an unlimited poll with nothing registered hangs",
        "} else if (unlimited && registered_ == 0 && timers_.empty()) {",
        "} else if (unlimited && false) {",
    ),
    (
        "deadlock-beside-timers",
        "an unlimited poll that a timer would end is refused",
        "unlimited && registered_ == 0 && timers_.empty()",
        "unlimited && registered_ == 0",
    ),
    (
        "negative-is-finite",
        "an unlimited poll with nothing registered hangs if its timeout is negative",
        "  const bool unlimited = timeout < Clock::duration::zero() || timeout == forever;\n",
        "  const bool unlimited = timeout == forever;\n",
    ),
    (
        "waits-before-deferred",
        "a deferred call waits for the timeout",
        "  if (failuresDue_ || timers_.hasDeferred()) return Clock::duration::zero();\n",
        "  if (failuresDue_) return Clock::duration::zero();\n",
    ),
    (
        "waits-before-failures",
        "the callbacks of a failed change wait for the timeout",
        "  if (failuresDue_ || timers_.hasDeferred()) return Clock::duration::zero();\n",
        "  if (timers_.hasDeferred()) return Clock::duration::zero();\n",
    ),
    (
        "unlimited-ignores-timers",
        "an unlimited poll sleeps through its timers",
        "  return timeout < Clock::duration::zero() ? left :"
        " std::min<Clock::duration>(timeout, left);\n",
        "  return std::min<Clock::duration>(timeout, left);\n",
    ),
    (
        "timeout-ignored",
        "a poll with a timer waits longer than its timeout",
        "  return timeout < Clock::duration::zero() ? left :"
        " std::min<Clock::duration>(timeout, left);\n",
        "  return left;\n",
    ),
    (
        "no-reading-after-wait",
        "a timer whose time came during the wait needs another poll",
        "  readClock();\n  const detail::TimerQueue::PollScope timersScope(timers_);\n",
        "  const detail::TimerQueue::PollScope timersScope(timers_);\n",
    ),
    (
        "reading-before-each-timer",
        "a poll reads the clock more than twice",
        "    const AsyncCallback callback = timers_.takeDue();\n",
        "    readClock();\n    const AsyncCallback callback = timers_.takeDue();\n",
    ),
    (
        "delay-from-last-reading",
        "a delay counts from the last poll instead of from the call",
        "  readClock();\n  return timers_.add(later(timers_.time(), delay), callback);\n",
        "  return timers_.add(later(timers_.time(), delay), callback);\n",
    ),
    (
        "delay-overflows",
        "a delay that reaches over the end of time is due at once",
        "  return now > detail::never - ns ? detail::never : now + ns;\n",
        "  Nanoseconds sum = 0;\n  (void)__builtin_add_overflow(now, ns, &sum);\n  return sum;\n",
    ),
)

_DISPATCH = mutants_of(
    "reactor/reactor.cc",
    (
        "stale-event",
        "an event of an ended registration reaches the next one of its number",
        "if (entry.generation != generationOf(found.token)) {",
        "if (generationOf(found.token) == ~0u) {",
    ),
    (
        "old-event",
        "a registration sees an event that is older than it",
        "callback.function == nullptr || entry.since[direction] == pollNumber_",
        "callback.function == nullptr",
    ),
    (
        "writer-first",
        "the writer of a descriptor runs before its reader",
        "    if (found.readable && runSlot(entry, detail::reading)) ++ran;\n"
        "    if (found.writable && runSlot(entry, detail::writing)) ++ran;\n",
        "    if (found.writable && runSlot(entry, detail::writing)) ++ran;\n"
        "    if (found.readable && runSlot(entry, detail::reading)) ++ran;\n",
    ),
    (
        "writer-not-looked-up-again",
        "a writer runs although its reader has just removed it",
        "    if (found.readable && runSlot(entry, detail::reading)) ++ran;\n"
        "    if (found.writable && runSlot(entry, detail::writing)) ++ran;\n",
        "    FdEntry seen = entry;\n"
        "    if (found.readable && runSlot(entry, detail::reading)) ++ran;\n"
        "    if (found.writable && runSlot(seen, detail::writing)) ++ran;\n",
    ),
    (
        "timers-first",
        "due timers run before ready descriptors",
        "  ran += runReady(ready);\n  return ran + runTimers();\n",
        "  ran += runTimers();\n  return ran + runReady(ready);\n",
    ),
    (
        "failure-told-twice",
        "the callbacks of a failed change run again",
        "std::exchange(entry.failed[d], false)",
        "entry.failed[d]",
    ),
    (
        "removed-failure-told",
        "a callback that replaced one of a failed change is told of that failure",
        "  entry->failed[direction] = false;\n",
        "",
    ),
    (
        "failed-change-forgotten",
        "a change that the OS refused counts as made",
        "    if (backend_->watch(fd, token, entry.watched, wanted)) {\n      fail(fd, entry);\n",
        "    if (backend_->watch(fd, token, entry.watched, wanted)) {\n"
        "      entry.watched = wanted;\n",
    ),
    (
        "failed-change-spins",
        "a descriptor that a change failed for is not put to sleep",
        "  end(fd, entry);\n  entry.asleep = true;\n",
        "  end(fd, entry);\n",
    ),
    (
        "orphan-spins",
        "a file that was closed before it was removed makes polls return early for ever",
        "  if (!endedInThisPoll) rebuildDue_ = changesDue_ = true;\n",
        "  (void)endedInThisPoll;\n",
    ),
    (
        "rebuild-for-nothing",
        "a callback that removes another of its batch makes all registrations move",
        "  if (!endedInThisPoll) rebuildDue_ = changesDue_ = true;\n",
        "  (void)endedInThisPoll;\n  rebuildDue_ = changesDue_ = true;\n",
    ),
    (
        "rebuild-adopts-strangers",
        "a move of all registrations takes over a new file that has an old number",
        "    if (backend_->watch(fd, token, entry.watched, entry.watched))"
        " return fail(fd, entry);\n",
        "",
    ),
    (
        "rebuild-incomplete",
        "a move that the OS interrupted loses registrations",
        "  if (!complete) return;\n",
        "",
    ),
)

_OWNER = mutants_of(
    "reactor/reactor.cc",
    (
        "threads-not-told-apart",
        "a call from another thread goes unnoticed",
        "    if constexpr (detail::misuseChecked) owner_.claim(call);\n",
        "    (void)call;\n",
    ),
    (
        "destroyed-in-callback",
        "the destruction of a reactor inside its callback goes unnoticed",
        "  if (detail::misuseChecked && polling_) {\n",
        "  if (detail::misuseChecked && polling_ && false) {\n",
    ),
) + mutants_of(
    "reactor/misuse.cc",
    (
        "forks-not-told-apart",
        "use in a forked child goes unnoticed",
        "madvise(page, markBytes, MADV_WIPEONFORK) == 0",
        "madvise(page, markBytes, MADV_DOFORK) == 0",
    ),
)

_OTHERS = mutants_of(
    "reactor/backends/default_backend_linux.cc",
    (
        "slow-in-silence",
        "want of descriptors makes the reactor slow instead of being reported",
        "  return forbidden ? openPollBackend() : std::move(opened);\n",
        "  return forbidden || opened.error ? openPollBackend() : std::move(opened);\n",
    ),
) + mutants_of(
    "reactor/error.cc",
    (
        "error-equals-nothing",
        "errors do not compare equal to std::errc",
        "    return {value, std::generic_category()};\n",
        "    return {value, *this};\n",
    ),
)

MUTANTS = _REGISTRATION + _POLL + _DISPATCH + _OWNER + _OTHERS
