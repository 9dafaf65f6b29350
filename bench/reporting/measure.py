# SPDX-License-Identifier: MIT OR Apache-2.0
"""Runs the benchmark programs, in rounds."""

import dataclasses
import json
import subprocess
import sys

from reporting import cases


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


def rounds(program, chosen, count, flags):
    """Every sample of `count` rounds of the program."""
    def counters(case, contestant):
        return run(program, case, contestant, flags)[0]["benchmarks"][0]
    return rounds_of(chosen, count, lambda case: cases.CONTESTANTS, counters)


def rounds_of(chosen, count, contestants, measured):
    """Every sample of `count` rounds. In each round every case is run by all contestants(case), one
    after the other, beginning with a different one; measured(case, contestant) does that, and
    returns the metrics by name."""
    for number in range(count):
        for place, case in enumerate(chosen):
            if number >= case.rounds_max:
                continue
            say("round %d of %d: %s" % (number + 1, count, case.name))
            for contestant in _rotated(contestants(case), number + place):
                found = measured(case, contestant)
                for metric in case.metrics:
                    yield Sample(number, case, metric, contestant, float(found[metric]))


def say(message):
    print(message, file=sys.stderr, flush=True)
