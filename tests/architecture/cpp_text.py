# SPDX-License-Identifier: MIT OR Apache-2.0
"""Reads C++ as far as the checks of this package need it."""

import bisect
import re

_TOKEN = re.compile(
    r"(?P<comment>//[^\n]*|/\*.*?\*/)"
    r'|(?P<string>R"(?P<raw>[^(\s]*)\(.*?\)(?P=raw)"|"(?:\\.|[^"\\\n])*")'
    r"|(?P<number>\b\d[\w.']*)"
    r"|(?P<character>'(?:\\.|[^'\\\n])*')",
    re.S,
)
_DIRECTIVE = re.compile(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", re.M)
_SCOPE = re.compile(r"^(?:inline\s+)?namespace\b|^extern\b[^(]*$")
_TYPE = re.compile(r"^(?:template\s*<.*>\s*)?(?:typedef\s+)?(?:class|struct|union|enum)\b", re.S)
_LABEL = re.compile(r"^\s*(?:public|protected|private)\s*:(?!:)")
_MEMBER_INITIALISER = re.compile(r"\)[^;{}]*[^:][:,]\s*(?!:)[\w:<>]+\s*$", re.S)


def _spaces(text):
    return re.sub(r"[^\n]", " ", text)


def without_comments(text, strings=True):
    """The text with spaces for comments, and for literals unless `strings`."""

    def replace(match):
        if match["number"] or (strings and not match["comment"]):
            return match[0]
        return _spaces(match[0])

    return _TOKEN.sub(replace, text)


def directives(text):
    """[(line number, directive)] of the preprocessor, continued lines joined."""
    text = without_comments(text)
    return [
        (text.count("\n", 0, match.start()) + 1, " ".join(match[0].replace("\\\n", " ").split()))
        for match in _DIRECTIVE.finditer(text)
    ]


def code(text):
    """The text without comments, literals and the preprocessor's lines."""
    return _DIRECTIVE.sub(lambda match: _spaces(match[0]), without_comments(text, strings=False))


def without_groups(text):
    """The text without parentheses and what stands in them."""
    depth, kept = 0, []
    for character in text:
        depth += character == "("
        if not depth:
            kept.append(character)
        depth -= character == ")" and depth > 0
    return "".join(kept)


def matching_brace(text, start):
    """Where the block that begins with the `{` at `start` has its `}`."""
    depth = 0
    for at in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[at], 0)
        if not depth:
            return at
    return len(text) - 1


def block_kind(head):
    """What the block is whose `{` follows `head`: scope, type, function, or a value."""
    if _SCOPE.search(head):
        return "scope"
    if _TYPE.search(head) and not re.search(r"\)[\w\s]*$", head):
        return "type"
    outside_parentheses = without_groups(re.sub(r"operator\s*[^\s\w(]+", "", head))
    if "(" not in head or head.count("(") > head.count(")"):
        return "value"
    if "=" in outside_parentheses or _MEMBER_INITIALISER.search(head):
        return "value"
    return "function"


def function_name(head):
    """`Owner::claim`, or for a macro such as TEST(Subject, Claim) all of it."""
    name = " ".join(head.partition("(")[0].split())
    if re.fullmatch(r"[A-Z_]{2,}", name):
        return " ".join(head.split())
    return name.split(" ")[-1]


class Function:
    def __init__(self, name, first, last):
        self.name, self.first, self.last = name, first, last
        self.lines = last - first + 1


def functions(text):
    """The functions that a file defines, lambdas counted as part of what they stand in."""
    text, found, at, head = code(text), [], 0, 0
    newlines = [i for i, character in enumerate(text) if character == "\n"]
    while at < len(text):
        character = text[at]
        if character in ";}":
            head = at + 1
        elif character == "{":
            start = head + len(text[head:at]) - len(_LABEL.sub("", text[head:at]).lstrip())
            kind = block_kind(text[start:at].strip())
            if kind in ("scope", "type"):
                head = at + 1
            else:
                end = matching_brace(text, at)
                if kind == "function":
                    first = bisect.bisect_left(newlines, start) + 1
                    last = bisect.bisect_left(newlines, end) + 1
                    found.append(Function(function_name(text[start:at]), first, last))
                    head = end + 1
                at = end
        at += 1
    return found
