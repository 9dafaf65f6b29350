#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""forbidden_symbols.py ARCHIVE...: the core does not call what it promises to leave alone."""

import re
import sys

import archive_symbols
import report

# Why: what a name must not match.
_FORBIDDEN = {
    "reads the wall clock": r"gettimeofday|time|ftime|localtime(_r)?|gmtime(_r)?|mktime"
    r"|std::chrono::_V2::system_clock::now\(\)",
    "starts a thread": r"pthread_create|thrd_create|std::thread::.*|clone|clone3",
    "starts a process": r"v?fork|posix_spawnp?|exec[lv]p?e?|system|popen",
    "touches signals": r"signal|sigaction|sigprocmask|pthread_sigmask|sigaltstack|siginterrupt"
    r"|bsd_signal|sysv_signal|__sysv_signal|signalfd",
    "resolves names": r"getaddrinfo|getnameinfo|gethostby.*|getservby.*|res_.*",
    "reads or writes the user's descriptors": r"recv(from|msg|mmsg)?|send(to|msg|mmsg)?|accept4?"
    r"|connect|bind|listen|socket|sendfile(64)?|splice|p?readv?(64)?|p?writev?(64)?",
    "throws": r"__cxa_(re)?throw\w*",
    "keeps something per thread": r"__tls_get_addr|__emutls_get_address|__cxa_thread_atexit",
    "runs code at start or exit": r"atexit|__cxa_atexit|on_exit",
}
# Without these what was looked at is not the core.
_EXPECTED = ("epoll_ctl", "poll")


def problems(names, expected=_EXPECTED, forbidden=_FORBIDDEN):
    found = [
        "it %s: %s" % (why, name)
        for name in sorted(names)
        for why, pattern in forbidden.items()
        if re.fullmatch(pattern, name.partition("@")[0])
    ]
    return found + ["%s is not called; is this it?" % n for n in expected if n not in names]


def main():
    names = archive_symbols.undefined(sys.argv[1:])
    report.finish(problems(names), names)


if __name__ == "__main__":
    main()
