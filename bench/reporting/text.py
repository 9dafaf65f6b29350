# SPDX-License-Identifier: MIT OR Apache-2.0
"""The report as Markdown."""

import itertools

from reporting import cases, goals
from reporting.counts import CONTESTANTS as COUNTED

_TITLES = {
    "Dispatch": "Dispatch, work included (N pairs / K tokens)",
    "DispatchAlone": "Dispatch alone (N eventfds / K readable)",
    "EmptyPoll": "Empty poll(0)",
    "Registration": "Registration",
    "Timers": "Timers that do not fire (deadlines / pending)",
    "TimerFire": "Timers that fire (walk / deadlines / pending)",
    "Deferred": "Deferred calls per poll",
}


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows]) + "\n"


def figure(value):
    return "%.0f" % value if value >= 100 else "%.3g" % value


def ratio_text(ratio):
    return "%.2f (%.2f-%.2f)" % (ratio.median, ratio.least, ratio.most)


def _label(case, metric):
    return case.parameters if metric == "ns" else "%s, %s" % (case.parameters, metric)


def _ratio_table(results, rows):
    base = rows[0][0].base
    others = [name for name in cases.CONTESTANTS if name != base]
    lines = []
    for case, metric in rows:
        ratios = [ratio_text(results.ratio(case, metric, name, base)) for name in others]
        lines.append([_label(case, metric), figure(results.median(case, metric, base)), *ratios])
    return table(["", "%s, ns" % base, *others], lines)


def ratio_tables(results):
    timed = [row for row in results.rows if row[0].workload in _TITLES]
    parts = []
    for (workload, base), rows in itertools.groupby(
            timed, lambda row: (row[0].workload, row[0].base)):
        parts += ["#### %s, against %s\n" % (_TITLES[workload], base),
                  _ratio_table(results, list(rows))]
    return "\n".join(parts)


def figure_table(results):
    rows = []
    for case, metric in results.rows:
        if case.workload in ("Memory", "Idle"):
            values = [figure(results.median(case, metric, name)) for name in COUNTED]
            rows.append(["%s, %s" % (case.name, metric), *values])
    if not rows:
        return ""
    return "#### Memory and idle cost\n\n" + table(["", *COUNTED], rows)


def _count(value):
    return "0" if abs(value) < 0.0005 else "%.3f" % value


def _count_table(title, counts, fields, shown):
    """One row per case; nothing where it could not be counted."""
    if any(getattr(found, fields[0]) is None for found in counts.values()):
        return ""
    rows = []
    for case in dict.fromkeys(case for case, _ in counts):
        found = [counts[case, name] for name in COUNTED]
        rows.append([case.name] + [
            " / ".join(shown(getattr(each, field)) for field in fields) for each in found
        ])
    return "#### %s\n\n" % title + table(["", *COUNTED], rows)


def count_tables(counts):
    return "\n".join((
        _count_table("Per operation: waits / epoll_ctl / other system calls / allocations", counts,
                     ("waits", "epoll_ctl", "others", "allocations"), _count),
        _count_table("Per operation: instructions in user space", counts, ("instructions",),
                     "{:.0f}".format),
    ))


def _time_goal_row(goal, results):
    verdicts = goal.verdicts(results)
    if not verdicts:
        return None
    worst = max(verdicts, key=lambda each: each[1].median)
    return [
        goal.claim,
        "<= %.2f x %s" % (goal.limit, goal.base),
        "%s at %s" % (ratio_text(worst[1]), worst[0].parameters),
        _said(verdicts),
    ]


def _said(verdicts):
    """Whether all cases meet a goal, and which do not."""
    missed = ["%s (%.3f)" % (case.parameters, ratio.median)
              for case, ratio, verdict in verdicts if verdict == "no"]
    if missed:
        return "**no**: %d of %d; not %s" % (
            len(verdicts) - len(missed), len(verdicts), ", ".join(missed))
    within = sum(verdict != "yes" for _, _, verdict in verdicts)
    return "yes" if not within else "yes, %d of %d within the spread" % (within, len(verdicts))


def _figure_goal_row(goal, results, counts):
    measured = goal.measured(results, counts)
    if not measured:
        return None
    case, value = max(measured, key=lambda each: each[1])
    limit = "0" if goal.limit < 0.001 else "<= %g" % goal.limit
    shown = _count(value) if goal.count else figure(value)
    where = case.name if value > goal.limit or len(measured) == 1 else "%d cases" % len(measured)
    return [goal.claim, limit, "%s in %s" % (shown, where),
            "yes" if value <= goal.limit else "**no**"]


def goal_table(results, counts):
    rows = [_time_goal_row(goal, results) for goal in goals.TIME_GOALS]
    rows += [_figure_goal_row(goal, results, counts) for goal in goals.FIGURE_GOALS]
    return "#### Goals\n\n" + table(["goal", "figure", "worst case measured", "met"],
                                    [row for row in rows if row])


def report(results, counts, conditions):
    """The whole text."""
    return "\n".join([conditions, goal_table(results, counts), ratio_tables(results),
                      figure_table(results), count_tables(counts)])


def replace_section(document, text):
    """`document` with `text` between its two markers."""
    begin, end = "<!-- report: begin -->\n", "<!-- report: end -->\n"
    head, rest = document.split(begin)
    tail = rest.split(end)[1]
    return head + begin + "\n" + text + "\n" + end + tail
