# SPDX-License-Identifier: MIT OR Apache-2.0
"""Runs the generator against the servers, in rounds, and counts what a request costs besides."""

import collections
import json
import os
import re
import shutil
import subprocess
import tempfile

from reporting import measure

_COUNTED = (2_000, 12_000)  # requests of a shorter and a longer run
_WAITS = ("epoll_wait", "epoll_pwait", "epoll_pwait2")


def build_nim(source, program, scratch):
    """Requires that nim is installed."""
    done = subprocess.run(
        ("nim", "c", "-d:danger", "--hints:off", "--out:" + program,
         "--nimcache:" + os.path.join(scratch, os.path.basename(program) + "_cache"),
         os.path.realpath(source)),
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        env={"HOME": scratch, **os.environ})
    if done.returncode != 0:
        raise measure.Failure("nim: " + done.stdout)


def nim_version():
    """{"nim": version}; nothing where it is not installed."""
    if not shutil.which("nim"):
        measure.say("asyncdispatch is left out: nim is not installed")
        return {}
    said = subprocess.run(("nim", "--version"), stdout=subprocess.PIPE, text=True, check=True)
    return {"nim": re.search(r"Version (\S+)", said.stdout)[1]}


class Programs:
    """The generator and the servers; `folder` is where they were built. Without nim_source there
    is no server of nim's."""

    def __init__(self, folder, nim_source, scratch):
        self.generator = os.path.join(folder, "generator")
        self._server = os.path.join(folder, "server")
        self._local = os.path.join(folder, "local")
        self.nim_version = None
        self._nim = os.path.join(scratch, "echo_nim")
        if nim_source:
            self.nim_version = nim_version().get("nim")
        if self.nim_version:
            build_nim(nim_source, self._nim, scratch)

    def describe(self):
        done = subprocess.run((self._server, "--describe"), stdout=subprocess.PIPE, text=True,
                              check=True)
        found = json.loads(done.stdout)
        return {**found, "nim": self.nim_version} if self.nim_version else found

    def contestants(self, case):
        return tuple(name for name in case.contestants if name != "nim" or self.nim_version)

    def run(self, case, contestant, flags=(), under=()):
        """What the generator found."""
        if case.load == "local":
            return self._finished(case, contestant, (self._local, contestant, case.service,
                                                     *(("1000",) if flags else ())))
        server = (self._nim,) if contestant == "nim" else (self._server, contestant, case.service)
        command = (self.generator, case.load, *case.flags, *flags, "--", *under, *server)
        return self._finished(case, contestant, command)

    @staticmethod
    def _finished(case, contestant, command):
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              check=False)
        if done.returncode != 0:
            raise measure.Failure("%s of %s: %s" % (case.name, contestant, done.stderr.strip()))
        return json.loads(done.stdout)


def rounds(programs, chosen, count, flags):
    """Every sample of `count` rounds."""
    return measure.rounds_of(
        chosen, count, programs.contestants,
        lambda case, contestant: programs.run(case, contestant, flags))


def _calls(programs, case, contestant, requests):
    with tempfile.NamedTemporaryFile("r", prefix="kairos-calls-") as calls:
        found = programs.run(case, contestant, ("--samples=1", "--requests=%d" % requests),
                             ("strace", "-f", "-c", "-U", "calls,name", "-o", calls.name))
        lines = re.findall(r"^\s*(\d+)\s+(\w+)\s*$", calls.read(), re.MULTILINE)
    total = collections.Counter({name: int(number) for number, name in lines if name != "total"})
    total["requests"] = found["requests"]
    return total


def _instructions(programs, case, contestant, requests):
    with tempfile.TemporaryDirectory(prefix="kairos-instructions-") as folder:
        log = os.path.join(folder, "log")
        found = programs.run(case, contestant, ("--samples=1", "--requests=%d" % requests),
                             ("valgrind", "--tool=cachegrind", "--cache-sim=no",
                              "--log-file=" + log, "--cachegrind-out-file=" + os.devnull))
        with open(log, encoding="utf-8") as stream:
            total = re.search(r"I\s+refs:\s+([\d,]+)", stream.read())[1]
    return {"requests": found["requests"], "instructions": int(total.replace(",", ""))}


def _allocations(programs, case, contestant, requests):
    with tempfile.TemporaryDirectory(prefix="kairos-allocations-") as folder:
        log = os.path.join(folder, "log")
        found = programs.run(case, contestant, ("--samples=1", "--requests=%d" % requests),
                             ("valgrind", "--log-file=" + log))
        with open(log, encoding="utf-8") as stream:
            total = re.search(r"heap usage:\s+([\d,]+) allocs", stream.read())[1]
    return {"requests": found["requests"], "allocations": int(total.replace(",", ""))}


def allocations(programs, case, contestant):
    """Per request; None where it cannot be counted."""
    if not shutil.which("valgrind"):
        return None
    return _per_request(_allocations, programs, case, contestant)["allocations"]


def _per_request(totals, programs, case, contestant):
    short, long = (totals(programs, case, contestant, requests) for requests in _COUNTED)
    more = long.pop("requests") - short.pop("requests")
    return {name: (long[name] - short[name]) / more for name in long}


def _count(programs, case, contestant):
    """{what: how often per request}: waits, epoll_ctl, others, instructions; None for what cannot
    be counted here."""
    found = dict.fromkeys(("waits", "epoll_ctl", "others", "instructions"))
    if shutil.which("strace"):
        calls = _per_request(_calls, programs, case, contestant)
        found["epoll_ctl"] = calls.pop("epoll_ctl", 0)
        found["waits"] = sum(calls.pop(name, 0) for name in _WAITS)
        found["others"] = sum(calls.values())
    if shutil.which("valgrind"):
        found.update(_per_request(_instructions, programs, case, contestant))
    return found


def all_counts(programs, chosen):
    """{case: {contestant: counts}} of the cases that are counted."""
    found = {}
    for case in chosen:
        if case.counted:
            measure.say("counting: " + case.name)
            found[case] = {name: _count(programs, case, name)
                           for name in programs.contestants(case) if name != "bare2"}
    return found
