# SPDX-License-Identifier: MIT OR Apache-2.0
"""Runs the benchmark programs: times in rounds, and counts of system calls and allocations."""

import collections
import dataclasses
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

from reporting import cases

_WAITS = ("epoll_wait", "epoll_pwait", "epoll_pwait2")


class Failure(Exception):
    """A benchmark did not run, or found that a contestant had not done the work."""


@dataclasses.dataclass(frozen=True)
class Sample:
    """What one process said about one metric."""

    round: int
    case: cases.Case
    metric: str
    contestant: str
    value: float


@dataclasses.dataclass(frozen=True)
class Counts:
    """Per operation, in steady state."""

    waits: float
    epoll_ctl: float
    others: float
    allocations: float


def run(program, case, contestant, flags=(), under=()):
    """Runs one case of one contestant; (the JSON that it printed, what it said on stderr)."""
    command = [*under, program, "--benchmark_filter=" + case.filter(contestant),
               "--benchmark_format=json", *flags]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          check=False)
    if done.returncode != 0:
        raise Failure("%s of %s: %s" % (case.name, contestant, done.stderr.strip()))
    # When the filter matches nothing, the program says so and prints no JSON.
    if not done.stdout.lstrip().startswith("{"):
        raise Failure("%s of %s is not a benchmark of this program" % (case.name, contestant))
    return json.loads(done.stdout), done.stderr


def context(program):
    """What the program says about itself and the machine."""
    done = run(program, cases.Case("EmptyPoll", "no_timer"), "bare", ("--samples=1",))
    return done[0]["context"]


def names(program):
    """The names of all benchmarks, without the parts that Google Benchmark adds."""
    done = subprocess.run((program, "--benchmark_list_tests"), stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, text=True, check=True)
    return {line.split("/iterations:")[0] for line in done.stdout.splitlines()}


def _rotated(contestants, by):
    by %= len(contestants)
    return contestants[by:] + contestants[:by]


def rounds(program, chosen, count, flags, progress):
    """Every sample of `count` rounds. In each round every case is run by all contestants one after
    the other, beginning with a different one."""
    for number in range(count):
        for place, case in enumerate(chosen):
            if number >= case.rounds_max:
                continue
            progress("round %d of %d: %s" % (number + 1, count, case.name))
            for contestant in _rotated(cases.CONTESTANTS, number + place):
                counters = run(program, case, contestant, flags)[0]["benchmarks"][0]
                for metric in case.metrics:
                    yield Sample(number, case, metric, contestant, float(counters[metric]))


def allocations(messages):
    """What bench_counted says at its end."""
    return int(re.search(r"^allocations: (\d+)$", messages, re.MULTILINE)[1])


def _totals(program, case, contestant, samples, operations):
    """(operations, system calls by name, allocations) of a whole run."""
    with tempfile.NamedTemporaryFile("r", prefix="kairos-calls-") as calls:
        output, messages = run(
            program, case, contestant,
            ("--samples=%d" % samples, "--operations=%d" % operations),
            ("strace", "-f", "-c", "-U", "calls,name", "-o", calls.name))
        found = re.findall(r"^\s*(\d+)\s+(\w+)\s*$", calls.read(), re.MULTILINE)
    by_name = collections.Counter({name: int(number) for number, name in found if name != "total"})
    return output["benchmarks"][0]["ops"], by_name, allocations(messages)


def count(program, case, contestant):
    """What one operation costs beside time: the difference of a longer and a shorter run."""
    operations = 4_000
    short_ops, short_calls, short_allocations = _totals(program, case, contestant, 1, operations)
    long_ops, long_calls, long_allocations = _totals(program, case, contestant, 6, operations)
    more = long_ops - short_ops
    calls = {name: (long_calls[name] - short_calls[name]) / more for name in long_calls}
    waits = sum(calls.get(name, 0) for name in _WAITS)
    epoll_ctl = calls.get("epoll_ctl", 0)
    return Counts(waits, epoll_ctl, sum(calls.values()) - waits - epoll_ctl,
                  (long_allocations - short_allocations) / more)


def can_count():
    """Whether system calls can be counted on this machine."""
    if shutil.which("strace") is None:
        return False
    command = ("strace", "-c", "-o", os.devnull, "true")
    return subprocess.run(command, stderr=subprocess.DEVNULL, check=False).returncode == 0


def all_counts(program, chosen, progress):
    """{(case, contestant): Counts} of the counted cases."""
    found = {}
    for case in chosen:
        if not case.counted:
            continue
        progress("counting: " + case.name)
        for contestant in cases.CONTESTANTS:
            if contestant != "bare2":
                found[case, contestant] = count(program, case, contestant)
    return found


def say(message):
    print(message, file=sys.stderr, flush=True)
