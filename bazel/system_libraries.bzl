# SPDX-License-Identifier: MIT OR Apache-2.0
"""The installed libraries that parts of Kairos are built against.

None is looked at before a target needs it, and one that is missing stops only such targets.
"""

load("//bazel:system_library.bzl", "system_library")

# name: (Debian package, headers that must compile, linkopts, include directories)

# Of parts that consumers may use.
_PUBLIC = {
    "kairos_cares": ("libc-ares-dev", ["ares.h"], ["-lcares"], []),
    "kairos_openssl": (
        "libssl-dev",
        ["openssl/ssl.h", "openssl/provider.h"],  # the second is of version 3 and later
        ["-lssl", "-lcrypto"],
        [],
    ),
}

# Of benchmarks, tests and examples.
_OWN = {
    "boost_fiber": (
        "libboost-fiber-dev",
        ["boost/fiber/all.hpp"],
        ["-lboost_fiber", "-lboost_context", "-lpthread"],
        [],
    ),
    "boost_headers": ("libboost-dev", ["boost/asio.hpp"], [], []),
    "curl": ("libcurl4-openssl-dev", ["curl/curl.h"], ["-lcurl"], []),
    "google_benchmark": (
        "libbenchmark-dev",
        ["benchmark/benchmark.h"],
        ["-lbenchmark", "-lpthread"],
        [],
    ),
    "hiredis": ("libhiredis-dev", ["hiredis/hiredis.h"], ["-lhiredis"], []),
    "http_parser": ("libhttp-parser-dev", ["http_parser.h"], ["-lhttp_parser"], []),
    "libev": ("libev-dev", ["ev.h"], ["-lev"], []),
    "libevent": ("libevent-dev", ["event2/event.h"], ["-levent"], []),
    "libuv": ("libuv1-dev", ["uv.h"], ["-luv", "-lpthread", "-ldl"], []),
    "pq": ("libpq-dev", ["libpq-fe.h"], ["-lpq"], ["/usr/include/postgresql"]),
    "rapidcheck": ("librapidcheck-dev", ["rapidcheck.h"], ["-lrapidcheck"], []),
}

def _declare(libraries, declared = {}):
    for name, (apt, headers, linkopts, include_dirs) in libraries.items():
        if name not in declared:
            system_library(
                name = name,
                apt = apt,
                headers = headers,
                include_dirs = include_dirs,
                linkopts = linkopts,
            )

def public_libraries(declared = {}):
    """Those for consumers.

    Args:
      declared: repositories that there are already. A consumer may have one of the same name, with
        a cc_library named `library`, which is used then.
    """
    _declare(_PUBLIC, declared)

def own_libraries():
    _declare(_OWN)
