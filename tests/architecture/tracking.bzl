# SPDX-License-Identifier: MIT OR Apache-2.0
"""What tracking of futures adds to a program, by its instructions and symbols."""

load(":assembly.bzl", "assembly")
load(":core.bzl", "archives", "checker_test")

_IF_TRACKING_IS_OFF = select({
    "//futures-addon:tracking_is_off": [],
    "//conditions:default": [":build_without_tracking"],
})

def tracking_tests():
    """Off, it adds nothing; on, it can be found."""
    [assembly(
        name = "hot_path_" + name,
        testonly = True,
        srcs = [
            "hot_path.cc",
            "//futures-addon:detail/coroutine.cc",
        ],
        dep = dep,
        edit = edit,
    ) for name, dep, edit in [
        ("off", "//futures-addon", ""),
        ("on", "//futures-addon:tracked_places", ""),
        ("without", "//futures-addon", "s/.*racking.*//; s/, AwaitPlace at = placeOfAwait\\(\\)//"),
    ]]

    # F53
    checker_test(
        name = "tracking_instructions_test",
        args = ["$(location :hot_path_%s)" % name for name in [
            "off",
            "without",
            "on",
        ]],
        checker = "same_instructions.py",
        data = [
            ":hot_path_off",
            ":hot_path_on",
            ":hot_path_without",
        ],
        target_compatible_with = _IF_TRACKING_IS_OFF,
    )

    archives(
        name = "future_archives",
        dep = "//futures-addon",
    )

    archives(
        name = "tracked_archives",
        testonly = True,
        dep = "//futures-addon:tracked_stacks",
    )

    # F53
    checker_test(
        name = "tracking_is_not_linked_test",
        args = [
            "off",
            "$(locations :future_archives)",
        ],
        checker = "tracking_symbols.py",
        data = [":future_archives"],
        target_compatible_with = _IF_TRACKING_IS_OFF,
    )

    checker_test(
        name = "tracking_is_linked_where_it_is_on_test",
        args = [
            "on",
            "$(locations :tracked_archives)",
        ],
        checker = "tracking_symbols.py",
        data = [":tracked_archives"],
    )
