# SPDX-License-Identifier: MIT OR Apache-2.0
"""The installed libraries that benchmarks and examples are built against."""

load("//bazel:system_library.bzl", "system_library")

# name: (Debian package, headers that must compile, linkopts, include directories)
_LIBRARIES = {
    "boost_fiber": (
        "libboost-fiber-dev",
        ["boost/fiber/all.hpp"],
        ["-lboost_fiber", "-lboost_context", "-lpthread"],
        [],
    ),
    "boost_headers": ("libboost-dev", ["boost/asio.hpp"], [], []),
    "cares": ("libc-ares-dev", ["ares.h"], ["-lcares"], []),
    "curl": ("libcurl4-openssl-dev", ["curl/curl.h"], ["-lcurl"], []),
    "google_benchmark": (
        "libbenchmark-dev",
        ["benchmark/benchmark.h"],
        ["-lbenchmark", "-lpthread"],
        [],
    ),
    "hiredis": ("libhiredis-dev", ["hiredis/hiredis.h"], ["-lhiredis"], []),
    "libev": ("libev-dev", ["ev.h"], ["-lev"], []),
    "libevent": ("libevent-dev", ["event2/event.h"], ["-levent"], []),
    "libuv": ("libuv1-dev", ["uv.h"], ["-luv", "-lpthread", "-ldl"], []),
    "pq": ("libpq-dev", ["libpq-fe.h"], ["-lpq"], ["/usr/include/postgresql"]),
    "rapidcheck": ("librapidcheck-dev", ["rapidcheck.h"], ["-lrapidcheck"], []),
}

def system_libraries():
    """Declares a repository for each library; none is looked at before a target needs it."""
    for name, (apt, headers, linkopts, include_dirs) in _LIBRARIES.items():
        system_library(
            name = name,
            apt = apt,
            headers = headers,
            include_dirs = include_dirs,
            linkopts = linkopts,
        )
