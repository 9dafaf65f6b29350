# SPDX-License-Identifier: MIT OR Apache-2.0
"""What Kairos is to reach, and whether the measured rounds show it."""

import dataclasses
import re


@dataclasses.dataclass(frozen=True)
class TimeGoal:
    """At most `limit` times what `base` takes, in every case that `cases` matches."""

    claim: str
    cases: str
    metric: str
    base: str
    limit: float

    def verdicts(self, results):
        """[(case, Ratio, limit, verdict)], one of each case that was measured."""
        found = []
        for case, metric in results.rows:
            if metric == self.metric and re.fullmatch(self.cases, case.name):
                ratio = results.ratio(case, metric, "kairos", self.base)
                spread = results.spread(case, metric)
                found.append((case, ratio, self._verdict(ratio, spread)))
        return found

    def _verdict(self, ratio, spread):
        if ratio.median <= self.limit:
            return "yes"
        # Against the bare loop nothing closer than its own twin can be asked for; against a peer
        # the same uncertainty applies to the figure.
        bound = spread.most if self.base == "bare" else self.limit * spread.most
        return "within the spread" if ratio.median <= bound else "no"


def _by_size(claim, cases, metric, limits):
    return [
        TimeGoal("%s, %s pending" % (claim, size), cases + size, metric, "libev", limit)
        for size, limit in zip(("1000", "100000", "1000000"), limits)
    ]


TIME_GOALS = [
    TimeGoal("dispatch with work", r"Dispatch/.*", "ns", "bare", 1.03),
    TimeGoal("dispatch alone, K >= 100", r"DispatchAlone/\d+/\d{3,}", "ns", "bare", 1.03),
    TimeGoal("dispatch alone, K = 1", r"DispatchAlone/\d+/1", "ns", "bare", 1.05),
    TimeGoal("empty poll(0)", r"EmptyPoll/no_timer", "ns", "bare", 1.05),
    TimeGoal("reader added and removed", r"Registration/reader_add_remove", "ns", "bare", 1.05),
    TimeGoal("writer armed and disarmed", r"Registration/writer_arm_disarm", "ns", "libev", 0.5),
    *_by_size("timer add", r"Timers/\w+/", "add", (0.5, 0.8, 0.9)),
    *_by_size("timer cancel", r"Timers/\w+/", "cancel", (0.4, 0.5, 0.6)),
    *_by_size("timer remove and add", r"Timers/\w+/", "replace", (0.5, 0.6, 0.75)),
    *_by_size("timer fire", r"TimerFire/\w+/\w+/", "ns", (0.5, 0.8, 0.7)),
    TimeGoal("zero timer", r"Deferred/.*", "ns", "libev", 0.5),
]


@dataclasses.dataclass(frozen=True)
class FigureGoal:
    """A figure of Kairos itself: at most `limit`."""

    claim: str
    cases: str
    limit: float
    metric: str = ""  # of the rounds
    count: str = ""  # or of the counts

    def measured(self, results, counts):
        """[(case, value)], one of each case that was measured."""
        if self.metric:
            return [
                (case, results.median(case, metric, "kairos"))
                for case, metric in results.rows
                if metric == self.metric and re.fullmatch(self.cases, case.name)
            ]
        return [
            (case, getattr(found, self.count))
            for (case, contestant), found in counts.items()
            if contestant == "kairos" and re.fullmatch(self.cases, case.name)
            and getattr(found, self.count) is not None
        ]


# What a count may be off by when it says none: a few calls at the edges of several thousand.
_NONE = 0.0005

FIGURE_GOALS = [
    FigureGoal("no epoll_ctl per event", r"Dispatch(Alone)?/.*", _NONE, count="epoll_ctl"),
    FigureGoal("no allocation per operation",
               r"(Dispatch|DispatchAlone|EmptyPoll|Registration|Deferred|Timers|TimerFire)/.*",
               _NONE, count="allocations"),
    FigureGoal("writer armed and disarmed: no epoll_ctl", r"Registration/writer_arm_disarm",
               _NONE, count="epoll_ctl"),
    FigureGoal("writer fires, removes itself, is armed again: no epoll_ctl",
               r"Registration/writer_cycle", _NONE, count="epoll_ctl"),
    FigureGoal("bytes per pending timer", r"Memory/timer", 64, metric="bytes"),
    FigureGoal("bytes per registered descriptor", r"Memory/descriptor", 64, metric="bytes"),
    FigureGoal("polls for one timer of 1000 ms", r"Idle/.*", 1, metric="turns"),
    FigureGoal("CPU ms for one timer of 1000 ms", r"Idle/.*", 2, metric="cpu_ms"),
]
