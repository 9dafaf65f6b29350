#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Plants the bugs of table.py in the core, one at a time, and tells which test notices each.

    bazel run //tests/mutants [-- NAME...]

The files of the core that a bug changes are compiled anew and linked with the test programs, all in
one. The core as it is goes the same way first, and must pass. The last line is
"N planted, N killed"; the exit status is 0 when all were.
"""

import argparse
import concurrent.futures
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time

import table

LIMIT_SECONDS = 10
# A test hangs when it lasts longer than both: this, and so many times what it lasts usually.
HANG_SECONDS = 4
_HANG_FACTOR = 5
_USUAL_SECONDS_MAX = 20
_LOOK_SECONDS = 0.05
_STEPS = "50000"  # of each random history: enough for a bug that is there all the time

_INCLUDE = re.compile(r'^#include "kairos/([^"]+)"', re.M)
_BEGUN = re.compile(r"^\[ RUN      \] (\S+)", re.M)
_FAILED = re.compile(r"^\[  FAILED  \] (\w[^\s,]*)", re.M)
_PASSED = re.compile(r"^\[       OK \] (\S+) \((\d+) ms\)", re.M)


class Refused(Exception):
    """A mutant that cannot be planted, built or run."""


class Core:
    """The sources of the core, and which of them a change concerns."""

    def __init__(self, paths):
        self.texts = {}
        for path in paths:
            with open(path, encoding="utf-8") as stream:
                self.texts[path] = stream.read()

    def changed(self, mutant):
        """The text of the mutant's file with the bug in it."""
        if mutant.file not in self.texts:
            raise Refused("there is no " + mutant.file)
        text = self.texts[mutant.file]
        found = text.count(mutant.old)
        if found != 1:
            raise Refused("%s holds its old text %d times, not once" % (mutant.file, found))
        return text.replace(mutant.old, mutant.new)

    def compiled_with(self, path):
        """The .cc files that have to be compiled anew when `path` changes."""
        return sorted(cc for cc in self.texts if cc.endswith(".cc") and path in self._closure(cc))

    def _closure(self, path):
        closure, pending = set(), [path]
        while pending:
            path = pending.pop()
            if path not in closure and path in self.texts:
                closure.add(path)
                pending.extend(_INCLUDE.findall(self.texts[path]))
        return closure


class Suite:
    """Builds the test programs as one with a changed core, and runs it."""

    def __init__(self, kit, core):
        self.kit, self.core = kit, core
        self.root = os.getcwd()

    def build(self, directory, path, text):
        """The program in which the core's file `path` reads `text`."""
        for name in self.core.texts:
            copy = os.path.join(directory, "kairos", name)
            os.makedirs(os.path.dirname(copy), exist_ok=True)
            if name != path:
                os.symlink(os.path.realpath(name), copy)
        with open(os.path.join(directory, "kairos", path), "w", encoding="utf-8") as out:
            out.write(text)
        objects = []
        for source in self.core.compiled_with(path):
            objects.append(os.path.join(directory, source.replace("/", "_") + ".o"))
            flags = ["-I" + directory, *self.kit["compile_flags"]]
            whole = os.path.join(directory, "kairos", source)
            self._call([*flags, "-c", whole, "-o", objects[-1]], directory)
        program = os.path.join(directory, "suite")
        linked = [os.path.join(self.root, p) for p in self.kit["objects"] + self.kit["archives"]]
        # A changed object comes before the archive that holds the one that it stands for, of which
        # the linker then wants nothing.
        libraries = ["-Wl,--start-group", *linked[len(self.kit["objects"]):], "-Wl,--end-group"]
        tests = linked[: len(self.kit["objects"])]
        flags = [*self.kit["link_flags"], "-lstdc++", "-lm", "-o", program]
        self._call([*objects, *tests, *libraries, *flags], directory)
        return program

    def _call(self, arguments, directory):
        done = subprocess.run(
            [self.kit["compiler"], *arguments],
            cwd=directory, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )
        if done.returncode != 0:
            raise Refused("it does not build:\n" + done.stdout)

    def run(self, path, text, usual):
        """What the tests say of the core with that change; `usual`: how long each lasts else."""
        with tempfile.TemporaryDirectory(prefix="kairos-") as directory:
            return Run(self.build(directory, path, text), directory, usual)


class Run:
    """One run of the test program, up to the first test that fails."""

    def __init__(self, program, directory, usual):
        self.usual, self.log = usual, os.path.join(directory, "log")
        environment = dict(os.environ, TEST_TMPDIR=directory, KAIROS_STEPS=_STEPS)
        start = time.monotonic()
        with open(self.log, "wb") as out:
            process = subprocess.Popen(
                [program, "--gtest_fail_fast"], cwd=directory, env=environment,
                stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            self.status = self._wait(process)
        finally:
            try:
                os.killpg(process.pid, signal.SIGKILL)  # with what a test has forked
            except ProcessLookupError:
                pass
            process.wait()
        self.seconds = time.monotonic() - start
        self.output = self._read()

    def _read(self):
        with open(self.log, encoding="utf-8", errors="replace") as stream:
            return stream.read()

    def _wait(self, process):
        """The exit status, or None: a test hung."""
        while True:
            try:
                return process.wait(_LOOK_SECONDS)
            except subprocess.TimeoutExpired:
                if self._hangs():
                    return None

    def _hangs(self):
        # A test prints its name when it begins, and nothing more while all is well.
        silent = time.time() - os.stat(self.log).st_mtime
        if silent < HANG_SECONDS:
            return False
        test = self.running_test(self._read())
        return silent > _HANG_FACTOR * self.usual.get(test, _USUAL_SECONDS_MAX)

    @staticmethod
    def running_test(output):
        begun = _BEGUN.findall(output)
        return begun[-1] if begun else "no test"

    def durations(self):
        """{test: seconds} of those that passed."""
        return {name: int(ms) / 1000 for name, ms in _PASSED.findall(self.output)}

    def killed_by(self):
        """The test that noticed the bug; empty: none did."""
        if self.status == 0:
            return ""
        test = self.running_test(self.output)
        if self.status is None:
            return "hang in " + test
        if self.status < 0:
            return "%s in %s" % (signal.Signals(-self.status).name, test)
        failed = _FAILED.search(self.output)
        return failed[1] if failed else "exit in " + test


class Bench:
    """Runs the mutants and prints the table."""

    def __init__(self, suite, core, mutants):
        self.suite, self.core, self.mutants = suite, core, mutants
        self.killed = 0

    def control(self):
        """Whether the core as it is passes, by the way that the mutants go."""
        path = "reactor/reactor.cc"
        run = self.suite.run(path, self.core.texts[path], {})
        self.usual = run.durations()
        if run.status != 0 or not self.usual:
            print(run.output + "the core without a bug fails: " + run.killed_by())
            return False
        print("%-30s %d tests pass in %.1f s" % ("none", len(self.usual), run.seconds), flush=True)
        return True

    def run(self, workers):
        """Whether all mutants were killed."""
        if not self.control():
            return False
        with concurrent.futures.ThreadPoolExecutor(workers) as pool:
            for line in pool.map(self.try_one, self.mutants):
                print(line, flush=True)
        print("%d planted, %d killed" % (len(self.mutants), self.killed))
        return self.killed == len(self.mutants)

    def try_one(self, mutant):
        """A line about the mutant."""
        head = "%-30s %s" % (mutant.name, mutant.breaks)
        try:
            run = self.suite.run(mutant.file, self.core.changed(mutant), self.usual)
        except Refused as problem:
            return "%s\n    NOT PLANTED: %s" % (head, problem)
        killer = run.killed_by()
        if not killer:
            return "%s\n    SURVIVED the whole suite" % head
        if run.seconds > LIMIT_SECONDS:
            return "%s\n    KILLED TOO LATE: %s %.1f s" % (head, killer, run.seconds)
        self.killed += 1
        return "%s\n    %s %.1f s" % (head, killer, run.seconds)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("kit", help="what the rule suite_kit wrote")
    parser.add_argument("names", nargs="*", help="mutants to run instead of all")
    args = parser.parse_args()
    with open(args.kit, encoding="utf-8") as stream:
        kit = json.load(stream)
    core = Core(kit["core"])
    mutants = [m for m in table.MUTANTS if not args.names or m.name in args.names]
    bench = Bench(Suite(kit, core), core, mutants)
    sys.exit(0 if bench.run(len(os.sched_getaffinity(0))) and mutants else 1)


if __name__ == "__main__":
    main()
