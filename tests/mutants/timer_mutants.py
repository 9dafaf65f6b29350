# SPDX-License-Identifier: MIT OR Apache-2.0
"""Bugs in the queue of timers."""

from mutant import mutants_of

_TIMERS = mutants_of(
    "reactor/timer_store.h",
    (
        "ties-reversed",
        "timers of one deadline run in another order than they were added",
        "a.deadline < b.deadline : a.order < b.order;",
        "a.deadline < b.deadline : a.order > b.order;",
    ),
    (
        "ids-wear-out",
        "a place for timers is given up after few uses",
        "lastGeneration = (std::uint64_t{1} << 40) - 1;",
        "lastGeneration = (std::uint64_t{1} << 8) - 1;",
    ),
    (
        "stale-id-removes-another",
        "an id of a timer that has run removes a later one",
        "  const bool live = found.generation() == ",
        "  const bool live = found.generation() >= ",
    ),
) + mutants_of(
    "reactor/timer_store.cc",
    (
        "ids-come-again",
        "after its memory went back the store hands out ids that were used",
        "  firstGeneration_ = std::max(firstGeneration_, highestGeneration_);\n",
        "",
    ),
) + mutants_of(
    "reactor/timer_queue.cc",
    (
        "one-nanosecond-early",
        "a timer runs before its deadline",
        "  parkedUntil_ = pollTime_ = time_;\n",
        "  parkedUntil_ = pollTime_ = time_ + 1;\n",
    ),
    (
        "added-runs-at-once",
        "deferred calls that add deferred calls keep poll from returning",
        "  pollAdditions_ = additions_;\n",
        "  pollAdditions_ = ~std::uint64_t{0};\n",
    ),
    (
        "forever-is-a-deadline",
        "a timer that never fires does",
        "deadline > parkedUntil_ && deadline != never",
        "deadline > parkedUntil_",
    ),
    (
        "deferred-overtakes",
        "a deferred call runs before a timer that was due when it was added",
        "make(time_, callback)",
        "make(time_ - 1'000'000, callback)",
    ),
    (
        "no-room-for-parked",
        "a timer that was added is lost for lack of memory",
        "heap_.reserve(heap_.size() + parkedCount_ + 1)",
        "heap_.reserve(heap_.size() + 1)",
    ),
    (
        "timer-memory-kept",
        "the memory of many due timers does not go back when none is left",
        "  heap_.giveMemoryBack();\n",
        "",
    ),
) + mutants_of(
    "reactor/timer_wheel.h",
    (
        "negative-deadlines-last",
        "a deadline before the clock's zero counts as a distant one",
        "  return (static_cast<std::uint64_t>(deadline) ^ signBit) >> tickBits;\n",
        "  return static_cast<std::uint64_t>(deadline) >> tickBits;\n",
    ),
    (
        "removed-timer-wakes",
        "a poll returns when a timer would have been due that was removed",
        "    if (timer == earliestTimer_) forgetEarliest();\n",
        "",
    ),
) + mutants_of(
    "reactor/timer_wheel.cc",
    (
        "finer-bucket-first",
        "timers of a wide bucket run after later ones of a narrow one",
        "(begin == firstBegin_ && bucket > firstBucket_)",
        "(begin == firstBegin_ && bucket < firstBucket_)",
    ),
) + mutants_of(
    "reactor/timer_heap.cc",
    (
        "heap-out-of-order",
        "timers that are due run out of order",
        "    const std::size_t parent = (hole - 1) / children;\n",
        "    const std::size_t parent = hole / children;\n",
    ),
)

MUTANTS = _TIMERS
