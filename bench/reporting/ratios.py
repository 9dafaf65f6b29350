# SPDX-License-Identifier: MIT OR Apache-2.0
"""Ratios, formed inside each round between the contestants of one case and metric."""

import collections
import dataclasses
import statistics


@dataclasses.dataclass(frozen=True)
class Ratio:
    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values):
        return cls(statistics.median(values), min(values), max(values))


class Results:
    """All samples of a report, to be asked for medians and ratios."""

    def __init__(self, samples):
        self.samples = list(samples)
        self._values = collections.defaultdict(dict)
        self.rows = []  # (case, metric) in the order they were measured
        for sample in self.samples:
            row = (sample.case, sample.metric)
            if row not in self.rows:
                self.rows.append(row)
            self._values[row + (sample.contestant,)][sample.round] = sample.value

    def median(self, case, metric, contestant):
        return statistics.median(self._values[case, metric, contestant].values())

    def contestants(self, case):
        """Those that were measured in this case, in the order of the case."""
        measured = {sample.contestant for sample in self.samples if sample.case == case}
        return [name for name in case.contestants if name in measured]

    def ratio(self, case, metric, contestant, base):
        """The contestant's values divided by those of `base` in the same round."""
        bases = self._values[case, metric, base]
        values = self._values[case, metric, contestant]
        return Ratio.of([values[number] / bases[number] for number in values])

    def spread(self, case, metric):
        """What two identical bare loops differ by."""
        return self.ratio(case, metric, "bare2", "bare")
