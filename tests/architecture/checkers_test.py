#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Every checker of this package refuses what it is there to refuse, and accepts the rest."""

import unittest

import allowed_labels
import core_sources
import cpp_text
import exception_symbols
import forbidden_symbols
import house_limits
import public_names
import transport_sources
import transport_symbols

_HEADER = """
#ifndef KAIROS_REACTOR_REACTOR_H_
#define KAIROS_REACTOR_REACTOR_H_
#include <cstddef>
namespace kairos {
namespace detail { struct Hidden { int x; }; }
using Fd = int;  // a comment; with { and "
enum class TimerId : std::uint64_t { none = 0, other };
struct Result { std::size_t callbacks = 0; friend bool operator==(Result, Result) = default; };
class Reactor {
 public:
  static constexpr int forever = later(1);
  Reactor() noexcept;
  ~Reactor();
  Reactor& operator=(const Reactor&) = delete;
  [[nodiscard]] std::error_code addReader(Fd fd, void (*callback)(void*), void* udata) noexcept;
 private:
  class Core;
  int secret_ = 0;
};
}  // namespace kairos
#endif
"""


class AllowedLabels(unittest.TestCase):
    def test_names_what_is_outside(self):
        labels = ["//reactor:reactor", "@bazel_tools//tools:x", "//transports:stream", "@libev//:x"]
        found = allowed_labels.problems(labels, ["//reactor:"])
        self.assertEqual(len(found), 2)
        self.assertIn("//transports:stream", found[0])
        self.assertIn("@libev//:x", found[1])

    def test_does_not_take_a_longer_name_for_the_same_package(self):
        self.assertTrue(allowed_labels.problems(["//reactor_extras:x"], ["//reactor:"]))


class CoreSources(unittest.TestCase):
    def problems(self, text, exists=True, path="reactor/x.cc"):
        return core_sources.problems(path, text, lambda path: exists)

    def test_accepts_the_core_the_system_and_the_standard_library(self):
        includes = ("<span>", "<sys/epoll.h>", '"kairos/reactor/backends/backend.h"')
        self.assertFalse(self.problems("".join("#include %s\n" % name for name in includes)))

    def test_refuses_everything_else(self):
        for name in (
            "<functional>",
            "<thread>",
            "<iostream>",
            "<uv.h>",
            "<boost/asio.hpp>",
            '"kairos/transports/stream.h"',
            '"kairos/reactor/examples/port.h"',
            '"reactor/reactor.h"',
            "MACRO",
        ):
            self.assertTrue(self.problems("#include %s\n" % name), name)
            self.assertTrue(self.problems("#  include %s // why\n" % name), name)

    def test_lets_the_simulation_alone_use_containers(self):
        self.assertTrue(self.problems("#include <vector>\n"))
        self.assertFalse(self.problems("#include <vector>\n", path="reactor/simulation/x.cc"))
        self.assertTrue(self.problems("#include <thread>\n", path="reactor/simulation/x.cc"))

    def test_refuses_a_file_that_does_not_exist(self):
        self.assertTrue(self.problems('#include "kairos/reactor/gone.h"\n', exists=False))

    def test_refuses_a_second_kind_of_callback(self):
        self.assertTrue(self.problems("std::function<void()> f;\n"))
        self.assertFalse(self.problems("// no std::function here\n"))


class TransportSources(unittest.TestCase):
    def problem(self, directive, exists=True):
        return transport_sources.problem_of(directive, lambda path: exists)

    def test_accepts_itself_the_reactor_and_the_system(self):
        for name in (
            '"kairos/transports/address.h"',
            '"kairos/transports/detail/stream.h"',
            '"kairos/reactor/reactor.h"',
            "<string>",
            "<netinet/tcp.h>",
            "<sys/socket.h>",
        ):
            self.assertFalse(self.problem("#include " + name), name)

    def test_refuses_everything_else(self):
        for name in (
            '"kairos/reactor/error.h"',
            '"kairos/futures-addon/future.h"',
            '"kairos/transports/examples/chat.h"',
            '"transports/address.h"',
            "<netdb.h>",
            "<thread>",
            "<zlib.h>",
            "MACRO",
        ):
            self.assertTrue(self.problem("#include " + name), name)

    def test_refuses_a_file_that_does_not_exist(self):
        self.assertTrue(self.problem('#include "kairos/transports/gone.h"', exists=False))

    def test_accepts_a_library_only_where_it_is_the_subject(self):
        text = "#include <openssl/ssl.h>\n#include <memory>\n"
        self.assertFalse(self.problem("#include <openssl/ssl.h>"))
        self.assertFalse(transport_sources.misplaced("transports/detail/tls_bio.cc", text))
        self.assertTrue(transport_sources.misplaced("transports/connect.cc", text))
        self.assertTrue(transport_sources.misplaced("transports/tls_x.cc", "#include <ares.h>\n"))


class ForbiddenSymbols(unittest.TestCase):
    def test_names_each_forbidden_call(self):
        for name in (
            "gettimeofday",
            "gettimeofday@GLIBC_2.2.5",
            "std::chrono::_V2::system_clock::now()",
            "pthread_create",
            "signal",
            "sigaction",
            "localtime",
            "__cxa_throw",
            "__cxa_rethrow",
            "getaddrinfo",
            "recv",
            "accept4",
            "fork",
            "__cxa_atexit",
        ):
            self.assertEqual(len(forbidden_symbols.problems({name}, expected=())), 1, name)

    def test_leaves_the_rest_alone(self):
        names = {"epoll_wait", "std::chrono::_V2::steady_clock::now()", "timerfd_create", "free"}
        self.assertFalse(forbidden_symbols.problems(names, expected=()))

    def test_lets_transports_alone_do_more(self):
        for name in ("recv", "signalfd", "pthread_sigmask"):
            self.assertFalse(transport_symbols.problems({name}, expected=()), name)
        for name in ("std::thread::join()", "sigaction@GLIBC_2.2.5", "setenv", "umask", "printf"):
            self.assertEqual(len(transport_symbols.problems({name}, expected=())), 1, name)
        self.assertEqual(len(transport_symbols.problems({"free"})), 3)

    def test_wants_to_see_the_core(self):
        self.assertEqual(len(forbidden_symbols.problems({"free"})), 2)


class ExceptionSymbols(unittest.TestCase):
    def test_finds_what_exceptions_and_rtti_leave(self):
        self.assertTrue(exception_symbols.marks({"__gxx_personality_v0", "free"}))
        self.assertTrue(exception_symbols.marks({"typeinfo for kairos::detail::Backend"}))
        self.assertFalse(exception_symbols.marks({"kairos::Reactor::Reactor()", "free"}))


class PublicNames(unittest.TestCase):
    def test_reads_the_names_of_a_header(self):
        expected = "Fd TimerId TimerId::none TimerId::other Result Result::callbacks"
        expected += " Result::operator== Reactor Reactor::forever Reactor::Reactor"
        expected += " Reactor::~Reactor Reactor::operator= Reactor::addReader"
        self.assertEqual(public_names.declared(_HEADER), set(expected.split()))

    def test_sees_what_is_added_anywhere(self):
        before = public_names.declared(_HEADER)
        for at, text, name in (
            (" private:", "void* handle() const;\n", "Reactor::handle"),
            (" private:", "struct Options { int size; };\n", "Reactor::Options"),
            ("class Reactor", "void callSoon(Reactor& reactor);\n", "callSoon"),
            ("class Reactor", "template <typename T> struct Future {};\n", None),
            ("}  // namespace kairos", "inline int next() { return 1; }\n", "next"),
            ("#endif", "int global;\n", "global"),
            ("#endif", "#define KAIROS_VERSION 1\n", "KAIROS_VERSION"),
        ):
            added = public_names.declared(_HEADER.replace(at, text + at)) - before
            self.assertTrue(added, text)
            self.assertTrue(name is None or name in added, (text, added))

    def test_shows_what_a_linker_would_find(self):
        symbols = {
            "kairos::Reactor::poll(%s)" % public_names._DURATION: "T",
            "kairos::Reactor::handle() const": "T",
            "kairos::wakeUp(int)": "W",
            "void kairos::each<int>(int)": "W",
            "helper": "T",
            "kairos::detail::open()": "T",
            "kairos::Reactor::Core::poll(long)": "T",
            "vtable for kairos::detail::Backend": "V",
            "typeinfo for kairos::Loop": "V",
            "kairos::Reactor::forever": "u",
            "int const& std::max<kairos::TimerId>(int const&)": "W",
            "kairos::Reactor::Core*& std::get<0ul, kairos::Reactor::Core*>(int)": "W",
        }
        self.assertEqual(
            public_names.exported(symbols),
            {
                "kairos::Reactor::poll(duration)",
                "kairos::Reactor::handle() const",
                "kairos::wakeUp(int)",
                "void kairos::each<int>(int)",
                "helper",
                "typeinfo for kairos::Loop",
            },
        )

    def test_tells_both_directions_apart(self):
        found = public_names.differences({"a", "b"}, {"b", "c"})
        self.assertEqual(found, ["public, but not foreseen: a", "foreseen, but not public: c"])


class CppText(unittest.TestCase):
    def functions(self, text):
        return [(f.name, f.first, f.last) for f in cpp_text.functions(text)]

    def test_finds_functions_where_they_are(self):
        text = """namespace a::b {
struct S final : T<int> {
 public:
  S() noexcept : x_(1), y_{2} {}
  bool operator==(const S& s) const { return s.x_ == x_; }

  int x_ = 0, y_{};
};
template <typename T>
auto Outer::run(int (*f)(void*), T t = {1})
    -> int {
  auto inner = [&] { return '}'; };
  // }
  return f("}") + inner();
}
constexpr int table[] = {1, 2};
TEST(Subject, Claim) {
}
}  // namespace a::b
"""
        self.assertEqual(
            self.functions(text),
            [
                ("S", 4, 4),
                ("operator==", 5, 5),
                ("Outer::run", 9, 15),
                ("TEST(Subject, Claim)", 17, 18),
            ],
        )

    def test_joins_continued_directives(self):
        text = "#define A \\\n  1\n// #if 0\n# if B  // why\n"
        self.assertEqual(cpp_text.directives(text), [(1, "#define A 1"), (4, "# if B")])


class HouseLimits(unittest.TestCase):
    SPDX = "// SPDX-License-Identifier: MIT OR Apache-2.0\n"
    GUARD = "#ifndef KAIROS_BENCH_X_H_\n#define KAIROS_BENCH_X_H_\n"

    def problems(self, path, text, documents=()):
        return house_limits.Source(path, text, lambda name: name in documents).problems()

    def assertRefused(self, path, text, words):
        found = self.problems(path, text)
        self.assertEqual(len(found), 1, found)
        self.assertIn(words, found[0])

    def test_accepts_what_keeps_them(self):
        text = self.SPDX + "// " + 97 * "x" + "\nint f() {\n" + 68 * "  g();\n" + "}\n"
        self.assertFalse(self.problems("bench/x.cc", text))
        self.assertFalse(self.problems("bench/x.h", self.SPDX + self.GUARD + "#endif\n"))
        self.assertFalse(self.problems("bench/x.cc", self.SPDX + 499 * "int x;\n"))

    def test_refuses_long_lines_functions_and_files(self):
        self.assertRefused("bench/x.cc", self.SPDX + "// " + 98 * "x" + "\n", "101 columns")
        text = self.SPDX + "int f() {\n" + 69 * "  g();\n" + "}\n"
        self.assertRefused("bench/x.cc", text, "f has 71 lines")
        self.assertRefused("bench/x.cc", self.SPDX + 500 * "int x;\n", "more than 500")

    def test_refuses_long_functions_in_scripts_too(self):
        spdx = self.SPDX.replace("//", "#")
        self.assertRefused("bench/x.py", spdx + "def f():\n" + 70 * "    g()\n", "f has 71 lines")
        shell = "#!/bin/bash\n" + spdx + "f() {\n" + 69 * "  g\n" + "}\n"
        self.assertRefused("bench/x.sh", shell, "f has 71 lines")

    def test_refuses_long_public_headers(self):
        guard = self.GUARD.replace("BENCH_X", "REACTOR_REACTOR")
        text = self.SPDX + guard + 197 * "\n" + "#endif\n"
        self.assertRefused("reactor/reactor.h", text, "more than 200")

    def test_refuses_a_missing_licence_line(self):
        self.assertRefused("bench/x.cc", "int x;\n", "SPDX")
        self.assertRefused("bench/x.py", "#!/usr/bin/env python3\nx = 1\n", "SPDX")
        self.assertRefused("bench/BUILD.bazel", "", "SPDX")
        self.assertRefused("bench/x.cc", self.SPDX.replace("MIT", "GPL"), "SPDX")

    def test_refuses_promises_without_a_reason(self):
        word = "TO" + "DO"
        self.assertRefused("bench/x.cc", self.SPDX + "// %s: later\n" % word, word)
        text = self.SPDX + "// %s(kernel before 5.11): use epoll_wait there\n" % word
        self.assertFalse(self.problems("bench/x.cc", text))

    def test_refuses_conditions(self):
        for line in ("#if 1", "#ifdef X", "# ifndef X", "#elif X", "#if defined(__linux__)"):
            self.assertRefused("bench/x.cc", self.SPDX + line + "\n", "decides")
        self.assertRefused("bench/x.cc", self.SPDX + "#ifdef NDEBUG\n", "decides")

    def test_refuses_a_wrong_guard(self):
        self.assertRefused("bench/x.h", self.SPDX + "#pragma once\n", "guarded")
        text = self.SPDX + self.GUARD.replace("define KAIROS_", "define K_")
        self.assertRefused("bench/x.h", text, "guarded")

    def test_refuses_words_that_say_nothing_elsewhere(self):
        for path in ("/ro" + "ot/x", "/wo" + "rk/x", "/ho" + "me/joe/x", "/t" + "mp/x"):
            self.assertRefused("README.md", "see %s\n" % path, "one machine")
        self.assertRefused("README.md", "see iss" + "ue #12\n", "instead")
        self.assertRefused("README.md", "see SECRET" + ".md\n", "does not exist")
        self.assertFalse(self.problems("a/README.md", "see OTHER" + ".md\n", ["a/OTHER" + ".md"]))
        self.assertFalse(self.problems("README.md", "mkdtemp in /tmp/k-XXXXXX\n"))


if __name__ == "__main__":
    unittest.main()
