# SPDX-License-Identifier: MIT OR Apache-2.0
"""Uses of the public headers that the compiler has to refuse."""

load(":does_not_compile.bzl", "does_not_compile_test")

def _results_are_not_dropped():
    # F14
    does_not_compile_test(
        name = "futures_are_not_dropped_test",
        bad = "kairos::FutureContext context(reactor); " +
              "kairos::sleepAsync(context, reactor.forever);",
        dep = "//futures-addon:run",
        good = "kairos::FutureContext context(reactor); " +
               "static_cast<void>(kairos::sleepAsync(context, reactor.forever));",
        header = "kairos/futures-addon/sleep.h",
        message = "nodiscard|warn_unused_result",
    )

    does_not_compile_test(
        name = "errors_are_not_dropped_test",
        bad = "reactor.addWriter(fd, callback, udata);",
        good = "static_cast<void>(reactor.addWriter(fd, callback, udata));",
        message = "nodiscard|warn_unused_result",
    )

def _arguments_are_checked():
    # R12
    does_not_compile_test(
        name = "poll_wants_a_timeout_test",
        bad = "reactor.poll();",
        good = "reactor.poll(kairos::Reactor::forever);",
        message = "no matching function for call to .*poll|too few arguments",
    )

    does_not_compile_test(
        name = "poll_wants_a_unit_test",
        bad = "reactor.poll(100);",
        good = "reactor.poll(std::chrono::milliseconds(100));",
        message = "could not convert|no matching function|no viable conversion|cannot convert",
    )

    does_not_compile_test(
        name = "callback_is_no_capturing_lambda_test",
        bad = "static_cast<void>(reactor.addReader(fd, [fd](void*) {}, udata));",
        good = "static_cast<void>(reactor.addReader(fd, [](void*) {}, udata));",
        message = "could not convert|no viable conversion|cannot convert",
    )

    does_not_compile_test(
        name = "callback_is_no_std_function_test",
        bad = "reactor.addTimer(reactor.forever, std::function<void(void*)>(callback), udata);",
        good = "reactor.addTimer(reactor.forever, callback, udata);",
        message = "no matching function|could not convert|cannot convert",
    )

def _reactors_stay():
    does_not_compile_test(
        name = "reactor_is_not_copied_test",
        bad = "kairos::Reactor other(reactor);",
        good = "kairos::Reactor& other(reactor); static_cast<void>(other);",
        message = "use of deleted function|call to deleted constructor",
    )

    does_not_compile_test(
        name = "reactor_is_not_moved_test",
        bad = "kairos::Reactor other(std::move(reactor));",
        good = "kairos::Reactor&& other(std::move(reactor)); static_cast<void>(other);",
        message = "use of deleted function|call to deleted constructor",
    )

def _language_is_named():
    does_not_compile_test(
        name = "older_language_is_named_test",
        bad = "reactor.poll(kairos::Reactor::forever);",
        bad_copts = ["-std=c++17"],
        good = "reactor.poll(kairos::Reactor::forever);",
        message = "Kairos needs C\\+\\+20",
    )

def misuse_tests():
    """One test for each, beside what is nearly the same and is accepted."""
    _results_are_not_dropped()
    _arguments_are_checked()
    _reactors_stay()
    _language_is_named()
