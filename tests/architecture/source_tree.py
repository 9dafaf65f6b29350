# SPDX-License-Identifier: MIT OR Apache-2.0
"""The sources of the repository, found by walking it, so that no new file is forgotten."""

import os

# Bazel's output and git's data are elsewhere; so is what somebody else may have put beside these.
_FOLDERS = (".ci", "bazel", "bench", "futures-addon", "reactor", "tests", "transports")
_NAMES = (".bazelignore", ".bazelrc", ".clang-format", ".clang-tidy", ".gitignore", "WORKSPACE")
_ENDINGS = (".bazel", ".bzl", ".cc", ".h", ".md", ".py", ".sh", ".txt")


def root():
    """The repository, in which this file lies; a test sees it through symbolic links."""
    return os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))


def _is_text(folder, name):
    if name in _NAMES or name.endswith(_ENDINGS) or name.startswith("LICENSE"):
        return True
    with open(os.path.join(folder, name), "rb") as stream:
        return stream.read(2) == b"#!"


def _files_in(folder):
    return [
        os.path.join(folder, name)
        for name in sorted(os.listdir(folder))
        if os.path.isfile(os.path.join(folder, name)) and _is_text(folder, name)
    ]


def read(path, top=None):
    with open(os.path.join(top or root(), path), encoding="utf-8") as stream:
        return stream.read()


def files(top=None):
    """[(path relative to `top`, text)] of every source and every text for readers."""
    top = top or root()
    paths = _files_in(top)
    for name in _FOLDERS:
        for folder, folders, _ in os.walk(os.path.join(top, name)):
            folders[:] = sorted(
                name for name in folders if name != "__pycache__" and not name.startswith("bazel-")
            )
            paths.extend(_files_in(folder))
    names = [os.path.relpath(path, top) for path in paths]
    return [(name, read(name, top)) for name in names]
