#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""The core's public surface is what stands below and nothing else.

    public_names.py header               what the public headers declare
    public_names.py archives ARCHIVE...  what the static libraries of the core give to a linker
"""

import re
import sys

import archive_symbols
import cpp_text
import report
import source_tree

_DECLARED = set(
    """
    Fd CallbackFunc Clock
    AsyncCallback AsyncCallback::function AsyncCallback::udata AsyncCallback::operator==
    TimerId TimerId::none
    PollResult PollResult::callbacks PollResult::error
    Reactor Reactor::forever Reactor::Reactor Reactor::~Reactor Reactor::operator=
    Reactor::addReader Reactor::removeReader Reactor::addWriter Reactor::removeWriter
    Reactor::addTimer Reactor::removeTimer Reactor::poll
    """.split()
)
# Of the second public header, for tests.
_SIMULATION = set(
    """
    SimulatedFaults SimulatedFaults::interruptedWait SimulatedFaults::lateWakeUp
    SimulatedFaults::shortBatch SimulatedFaults::anyOrder SimulatedFaults::passingTime
    SimulatedFaults::refusedAddition SimulatedFaults::refusedWait SimulatedFaults::refusedSet
    Simulation Simulation::Simulation Simulation::~Simulation Simulation::operator=
    Simulation::Pair Simulation::Pair::near Simulation::Pair::far
    Simulation::Transfer Simulation::Transfer::bytes Simulation::Transfer::error
    Simulation::makeReactor Simulation::setFaults Simulation::choose
    Simulation::now Simulation::elapsed Simulation::advance Simulation::at
    Simulation::openPair Simulation::openCounter Simulation::openRegularFile
    Simulation::duplicate Simulation::close Simulation::send Simulation::receive
    Simulation::shutDown Simulation::reset Simulation::bump Simulation::take
    """.split()
)
_EXPORTED = {
    "kairos::Reactor::Reactor()",
    "kairos::Reactor::~Reactor()",
    "kairos::Reactor::addReader(int, void (*)(void*), void*)",
    "kairos::Reactor::removeReader(int)",
    "kairos::Reactor::addWriter(int, void (*)(void*), void*)",
    "kairos::Reactor::removeWriter(int)",
    "kairos::Reactor::addTimer(time_point, void (*)(void*), void*)",
    "kairos::Reactor::addTimer(duration, void (*)(void*), void*)",
    "kairos::Reactor::removeTimer(kairos::TimerId)",
    "kairos::Reactor::poll(duration)",
}
# Private, although the language gives it linkage.
_HIDDEN = re.compile(
    r"((vtable|typeinfo|typeinfo name|VTT|guard variable) for )?"
    r"kairos::(detail::|Reactor::Core(::|$)|Reactor::Reactor\(std::unique_ptr<)"
)
# Of inline functions, variables and templates: in every object that needs them.
_INLINE_KINDS = "WVu"
_DURATION = "std::chrono::duration<long, std::ratio<1l, 1000000000l> >"
_TIME_POINT = "std::chrono::time_point<std::chrono::_V2::steady_clock, %s >" % _DURATION

_ACCESS = re.compile(r"\s*(public|protected|private)\s*:(?!:)")
_TYPE_HEAD = re.compile(r"(class|struct|union|enum(?: class)?)\s+(\w+)")
_NAME = re.compile(r"(operator\s*[^\w\s(]+|~?\w+)\s*(?:[(=\[]|$)")


def _declarations(body):
    """[(head, block or None)] of what stands side by side in a scope."""
    found, start, at = [], 0, 0
    while at < len(body):
        if body[at] == "{":
            end = cpp_text.matching_brace(body, at)
            found.append((body[start:at], body[at + 1 : end]))
            at = end
            start = end + 1
        elif body[at] == ";":
            if body[start:at].strip():
                found.append((body[start:at], None))
            start = at + 1
        at += 1
    return found


def _declared_name(head):
    using = re.match(r"using\s+(\w+)", head)
    match = using or _NAME.search(head)
    return match[1] if match else " ".join(head.split())


def _members(head, block, name):
    if head.startswith("enum"):
        return {"%s::%s" % (name, e.split("=")[0].strip()) for e in block.split(",") if e.strip()}
    public = not head.startswith("class")
    names = set()
    for member, inner in _declarations(block):
        access = _ACCESS.match(member)
        while access:
            public = access[1] != "private"
            member = member[access.end() :]
            access = _ACCESS.match(member)
        if public:
            names |= {"%s::%s" % (name, n) for n in _names_of(member.strip(), inner)}
    return names


def _names_of(head, block):
    scope = re.match(r"(?:inline )?namespace ([\w:]+)$", " ".join(head.split()))
    if scope:
        if scope[1] in ("detail", "kairos::detail"):
            return set()
        inner = set().union(*(_names_of(h.strip(), b) for h, b in _declarations(block)))
        return inner if scope[1] == "kairos" else {scope[1] + "::" + name for name in inner}
    declared_type = _TYPE_HEAD.match(head)
    if declared_type and block is not None:
        return {declared_type[2]} | _members(head, block, declared_type[2])
    return {_declared_name(head)}


def declared(text):
    """The public names that a header declares, and the macros that it leaves defined."""
    names = set()
    for head, block in _declarations(cpp_text.code(text)):
        names |= _names_of(head.strip(), block)
    macros = [d.split()[1:] for _, d in cpp_text.directives(text) if re.match(r"# ?define\b", d)]
    return names | {m[0] for m in macros if not m[0].startswith("KAIROS_REACTOR_")}


def _entity(name):
    """A demangled name without template arguments, parameters and return type."""
    plain, before = name, None
    while plain != before:
        before, plain = plain, re.sub(r"<[^<>]*>", "", plain)
    return plain.partition("(")[0].split(" ")[-1]


def _is_known_inline(name, kind):
    scope, _, inside = _entity(name).partition("::")
    return kind in _INLINE_KINDS and (scope != "kairos" or inside in _DECLARED)


def exported(symbols):
    """What of {name: kind} a program could link against, the usual types by short names."""
    return {
        name.replace(_TIME_POINT, "time_point").replace(_DURATION, "duration")
        for name, kind in symbols.items()
        if not _HIDDEN.match(name) and not _is_known_inline(name, kind)
    }


def differences(found, expected):
    return ["public, but not foreseen: " + name for name in sorted(found - expected)] + [
        "foreseen, but not public: " + name for name in sorted(expected - found)
    ]


def main():
    if sys.argv[1] == "header":
        found = declared(source_tree.read("reactor/reactor.h"))
        found |= declared(source_tree.read("reactor/simulation.h"))
        expected = _DECLARED | _SIMULATION
    else:
        found, expected = exported(archive_symbols.defined(sys.argv[2:])), _EXPORTED
    report.finish(differences(found, expected), found)


if __name__ == "__main__":
    main()
