# SPDX-License-Identifier: MIT OR Apache-2.0
"""What the futures are to reach, and their report as Markdown."""

import dataclasses
import statistics

from reporting import text
from reporting.ratios import Ratio

_WAITER = "kairos-waiter"  # a callback whose place in the queue is the user's
_PEERS = ("asio", "boost-fiber", "std-promise", "nim")


@dataclasses.dataclass(frozen=True)
class Goal:
    """At most `limit` times a base; without one, times the best of the peers."""

    claim: str
    workload: str
    limit: float
    base: str = None
    contestant: str = "kairos"


GOALS = (
    Goal("future: create, callback, complete, drained", "callback", 1.5, "bare", _WAITER),
    Goal("await of what is finished", "await-ready", 1.2, "bare"),
    Goal("call of a coroutine, awaited", "call", 1.2, "bare"),
    Goal("pending future, completed by the loop", "pending", 0.15, "asio"),
    Goal("future: create, callback, complete, drained", "callback", 1),
    Goal("sleepAsync", "sleep", 1),
    Goal("queue, handed over", "queue", 1),
    Goal("lock, handed over", "lock", 1),
    Goal("withTimeout that does not fire", "timeout", 1),
    Goal("spawn", "spawn", 1),
)


@dataclasses.dataclass(frozen=True)
class Echo:
    """What was found of the echo by coroutines: reporting.ratios.Results, the cases, and
    {case: {contestant: counts}}."""

    results: object
    cases: list
    counts: dict


def _ratio(times, workload, contestant, base):
    pairs = zip(times[workload, contestant], times[workload, base])
    return Ratio.of([value / of for value, of in pairs])


def _best_peer(times, workload):
    present = [peer for peer in _PEERS if (workload, peer) in times]
    return min(present, key=lambda peer: statistics.median(times[workload, peer]))


def _row(claim, limit, base, ratio):
    met = "yes" if ratio.median <= limit else "**no**"
    return [claim, "<= %.2f x %s" % (limit, base), text.ratio_text(ratio), met]


def _goal_table(times, echo):
    rows = []
    for goal in GOALS:
        base = goal.base or _best_peer(times, goal.workload)
        rows.append(_row("%s (%s)" % (goal.claim, goal.contestant), goal.limit, base,
                         _ratio(times, goal.workload, goal.contestant, base)))
    for case in echo.cases:
        rows.append(_row("CPU of an echo server, " + case.parameters, case.goal, "callbacks",
                         echo.results.ratio(case, "ns", "kairos_await", "kairos")))
    return "#### Goals\n\n" + text.table(["what", "goal", "ratio", "met"], rows)


def _time_table(times):
    rows = []
    for workload in dict.fromkeys(name for name, _ in times):
        ways = [way for name, way in times if name == workload]
        for way in ways:
            rows.append([workload, way, text.figure(statistics.median(times[workload, way])),
                         text.ratio_text(_ratio(times, workload, way, ways[0]))])
    return ("#### Per operation, against the first of each workload\n\n"
            + text.table(["workload", "by", "ns", "ratio"], rows))


def _echo_table(echo):
    rows = [[case.parameters, *(text.figure(echo.results.median(case, "ns", name))
                                for name in case.contestants)] for case in echo.cases]
    return ("#### Echo server: its CPU per message, ns\n\n"
            + text.table(["", "callbacks", "co_await"], rows))


def _counted(value):
    return "-" if value is None else "%.2f" % value


def _count_table(echo):
    rows = [[case.parameters, {"kairos": "callbacks"}.get(name, "co_await"),
             *(_counted(counts[what])
               for what in ("waits", "epoll_ctl", "others", "allocations", "instructions"))]
            for case, found in echo.counts.items() for name, counts in found.items()]
    if not rows:
        return ""
    return ("#### Echo server: per message\n\n" + text.table(
        ["", "by", "waits", "epoll_ctl", "other system calls", "allocations", "instructions"],
        rows))


def report(times, echo):
    """`times` is {(workload, contestant): [nanoseconds of each round]}."""
    return "\n".join((_goal_table(times, echo), _time_table(times), _echo_table(echo),
                      _count_table(echo)))
