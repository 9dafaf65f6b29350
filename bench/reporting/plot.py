# SPDX-License-Identifier: MIT OR Apache-2.0
"""The report as a picture: one line per case and metric, one mark per contestant."""

import dataclasses
import shutil
import subprocess

# Contestant: (colour, gnuplot point type, size). Kairos stands out, its peers stay readable.
_MARKS = {
    "bare": ("#000000", 2, 0.6),
    "bare2": ("#888888", 1, 0.7),
    "libev": ("#1b7837", 6, 0.7),
    "libuv": ("#2166ac", 4, 0.7),
    "libevent": ("#b35806", 8, 0.8),
    "asio": ("#762a83", 12, 0.9),
    "nim": ("#8c510a", 10, 0.9),
    "bare_mmsg": ("#555555", 3, 0.7),
    "kairos": ("#d6001c", 7, 0.9),
}
_ROW, _PANEL_WIDTH, _AROUND_ROWS = 17, 720, 105  # pixels


@dataclasses.dataclass(frozen=True)
class Panel:
    """The rows of some workloads; what is beyond the axis is drawn at its end."""

    workloads: tuple
    least: float
    most: float
    column: int
    rows: tuple = ()

    @property
    def base(self):
        return self.rows[0][0].base

    @property
    def height(self):
        return len(self.rows) * _ROW + _AROUND_ROWS

    def clipped(self, value):
        return min(max(value, self.least), self.most)


PANELS = (
    Panel(("Dispatch", "DispatchAlone", "EmptyPoll"), 0.8, 8, 0),
    Panel(("Registration",), 0.01, 5, 0),
    Panel(("Timers", "TimerFire", "Deferred"), 0.1, 20, 1),
)


def _filled(results, panels):
    for panel in panels:
        rows = tuple(row for row in results.rows if row[0].workload in panel.workloads)
        if rows:
            yield dataclasses.replace(panel, rows=rows)


def _block(results, panel, contestant):
    lines = []
    for place, (case, metric) in enumerate(panel.rows):
        if contestant not in results.contestants(case):
            continue
        ratio = results.ratio(case, metric, contestant, case.base)
        values = [panel.clipped(value) for value in (ratio.median, ratio.least, ratio.most)]
        lines.append("%g %d %g %g" % (values[0], -place, values[1], values[2]))
    return "\n".join(lines)


def _label(case, metric):
    name = case.name + ("" if metric == "ns" else " " + metric)
    return name.replace("_", " ")


def _mark(contestant, data):
    colour, kind, size = _MARKS[contestant]
    # Only Kairos shows its spread; with everybody's nothing could be read.
    style = "1:2:3:4 with xerrorbars" if contestant == "kairos" else "1:2 with points"
    return '%s using %s lc rgb "%s" lw 1.5 pt %d ps %g title "%s"' % (
        data, style, colour, kind, size, contestant)


def _draw_panel(results, panel, number):
    blocks = {name: "$panel%d_%s" % (number, name) for name in _MARKS
              if name != panel.base and _block(results, panel, name)}
    tics = ", ".join('"%s" %d' % (_label(*row), -place) for place, row in enumerate(panel.rows))
    commands = ["%s << EOD\n%s\nEOD" % (blocks[name], _block(results, panel, name))
                for name in blocks]
    commands += [
        'set title "time, divided by that of %s (log scale; left is faster)"'
        % {"bare": "the bare loop"}.get(panel.base, panel.base),
        "set ytics (%s) noenhanced" % tics,
        "set yrange [%g:0.7]" % (0.3 - len(panel.rows)),
        "set xrange [%g:%g]" % (panel.least * 0.96, panel.most * 1.04),
        "plot " + ", \\\n  ".join(_mark(name, blocks[name]) for name in blocks),
    ]
    return commands


def script(results, output, panels):
    """The gnuplot program."""
    panels = list(_filled(results, panels))
    columns = sorted({panel.column for panel in panels})
    heights = {column: sum(panel.height for panel in panels if panel.column == column)
               for column in columns}
    total = max(heights.values())
    commands = [
        'set terminal svg size %d,%d font "sans-serif,11" background "white"'
        % (_PANEL_WIDTH * len(columns), total),
        'set output "%s"' % output,
        "set multiplot",
        "set logscale x",
        "set xtics (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 0.8, 0.9, 1, 1.1, 1.2, 1.5, 2, 3, 5, 8, 20)",
        "set grid xtics ytics lc rgb '#e4e4e4' lt 1",
        "set key below horizontal",
        "set lmargin 34",
        "set arrow from 1, graph 0 to 1, graph 1 nohead lc rgb '#888888' lw 1 back",
    ]
    below = dict.fromkeys(columns, 0)
    for number, panel in enumerate(panels):
        below[panel.column] += panel.height
        commands += [
            "set size %g,%g" % (1 / len(columns), panel.height / total),
            "set origin %g,%g" % (columns.index(panel.column) / len(columns),
                                  1 - below[panel.column] / total),
            *_draw_panel(results, panel, number),
        ]
    return "\n".join(commands + ["unset multiplot"]) + "\n"


def draw(results, output, panels):
    """Writes an SVG; False where gnuplot is not installed, or where there is nothing to draw."""
    if shutil.which("gnuplot") is None or not any(_filled(results, panels)):
        return False
    subprocess.run(("gnuplot", "-"), input=script(results, output, panels), text=True, check=True)
    return True
