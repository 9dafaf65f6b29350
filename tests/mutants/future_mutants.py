# SPDX-License-Identifier: MIT OR Apache-2.0
"""Bugs in futures, coroutines, and what is waited for in turn."""

from mutant import mutants_of

_CONTEXT = mutants_of(
    "futures-addon/detail/context_core.cc",
    (
        "rest-of-tick-lost",
        "a callback that throws keeps others from running",
        "      core_.ready_.takeBefore(core_.batch_);\n",
        "      while (!core_.batch_.empty()) core_.batch_.popFront();\n",
    ),
    (
        "rest-of-tick-late",
        "after a callback that throws, others overtake those of its tick",
        "core_.ready_.takeBefore(core_.batch_);",
        "core_.ready_.takeBehind(core_.batch_);",
    ),
    (
        "endless-tick",
        "what a tick makes ready runs in the same tick",
        "  while (!batch_.empty()) runFirst();\n",
        "  while (!batch_.empty()) {\n    runFirst();\n    batch_.takeBehind(ready_);\n  }\n",
    ),
    (
        "timer-left",
        "a poll is woken for nothing after a sleep has drained",
        "  reactor_->removeTimer(timer_);\n  timer_ = TimerId::none;\n"
        "  isDrainComing_ = false;\n}\n",
        "}\n",
    ),
    (
        "scheduled-not-removed",
        "a callback runs that was removed after its future was finished",
        "  batch_.forEach(removeEqual);\n  ready_.forEach(removeEqual);\n",
        "  batch_.forEach(removeEqual);\n",
    ),
    (
        "wrong-removed",
        "the callback of another future is removed",
        "return of_ == &of && ",
        "return (of_ == &of || true) && ",
    ),
    (
        "end-without-abandon",
        "what cannot be cancelled survives its context",
        "  endRounds(&FutureState::abandon);\n",
        "",
    ),
    (
        "end-without-cancel",
        "coroutines are destroyed at the end of their context instead of cancelled",
        "  endRounds(&FutureState::cancelForGood);\n",
        "  endRounds(&FutureState::abandon);\n",
    ),
    (
        "end-drops-work",
        "a callback that begins new work at the end of its context goes on for ever",
        "  refusing_ = true;\n",
        "",
    ),
    (
        "unhandled-twice",
        "an error that nobody reads is thrown although there is a callback for it",
        "  if (unhandledErrorCallback.function == nullptr) {\n    if (ending_) return;\n",
        "  {\n",
    ),
    (
        "nothing-is-called",
        "a callback of nothing is taken",
        'void WaiterAccess::refuseNothing() { throw FutureError("A callback is needed."); }',
        "void WaiterAccess::refuseNothing() { throw 1; }",
    ),
)

_STATE = mutants_of(
    "futures-addon/detail/future_state.cc",
    (
        "guest-unknown",
        "the end of a context does not reach a coroutine that met it late",
        "  core.addGuest();\n  if (isPending()) enroll();\n",
        "  core.addGuest();\n",
    ),
    (
        "guest-uncounted",
        "a coroutine that met its context late refers to it after it has gone",
        "  word_.add(Mark::guest);\n  core.addGuest();\n",
        "",
    ),
    (
        "late-callback-inside",
        "a callback runs inside addCallback",
        "  core_->schedule(waiter);\n",
        "  WaiterAccess::run(waiter);\n",
    ),
    (
        "late-callback-after-end",
        "a callback that can never run is taken",
        "  if (core_->isOver())",
        "  if (core_->isOver() && false)",
    ),
    (
        "outermost-cancelled",
        "a request to cancel does not reach the innermost operation",
        "  while (Awaited* const inner = way.next()) {\n    innermost->passRequest();\n",
        "  while (Awaited* const inner = nullptr) {\n    innermost->passRequest();\n",
    ),
    (
        "request-lost",
        "a request that cannot be delivered now is forgotten",
        "  keepRequestFrom(outermost);\n  return false;\n",
        "  return false;\n",
    ),
    (
        "removed-once",
        "of equal callbacks only the first is removed",
        "    ++removed;\n  };\n  if (word_",
        "    removed = 1;\n  };\n  if (word_",
    ),
    (
        "broken-promise-silent",
        "a future whose promise has gone waits for ever",
        "  if (!isUnknown) fail(",
        "  if (isUnknown) fail(",
    ),
    (
        "unread-told-again",
        "an error that was told is told again when its future goes",
        "  observe();\n  core_->reportUnhandled",
        "  core_->reportUnhandled",
    ),
    (
        "cancel-after-end",
        "what is finished can be cancelled",
        "return isPending() ? cancelWork() : word_.is(FutureStatus::cancelled);",
        "return cancelWork();",
    ),
) + mutants_of(
    "futures-addon/detail/context_core.cc",
    (
        "condemned-stays-known",
        "a pending future that goes with another is still on the list of its context",
        "  future.disenroll();\n  condemned_",
        "  condemned_",
    ),
)

_COROUTINE = mutants_of(
    "futures-addon/detail/coroutine.cc",
    (
        "several-never-woken",
        "of several who wait for a coroutine none goes on",
        "  if (state_.isWaitedFor()) wakeAll();\n  return next;\n",
        "  return next;\n",
    ),
    (
        "callback-taken-for-coroutine",
        "a callback on a coroutine crashes",
        "coroutineOf(WaiterAccess::callbackOf(*waiter));",
        "static_cast<FutureState*>(WaiterAccess::callbackOf(*waiter).udata);",
    ),
    (
        "abandoned-goes-on",
        "a coroutine that was ended by its context is resumed",
        "  if (!state_.isPending()) return nullptr;\n",
        "",
    ),
    (
        "abandoned-ends-again",
        "the frame of a coroutine goes that others hold, when another library resumes it too late",
        "  if (!state_.isPending()) return;\n  if (!state_.word_.has(Mark::holdsItself))",
        "  if (!state_.word_.has(Mark::holdsItself))",
    ),
    (
        "abandoned-keeps-error",
        "the error of a coroutine that was cancelled where it stands is never destroyed",
        "  if (!state_.isPending()) return;\n  try {\n",
        "  try {\n",
    ),
    (
        "cancelled-fails",
        "a coroutine that lets CancelledError out has failed",
        "    state_.word_.add(Mark::threwCancelled);\n",
        "    state_.keepError(std::current_exception());\n    state_.word_.add(Mark::threw);\n",
    ),
    (
        "request-delivered-twice",
        "one request to cancel is delivered at every await",
        "  if (state_.hasRequest() && requestCancelSoon(state_)) state_.dropRequest();\n",
        "  if (state_.hasRequest()) requestCancelSoon(state_);\n",
    ),
    (
        "coroutine-leak",
        "a coroutine that has ended keeps its memory",
        "  ~Release() { state.release(); }\n",
        "  ~Release() {}\n",
    ),
    (
        "callbacks-stop-at-exception",
        "of the callbacks of a coroutine without context, one that throws is the last to run",
        "      if (thrown == nullptr) thrown = std::current_exception();\n",
        "      throw;\n",
    ),
)

_DERIVED = mutants_of(
    "futures-addon/detail/timeout_states.h",
    (
        "late-not-cancelled",
        "what is late is not cancelled",
        "      requestCancelSoon(self.of_);\n",
        "",
    ),
    (
        "limit-timer-left",
        "the timer of a limit outlives what was in time",
        "    this->core_->reactor().removeTimer(timer_);\n",
        "",
    ),
    (
        "limit-not-cancelled",
        "cancelling a limit does not cancel what it is for",
        "return this->isPending() ? &this->of_ : nullptr;",
        "return nullptr;",
    ),
    (
        "limit-keeps-request",
        "a limit that could not pass a request on counts as cancelled",
        "{ isCancelled_ = wasCancelled_; }",
        "{}",
    ),
    (
        "finished-in-time-is-late",
        "what ends with a value after it was asked to for being late counts as late",
        "end(isOtherCancelled && isTimeOver_,",
        "end(isTimeOver_,",
    ),
    compiled=("futures-addon/timeout.cc",),
) + mutants_of(
    "futures-addon/detail/group_states.h",
    (
        "group-stays-on-losers",
        "a group that has ended is still called by its members",
        "    for (Membership& member : members_.all()) member.unlink();\n",
        "",
    ),
    (
        "all-of-nothing",
        "all of no futures is never finished",
        "  bool endIfEmpty() { return this->size() == 0 && end(); }\n",
        "",
    ),
    compiled=("futures-addon/group.cc",),
) + mutants_of(
    "futures-addon/group.cc",
    (
        "both-like-one",
        "an and is finished when one side is",
        "--left_ > 0",
        "--left_ > 1",
    ),
    (
        "or-fails-silently",
        "an or whose first fails is completed",
        "    if (state.status() == FutureStatus::failed) {\n",
        "    if (state.status() == FutureStatus::failed && false) {\n",
    ),
) + mutants_of(
    "futures-addon/cancel.cc",
    (
        "join-cancels",
        "cancelling a join cancels what it waits for",
        "  void leave() noexcept { unfollow(); }\n"
        "  void followedFinished() { endWithValue(); }\n};\n",
        "  void leave() noexcept {\n    unfollow();\n    detail::requestCancel(of_);\n  }\n"
        "  void followedFinished() { endWithValue(); }\n};\n",
    ),
    (
        "cancel-and-wait-only-waits",
        "cancelAndWait cancels nothing",
        "    detail::requestCancelSoon(of_);\n",
        "",
    ),
) + mutants_of(
    "futures-addon/sleep.cc",
    (
        "cancelled-sleep-wakes",
        "a cancelled sleep keeps its timer",
        "    core()->reactor().removeTimer(timer_);\n",
        "",
    ),
    (
        "sleep-drains-not",
        "who waits for a sleep goes on a poll later",
        "    core.drain();\n",
        "    static_cast<void>(core);\n",
    ),
)

_TURNS = mutants_of(
    "futures-addon/detail/turn_queue.cc",
    (
        "given-is-lost",
        "what was given to one that goes before it runs is lost",
        "  owner_.takeBack(*this, turn);\n",
        "",
    ),
    (
        "destroyed-in-silence",
        "those who wait for a thing that is destroyed wait for ever",
        "  refuseAll();\n",
        "",
    ),
    (
        "given-of-the-dead",
        "one that was served by a thing that is gone believes that it has it",
        "  disownGiven(Turn::State::refused);\n",
        "  disownGiven(Turn::State::served);\n",
    ),
) + mutants_of(
    "futures-addon/detail/turn_queue.h",
    (
        "served-from-the-end",
        "who has waited for the shortest time is served first",
        "    waiting_.pushBack(turn);\n",
        "    LinkList<Turn> one;\n    one.pushBack(turn);\n    waiting_.takeBefore(one);\n",
    ),
    (
        "served-by-counting",
        "to serve one takes the longer the more wait",
        "    --size_;\n    serve(turn);\n",
        "    size_ = 0;\n    waiting_.forEach([this](Turn&) { ++size_; });\n    serve(turn);\n",
    ),
    compiled=(
        "futures-addon/async_event.cc",
        "futures-addon/async_lock.cc",
        "futures-addon/async_semaphore.cc",
        "futures-addon/token_bucket.cc",
    ),
) + mutants_of(
    "futures-addon/async_lock.cc",
    (
        "released-between",
        "a lock that is handed over can be taken by another",
        "    queue_.serveFirst();\n",
        "    isLocked_ = false;\n    queue_.serveFirst();\n",
    ),
    (
        "released-twice",
        "a lock that is on its way is released by a stranger",
        "isLocked_ && queue_.underWay() == 0",
        "isLocked_",
    ),
) + mutants_of(
    "futures-addon/async_semaphore.cc",
    (
        "places-made",
        "a release that hands over makes a place as well",
        "    queue_.serveFirst();\n",
        "    queue_.serveFirst();\n    ++available_;\n",
    ),
) + mutants_of(
    "futures-addon/async_event.cc",
    (
        "fires-for-one",
        "an event wakes one of those who wait",
        "  while (!queue_.empty()) queue_.serveFirst();\n",
        "  if (!queue_.empty()) queue_.serveFirst();\n",
    ),
) + mutants_of(
    "futures-addon/token_bucket.cc",
    (
        "parts-of-tokens-lost",
        "a bucket that is looked at often fills more slowly",
        "static_cast<std::uint64_t>(credit % ticks())}",
        "0}",
    ),
    (
        "newcomers-first",
        "one who comes takes tokens that others wait for",
        "  if (!queue_.empty()) return false;\n  refill();\n",
        "  refill();\n",
    ),
    (
        "tokens-of-the-cancelled",
        "the tokens of one that is cancelled are lost",
        "  level_.tokens += std::min(got, room);\n",
        "  static_cast<void>(room);\n",
    ),
    (
        "window-drifts",
        "the periods of a bucket begin when it is looked at",
        "level_.since + periods * options_.period, 0}",
        "now, 0}",
    ),
    (
        "overfull",
        "a bucket holds more than its capacity",
        "  level_.tokens += std::min(tokens, capacity() - level_.tokens);\n",
        "  level_.tokens += tokens;\n",
    ),
) + mutants_of(
    "futures-addon/run.cc",
    (
        "drain-for-ever",
        "drain lasts longer than asked",
        " && !time.isOver()) pollOnce",
        ") pollOnce",
    ),
) + mutants_of(
    "futures-addon/periodic_timer.cc",
    (
        "period-drifts",
        "a rhythm shifts by each lateness",
        "  deadline_ = after(deadline_, period_);\n  const Clock",
        "  deadline_ = after(options_.now(), period_);\n  const Clock",
    ),
)

MUTANTS = _CONTEXT + _STATE + _COROUTINE + _DERIVED + _TURNS
