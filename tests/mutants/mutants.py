#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Plants the bugs of the table in the core, one at a time, and tells which test notices each.

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

import mutant
import table

_LIMIT_SECONDS = 10
# A test hangs when it lasts longer than both: this, and so many times what it lasts usually.
_HANG_SECONDS = 4
_HANG_FACTOR = 5
_USUAL_SECONDS_MAX = 20
_LOOK_SECONDS = 0.05
_SLOW_SECONDS = 0.2
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

    def changed(self, planted):
        """The text of the mutant's file with the bug in it."""
        if planted.file not in self.texts:
            raise Refused("there is no " + planted.file)
        text = self.texts[planted.file]
        found = text.count(planted.old)
        if found != 1:
            raise Refused("%s holds its old text %d times, not once" % (planted.file, found))
        return text.replace(planted.old, planted.new)

    def compiled_with(self, planted):
        """The .cc files that have to be compiled anew for it."""
        concerned = [cc for cc in self.files() if planted.file in self._closure(cc)]
        if not set(planted.compiled) <= set(concerned):
            raise Refused("not all of its files include it")
        return planted.compiled or concerned

    def files(self):
        """All .cc files, in order."""
        return sorted(path for path in self.texts if path.endswith(".cc"))

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

    def run(self, planted, text, usual):
        """What the tests say if its file reads `text`; `usual`: how long each lasts else."""
        with tempfile.TemporaryDirectory(prefix="kairos-") as directory:
            self._write_core(directory, planted.file, text)
            objects = [self._compile(directory, cc) for cc in self.core.compiled_with(planted)]
            return Run(self._link(directory, objects), directory, usual)

    def _write_core(self, directory, path, text):
        for name in self.core.texts:
            copy = os.path.join(directory, "kairos", name)
            os.makedirs(os.path.dirname(copy), exist_ok=True)
            if name != path:
                os.symlink(os.path.realpath(name), copy)
        with open(os.path.join(directory, "kairos", path), "w", encoding="utf-8") as out:
            out.write(text)

    def _compile(self, directory, source):
        made = os.path.join(directory, source.replace("/", "_") + ".o")
        whole = os.path.join(directory, "kairos", source)
        flags = ["-I" + directory, *map(self._whole, self.kit["compile_flags"])]
        self._call([*flags, "-c", whole, "-o", made], directory)
        return made

    def _whole(self, flag):
        return "-I" + os.path.join(self.root, flag[2:]) if flag.startswith("-I") else flag

    # A changed object comes before the archive that holds the one that it stands for, of which the
    # linker then wants nothing.
    def _link(self, directory, objects):
        program = os.path.join(directory, "suite")
        tests, archives = (
            [os.path.join(self.root, path) for path in self.kit[kind]]
            for kind in ("objects", "archives")
        )
        inputs = [*objects, *tests, "-Wl,--start-group", *archives, "-Wl,--end-group"]
        flags = [*self.kit["link_flags"], "-lstdc++", "-lm"]
        self._call([*inputs, *flags, "-o", program], directory)
        return program

    def _call(self, arguments, directory):
        done = subprocess.run(
            [self.kit["compiler"], *arguments],
            cwd=directory,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        if done.returncode != 0:
            raise Refused("it does not build:\n" + done.stdout)


class Run:
    """All tests up to the first that fails: the slow ones come last, each by itself."""

    def __init__(self, program, directory, usual):
        self.usual, self.directory = usual, directory
        self.log = os.path.join(directory, "log")
        slow = [name for name in sorted(usual, key=usual.get) if usual[name] > _SLOW_SECONDS]
        start = time.monotonic()
        for tests in ["-" + ":".join(slow), *slow]:
            self.status = self._run([program, "--gtest_fail_fast", "--gtest_filter=" + tests])
            if self.status != 0:
                break
        self.seconds = time.monotonic() - start
        self.output = self._read()

    def _read(self):
        with open(self.log, encoding="utf-8", errors="replace") as stream:
            return stream.read()

    def _run(self, command):
        """The exit status, or None: a test hung."""
        with open(self.log, "ab") as out:
            process = subprocess.Popen(
                command,
                cwd=self.directory,
                env=dict(os.environ, TEST_TMPDIR=self.directory, KAIROS_STEPS=_STEPS),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            while True:
                try:
                    return process.wait(_LOOK_SECONDS)
                except subprocess.TimeoutExpired:
                    if self._hangs():
                        return None
        finally:
            end_group(process)

    def _hangs(self):
        # A test prints its name when it begins, and nothing more while all is well.
        silent = time.time() - os.stat(self.log).st_mtime
        if silent < _HANG_SECONDS:
            return False
        usual = self.usual.get(running_test(self._read()), _USUAL_SECONDS_MAX)
        return silent > _HANG_FACTOR * usual

    def durations(self):
        """{test: seconds} of those that passed."""
        return {name: int(ms) / 1000 for name, ms in _PASSED.findall(self.output)}

    def killed_by(self):
        """The test that noticed the bug; empty: none did."""
        if self.status == 0:
            return ""
        test = running_test(self.output)
        if self.status is None:
            return "hang in " + test
        if self.status < 0:
            return "%s in %s" % (signal.Signals(-self.status).name, test)
        failed = _FAILED.search(self.output)
        return failed[1] if failed else "exit in " + test


def running_test(output):
    begun = _BEGUN.findall(output)
    return begun[-1] if begun else "no test"


def end_group(process):
    """Ends what a process, dead or alive, has left running."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()


class Bench:
    """Runs the mutants and prints the table."""

    def __init__(self, suite, core, mutants):
        self.suite, self.core, self.mutants = suite, core, mutants
        self.usual = {}

    def control(self):
        """Whether the core as it is passes, by the way that the mutants go."""
        path = self.core.files()[0]
        none = mutant.Mutant("none", path, "nothing", "", "")
        run = self.suite.run(none, self.core.texts[path], {})
        self.usual = run.durations()
        if run.status != 0 or not self.usual:
            print(run.output + "the core without a bug fails: " + run.killed_by())
            return False
        print("%-30s %d tests pass in %.1f s" % ("none", len(self.usual), run.seconds), flush=True)
        return True

    def run(self, workers):
        """How many mutants were killed."""
        killed = 0
        if not self.control():
            return killed
        with concurrent.futures.ThreadPoolExecutor(workers) as pool:
            outcomes = pool.map(self.try_one, self.mutants)
            for planted, (is_killed, what) in zip(self.mutants, outcomes):
                print("%-30s %s\n    %s" % (planted.name, planted.breaks, what), flush=True)
                killed += is_killed
        return killed

    def try_one(self, planted):
        """Whether it was killed in time, and what happened."""
        try:
            run = self.suite.run(planted, self.core.changed(planted), self.usual)
        except Refused as problem:
            return False, "NOT PLANTED: %s" % problem
        killer = run.killed_by()
        if not killer:
            return False, "SURVIVED the whole suite"
        in_time = run.seconds <= _LIMIT_SECONDS
        return in_time, "%s%s %.1f s" % ("" if in_time else "TOO LATE: ", killer, run.seconds)


def killed_with(kit_path, chosen):
    """How many of those that concern a kit were killed."""
    with open(kit_path, encoding="utf-8") as stream:
        kit = json.load(stream)
    core = Core(kit["core"])
    concerned = [planted for planted in chosen if planted.file in core.texts]
    if not concerned:
        return 0
    return Bench(Suite(kit, core), core, concerned).run(len(os.sched_getaffinity(0)))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--kit", action="append", help="what the rule suite_kit wrote")
    parser.add_argument("names", nargs="*", help="mutants to run instead of all")
    args = parser.parse_args()
    mutants = {planted.name: planted for planted in table.MUTANTS}
    unknown = set(args.names) - set(mutants)
    if unknown:
        parser.error("no such mutant: " + ", ".join(sorted(unknown)))
    chosen = [mutants[name] for name in args.names or mutants]
    killed = sum(killed_with(kit, chosen) for kit in args.kit)
    print("%d planted, %d killed" % (len(chosen), killed))
    sys.exit(0 if killed == len(chosen) else 1)


if __name__ == "__main__":
    main()
