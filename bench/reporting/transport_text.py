# SPDX-License-Identifier: MIT OR Apache-2.0
"""The transports' report as Markdown."""

import itertools

from reporting import plot, text

PANELS = (
    plot.Panel(("echo", "datagrams", "files", "bulk"), 0.8, 5, 0),
)


def _verdict(results, case, ratio):
    if ratio.median <= case.goal:
        return "yes"
    if "bare2" in results.contestants(case) and ratio.median <= results.spread(case, "ns").most:
        return "within the spread"
    return "**no**"


def goal_table(results):
    rows = []
    for case, metric in results.rows:
        if case.goal is None or metric != case.metrics[0]:
            continue
        ratio = results.ratio(case, metric, "kairos", case.base)
        rows.append(["%s, %s" % (case.title, case.parameters),
                     "<= %.2f x %s" % (case.goal, case.base), text.ratio_text(ratio),
                     _verdict(results, case, ratio)])
    return "#### Goals\n\n" + text.table(["case", "goal", "kairos", "met"], rows)


def _ratio_table(results, rows):
    base = rows[0][0].base
    others = [name for name in results.contestants(rows[0][0]) if name != base]
    lines = []
    for case, metric in rows:
        ratios = [text.ratio_text(results.ratio(case, metric, name, base)) for name in others]
        lines.append([case.parameters, text.figure(results.median(case, metric, base)), *ratios])
    return text.table(["", "%s, ns" % base, *others], lines)


def ratio_tables(results):
    timed = [row for row in results.rows if row[1] == "ns"]
    parts = []
    for title, rows in itertools.groupby(timed, lambda row: row[0].title):
        parts += ["#### %s\n" % title, _ratio_table(results, list(rows))]
    return "\n".join(parts)


def figure_table(results):
    """Bytes per idle connection, before and after it was used."""
    rows = [(case, metric) for case, metric in results.rows if metric != "ns"]
    if not rows:
        return ""
    names = results.contestants(rows[0][0])
    lines = []
    for case, metric in rows:
        values = (results.median(case, metric, name) for name in names)
        lines.append([metric.replace("_", ", ")]
                     + ["-" if value < 0 else text.figure(value) for value in values])
    return ("#### Bytes of user memory per idle connection, of %s\n\n" % rows[0][0].parameters
            + text.table(["", *names], lines))


def _counts_cell(found):
    calls = ["-" if found[name] is None else "%.2f" % found[name]
             for name in ("waits", "epoll_ctl", "others")]
    instructions = found["instructions"]
    return " / ".join(calls + ["-" if instructions is None else "%.0f" % instructions])


def count_table(counts):
    """`counts` is {case: {contestant: counts}}."""
    if not counts:
        return ""
    names = list(dict.fromkeys(name for found in counts.values() for name in found))
    rows = [["%s, %s" % (case.title, case.parameters),
             *(_counts_cell(found[name]) if name in found else "" for name in names)]
            for case, found in counts.items()]
    return ("#### Per request: waits / epoll_ctl / other system calls / instructions in user space"
            "\n\n" + text.table(["", *names], rows))


def report(results, counts, conditions):
    """The whole text."""
    return "\n".join([conditions, goal_table(results), ratio_tables(results),
                      figure_table(results), count_table(counts)])
