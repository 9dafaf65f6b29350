#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""bazel run -c opt //bench:file_server_report [-- --rounds=N --seconds=N --only=FILE --quick]

What does a request for a file cost the file server of the examples, in processor time, compared
with nginx? A bad answer: more than nginx for a small file, or clearly more for a large one.

The servers take turns in each round, with the same files, under wrk, which keeps its connections.
Time is that of the server's threads as the kernel counts it; what wrk and others take is not in it.

  nginx         one worker, sendfile on, access_log off
  nginx cached  also open_file_cache with open_file_cache_valid 1s, which is what kairos does
"""

import argparse
import dataclasses
import os
import platform
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

_KIB = 1024
_FILES = {"1 KiB": _KIB, "100 KiB": 100 * _KIB, "10 MiB": 10240 * _KIB}
_CONNECTIONS = {"1 KiB": 50, "100 KiB": 50, "10 MiB": 8}
_PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
_PROGRAM = os.path.join("transports", "examples", "file_server")

_NGINX = """
%(user)s
worker_processes 1;
daemon off;
pid %(folder)s/%(name)s.pid;
error_log %(folder)s/%(name)s.log;
events { worker_connections 1024; }
http {
  access_log off;
  sendfile on;
  keepalive_requests 1000000000;
  client_body_temp_path %(folder)s/%(name)s.1;
  proxy_temp_path %(folder)s/%(name)s.2;
  fastcgi_temp_path %(folder)s/%(name)s.3;
  uwsgi_temp_path %(folder)s/%(name)s.4;
  scgi_temp_path %(folder)s/%(name)s.5;
  %(extra)s
  server { listen 127.0.0.1:%(port)d; root %(folder)s/files; }
}
"""
_CACHED = "open_file_cache max=1000; open_file_cache_valid 1s;"


class Failure(Exception):
    """A sentence for whoever runs this."""


def _find(name, package):
    found = shutil.which(name, path=_PATH)
    if not found:
        raise Failure("%s is not installed. On Debian: apt-get install %s" % (name, package))
    return found


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _threads(pid):
    """Those of a process and its children, as folders of /proc."""
    for task in os.listdir("/proc/%d/task" % pid):
        folder = "/proc/%d/task/%s/" % (pid, task)
        yield folder
        with open(folder + "children", encoding="ascii") as children:
            for child in children.read().split():
                yield from _threads(int(child))


class Server:
    """One that runs, and the processor time that it has used."""

    def __init__(self, name, command, port):
        self.name, self.port = name, port
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL)

    def await_start(self):
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and self._process.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.01)
        raise Failure("%s does not start" % self.name)

    def seconds(self):
        total = 0
        for thread in _threads(self._process.pid):
            with open(thread + "schedstat", encoding="ascii") as times:
                total += int(times.read().split()[0])
        return total / 1e9

    def stop(self):
        self._process.terminate()
        self._process.wait()


def _nginx(name, folder, extra):
    port = _free_port()
    path = os.path.join(folder, name.replace(" ", "_") + ".conf")
    user = "user root;" if os.geteuid() == 0 else ""
    with open(path, "w", encoding="utf-8") as config:
        config.write(_NGINX % {"folder": folder, "name": name.replace(" ", "_"), "port": port,
                               "extra": extra, "user": user})
    command = (_find("nginx", "nginx-light"), "-c", path, "-e", os.path.join(folder, "early.log"))
    return Server(name, command, port)


def _kairos(folder):
    if not os.access(_PROGRAM, os.X_OK):
        raise Failure("start it by: bazel run -c opt //bench:file_server_report")
    port = _free_port()
    files = os.path.join(folder, "files")
    return Server("kairos", (os.path.abspath(_PROGRAM), "--port", str(port), files), port)


@dataclasses.dataclass(frozen=True)
class Sample:
    """One run: processor time of the server for a request, and requests in a second."""

    file: str
    server: str
    microseconds: float
    rate: float


def _run(server, file, seconds):
    command = (_find("wrk", "wrk"), "--threads=1", "--connections=%d" % _CONNECTIONS[file],
               "--duration=%ds" % seconds,
               "http://127.0.0.1:%d/%d" % (server.port, _FILES[file]))
    before = server.seconds()
    begin = time.monotonic()
    said = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    took = time.monotonic() - begin
    used = server.seconds() - before
    requests = int(re.search(r"(\d+) requests in", said)[1])
    if requests == 0 or "Non-2xx" in said or "Socket errors" in said:
        raise Failure("%s: wrk says:\n%s" % (server.name, said))
    return Sample(file, server.name, used / requests * 1e6, requests / took)


def _measure(servers, files, rounds, seconds):
    samples = []
    for number in range(rounds):
        for file in files:
            turn = number % len(servers)
            for server in servers[turn:] + servers[:turn]:
                samples.append(_run(server, file, seconds))
    return samples


def _row(samples, file, server):
    mine = [each for each in samples if (each.file, each.server) == (file, server)]
    base = [each for each in samples if (each.file, each.server) == (file, "nginx")]
    ratios = [one.microseconds / other.microseconds for one, other in zip(mine, base)]
    return "| %s | %s | %.1f | %.2f (%.2f to %.2f) | %.0f |\n" % (
        file, server, statistics.median(each.microseconds for each in mine),
        statistics.median(ratios), min(ratios), max(ratios),
        statistics.median(each.rate for each in mine))


def report(samples, files, servers):
    """Ratios are formed inside each round; the median of them, least and most."""
    text = "| file | server | us of processor / request | ratio to nginx | requests / s |\n"
    text += "| --- | --- | --- | --- | --- |\n"
    for file in files:
        for server in servers:
            text += _row(samples, file, server)
    return text


def _version():
    said = subprocess.run((_find("nginx", "nginx-light"), "-v"), stderr=subprocess.PIPE, text=True,
                          check=True).stderr
    return said.strip().rpartition("/")[2]


def _write_files(folder):
    os.mkdir(os.path.join(folder, "files"))
    for size in _FILES.values():
        with open(os.path.join(folder, "files", str(size)), "wb") as file:
            file.write(os.urandom(size))


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=2, help="for each run")
    parser.add_argument("--only", choices=_FILES, help="this file alone")
    parser.add_argument("--quick", action="store_true", help="one short run of each, small files")
    chosen = parser.parse_args()
    files = [chosen.only] if chosen.only else list(_FILES)[:2 if chosen.quick else None]
    rounds, seconds = (1, 1) if chosen.quick else (chosen.rounds, chosen.seconds)
    servers = []
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="kairos-bench-") as folder:
        _write_files(folder)
        try:
            servers.append(_kairos(folder))
            servers.append(_nginx("nginx", folder, ""))
            servers.append(_nginx("nginx cached", folder, _CACHED))
            for server in servers:
                server.await_start()
            samples = _measure(servers, files, rounds, seconds)
        finally:
            for server in servers:
                server.stop()
    print("nginx %s, Linux %s, %d processors; rounds: %d of %d s; load at the start: %.2f\n" % (
        _version(), platform.release(), os.cpu_count(), rounds, seconds, load))
    print(report(samples, files, [server.name for server in servers]), end="")


if __name__ == "__main__":
    try:
        main()
    except Failure as failure:
        sys.exit("file_server_report: %s" % failure)
