#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""transport_symbols.py ARCHIVE...: transports leave alone what belongs to the whole process.

They block signals in the calling thread, as they say, and make children in their own way; nothing
else of a process is theirs to change.
"""

import sys

import archive_symbols
import forbidden_symbols
import report

# Why: what a name must not match.
_FORBIDDEN = {
    "starts a thread": r"pthread_create|thrd_create|std::thread::.*",
    "copies the process": r"v?fork|posix_spawnp?|system|popen|daemon",
    "changes what signals do": r"signal|sigaction|sigprocmask|sigaltstack|siginterrupt|sigset"
    r"|bsd_signal|sysv_signal|__sysv_signal",
    "changes the environment": r"(un)?setenv|putenv|clearenv",
    "changes the locale": r"(set|use)locale|std::locale::global.*",
    "changes the directory, the umask or limits": r"f?chdir|chroot|umask|setrlimit(64)?"
    r"|prlimit(64)?",
    "blocks to resolve names": r"getaddrinfo|getnameinfo|gethostby.*|res_.*",
    "prints": r"v?d?printf|puts|putchar|perror|psignal|v?syslog|std::(cout|cerr|clog)",
    "runs code at start or exit": r"atexit|__cxa_atexit|on_exit",
}
# Without these what was looked at is not the transports.
_EXPECTED = ("recv", "accept4", "signalfd")


def problems(names, expected=_EXPECTED):
    return forbidden_symbols.problems(names, expected, _FORBIDDEN)


def main():
    names = archive_symbols.undefined(sys.argv[1:])
    report.finish(problems(names), names)


if __name__ == "__main__":
    main()
