# SPDX-License-Identifier: MIT OR Apache-2.0
"""How the checkers of this package end."""

import sys


def finish(problems, looked_at):
    """Prints the problems and exits: a check that looked at nothing has failed too."""
    if not looked_at:
        problems = problems + ["nothing was looked at"]
    for problem in problems:
        print(problem, file=sys.stderr)
    sys.exit(1 if problems else 0)
