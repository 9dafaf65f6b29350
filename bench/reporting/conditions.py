# SPDX-License-Identifier: MIT OR Apache-2.0
"""Under which conditions a report was made; no names of machines or people."""

import datetime
import os
import platform
import re
import shutil
import subprocess


def _cpu_model():
    with open("/proc/cpuinfo", encoding="utf-8") as info:
        text = info.read()
    model = re.search(r"^model name\s*:\s*(.*)$", text, re.MULTILINE)
    virtual = ", virtual" if re.search(r"^flags.*\bhypervisor\b", text, re.MULTILINE) else ""
    return (model[1] if model else platform.machine()) + virtual


def _git(folder, *arguments):
    if not shutil.which("git"):
        return ""
    done = subprocess.run(("git", "-C", folder, *arguments), stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, text=True, check=False)
    return done.stdout.strip()


def _commit(folder, sources):
    commit = _git(folder, "rev-parse", "--short=12", "HEAD") or "unknown"
    changed = _git(folder, "status", "--porcelain", "--untracked-files=no", "--",
                   *sources, "bench/*.cc", "bench/*.h", "bazel", ".bazelrc")
    return commit + (" with changes" if changed else "")


def describe(workspace, context, rounds, load, sources=("reactor",)):
    """`context` is what the program says of itself; `load` the load average when the report began;
    `sources` what is measured."""
    lines = [
        "date: %s" % datetime.date.today().isoformat(),
        "commit: %s" % _commit(workspace, sources),
        "machine: %d x %s" % (os.cpu_count(), _cpu_model()),
        "kernel: %s %s" % (platform.system(), platform.release()),
        "compiler: %s, -O2 without assertions" % context["compiler"],
        "peers: " + ", ".join("%s %s" % (name, context[name].replace("_", "."))
                              for name in ("libev", "libuv", "libevent", "boost", "nim")
                              if name in context),
        "open descriptors at most: %s" % context["descriptors"],
        "rounds: %d; load average at the start: %.2f" % (rounds, load),
    ]
    return "".join("- %s\n" % line for line in lines)
