# SPDX-License-Identifier: MIT OR Apache-2.0
"""What an operation costs beside time: system calls, allocations, instructions. All of these are
differences of a longer and a shorter run, so that what a program takes to start is not in them."""

import collections
import dataclasses
import os
import re
import shutil
import subprocess
import tempfile

from reporting import cases, measure

CONTESTANTS = tuple(name for name in cases.CONTESTANTS if name != "bare2")

_WAITS = ("epoll_wait", "epoll_pwait", "epoll_pwait2")
_OPERATIONS = 4_000
_SHORT, _LONG = 1, 6  # samples


@dataclasses.dataclass(frozen=True)
class Counts:
    """Per operation, in steady state; None where it could not be counted."""

    waits: float = None
    epoll_ctl: float = None
    others: float = None  # system calls
    allocations: float = None
    instructions: float = None  # in user space


def _usable(*command):
    if shutil.which(command[0]) is None:
        return False
    return subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                          check=False).returncode == 0


def _flags(samples):
    return ("--samples=%d" % samples, "--operations=%d" % _OPERATIONS)


def allocations(messages):
    """What bench_counted says at its end."""
    return int(re.search(r"^allocations: (\d+)$", messages, re.MULTILINE)[1])


def _calls(program, case, contestant, samples):
    """A Counter of a whole run: operations, system calls by name, allocations."""
    with tempfile.NamedTemporaryFile("r", prefix="kairos-calls-") as calls:
        output, messages = measure.run(
            program, case, contestant, _flags(samples),
            ("strace", "-f", "-c", "-U", "calls,name", "-o", calls.name))
        found = re.findall(r"^\s*(\d+)\s+(\w+)\s*$", calls.read(), re.MULTILINE)
    total = collections.Counter({name: int(number) for number, name in found if name != "total"})
    total["operations"] = output["benchmarks"][0]["ops"]
    total["allocations"] = allocations(messages)
    return total


def _instructions(program, case, contestant, samples):
    output, messages = measure.run(
        program, case, contestant, _flags(samples),
        ("valgrind", "--tool=cachegrind", "--cache-sim=no",
         "--cachegrind-out-file=" + os.devnull))
    total = re.search(r"I\s+refs:\s+([\d,]+)", messages)[1]
    return {"operations": output["benchmarks"][0]["ops"],
            "instructions": int(total.replace(",", ""))}


def _per_operation(totals, *run):
    """What `totals` found more in a longer run, divided by the operations that it did more."""
    short, long = totals(*run, _SHORT), totals(*run, _LONG)
    more = long.pop("operations") - short.pop("operations")
    return {name: (long[name] - short[name]) / more for name in long}


def _count(bench, counted, case, contestant, with_calls, with_instructions):
    found = {}
    if with_calls:
        calls = _per_operation(_calls, counted, case, contestant)
        found["allocations"] = calls.pop("allocations")
        found["epoll_ctl"] = calls.pop("epoll_ctl", 0)
        found["waits"] = sum(calls.pop(name, 0) for name in _WAITS)
        found["others"] = sum(calls.values())
    if with_instructions:
        found.update(_per_operation(_instructions, bench, case, contestant))
    return Counts(**found)


def all_counts(bench, counted, chosen):
    """{(case, contestant): Counts} of the cases that are counted."""
    with_calls = _usable("strace", "-c", "-o", os.devnull, "true")
    with_instructions = _usable("valgrind", "--version")
    found = {}
    for case in chosen:
        if not case.counted:
            continue
        measure.say("counting: " + case.name)
        for contestant in CONTESTANTS:
            found[case, contestant] = _count(
                bench, counted, case, contestant, with_calls, with_instructions)
    return found
