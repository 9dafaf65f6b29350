# SPDX-License-Identifier: MIT OR Apache-2.0
"""Which cases are measured, and what each is compared with."""

import dataclasses

# Those that time is compared between, in the order of the tables.
CONTESTANTS = ("bare", "bare2", "kairos", "libev", "libuv", "libevent", "asio")

_ACTIVITIES = ((100, 1), (100, 100), (1000, 1), (1000, 100), (1000, 1000),
               (9900, 1), (9900, 100), (9900, 1000))
_RESERVED = 100  # descriptors that are not the workload's
_POPULATIONS = ("1000", "100000", "1000000")
_DISTRIBUTIONS = ("uniform", "equal")
TIMER_METRICS = ("add", "cancel", "replace", "refresh")


@dataclasses.dataclass(frozen=True)
class Case:
    """One benchmark of the program bench, which each contestant runs in a process of its own."""

    workload: str
    parameters: str
    metrics: tuple = ("ns",)
    base: str = "bare"  # whom ratios are formed against
    rounds_max: int = 1000
    counted: bool = False  # system calls and allocations are counted as well
    contestants: tuple = CONTESTANTS

    @property
    def name(self):
        return self.workload + "/" + self.parameters

    def filter(self, contestant):
        """The regular expression that makes bench run this and nothing else."""
        return "^BM_%s/%s/%s/" % (self.workload, contestant, self.parameters)

    @property
    def is_small(self):
        """Whether it is quick, for trying things out."""
        sizes = [int(part) for part in self.parameters.split("/") if part.isdigit()]
        return self.workload != "Memory" and max(sizes, default=0) <= 1000


def _timers():
    for distribution in _DISTRIBUTIONS:
        for population in _POPULATIONS:
            yield Case("Timers", "%s/%s" % (distribution, population), TIMER_METRICS, "libev",
                       counted=distribution == "uniform" and population == "1000")
    for walk in ("backlog", "steps"):
        for distribution in _DISTRIBUTIONS:
            for population in _POPULATIONS:
                yield Case("TimerFire", "%s/%s/%s" % (walk, distribution, population),
                           base="libev",
                           counted=distribution == "uniform" and population == "1000")


def _dispatch(descriptors):
    # A low limit of open descriptors makes the program take fewer pairs, and say so in the names.
    pairs = (descriptors - _RESERVED) // 2
    fitting = dict.fromkeys(
        (min(registered, pairs), min(active, pairs)) for registered, active in _ACTIVITIES)
    return [Case(workload, "%d/%d" % activity, counted=activity == (1000, 100))
            for workload in ("Dispatch", "DispatchAlone") for activity in fitting]


def all_cases(descriptors=20_000):
    """Every case, in the order in which a round goes through them, for a machine that allows so
    many open descriptors."""
    registration = [Case("Registration", what, counted=True)
                    for what in ("reader_add_remove", "writer_arm_disarm", "writer_cycle")]
    polls = [Case("EmptyPoll", what, counted=True) for what in ("no_timer", "with_timer")]
    others = [
        Case("Deferred", "1000", base="libev", counted=True),
        Case("Memory", "timer", ("bytes",), rounds_max=1),
        Case("Memory", "descriptor", ("bytes",), rounds_max=1),
        Case("Idle", "1000ms", ("turns", "cpu_ms"), rounds_max=1),
    ]
    return _dispatch(descriptors) + polls + registration + list(_timers()) + others
