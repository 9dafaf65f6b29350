# SPDX-License-Identifier: MIT OR Apache-2.0
"""Which loads are put on which servers, what each is compared with, and what Kairos is to reach."""

import dataclasses

_TCP = ("bare", "bare2", "kairos", "libuv", "libevent", "asio", "nim")


@dataclasses.dataclass(frozen=True)
class Case:
    """One load of the generator on one service, with one server process of each contestant."""

    load: str
    service: str
    title: str  # of the table that it is a row of
    flags: tuple = ()
    contestants: tuple = _TCP
    metrics: tuple = ("ns",)
    base: str = "bare"  # whom ratios are formed against
    goal: float = None  # at most so many times the base
    rounds_max: int = 1000
    counted: bool = False  # system calls and instructions are counted as well

    @property
    def workload(self):
        return self.load

    @property
    def parameters(self):
        return ", ".join(flag.lstrip("-").replace("=", " ") for flag in self.flags) or self.service

    @property
    def is_small(self):
        return not {"--connections=500", "--connections=9000"} & set(self.flags)

    @property
    def name(self):
        begin = self.service if self.load == "local" else self.load
        return "/".join((begin, *(flag.split("=")[1] for flag in self.flags)))


def _echo():
    for size in (64, 16384):
        for connections in (1, 50, 500):
            yield Case("echo", "echo", "TCP echo",
                       ("--connections=%d" % connections, "--bytes=%d" % size), goal=1.02,
                       counted=connections == 50 or size == 64 and connections == 1)


def _local(name, title, base, goal, contestants=None):
    """What happens inside one process, without the generator."""
    return Case("local", name, title, base=base, goal=goal,
                contestants=contestants or (base, "kairos"))


_OTHERS = (
    Case("datagrams", "datagrams", "UDP echo", ("--bytes=64",), goal=0.95, counted=True,
         contestants=("bare", "bare2", "bare_mmsg", "kairos", "libuv", "asio")),
    Case("files", "file", "Files of 1 MiB by sendfile", goal=1.02,
         contestants=("bare", "kairos")),
    Case("bulk", "discard", "1 GiB one way, per MiB", goal=1.02, rounds_max=3,
         contestants=("bare", "kairos", "libuv", "libevent", "asio")),
    _local("wake", "Waking a loop that was woken already", "libuv", 1.0),
    _local("post", "Posting a task from another thread", "asio", 0.3),
    _local("touch", "Refreshing an idle limit", "libev", 0.4),
    _local("spawn", "A child process, start to end", "bare", 1.05, ("bare", "kairos", "libuv")),
    Case("idle", "echo", "Idle connections", ("--connections=9000",), base="libuv", rounds_max=1,
         contestants=("bare", "kairos", "kairos_shared", "libuv", "libevent", "asio", "nim"),
         metrics=("heap", "resident", "heap_used", "resident_used")),
)


def await_cases(small=False):
    """The echo by coroutines, against that by callbacks."""
    return [dataclasses.replace(case, contestants=("kairos", "kairos_await"), base="kairos",
                                goal=1.05, counted=case.flags[0] == "--connections=50")
            for case in _echo() if case.is_small or not small]


def all_cases(small=False):
    """Every case, in the order in which a round goes through them; or those that are quick."""
    return [case for case in (*_echo(), *_OTHERS) if case.is_small or not small]
