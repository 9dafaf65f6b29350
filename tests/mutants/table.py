# SPDX-License-Identifier: MIT OR Apache-2.0
"""All bugs that are planted."""

import backend_mutants
import future_mutants
import reactor_mutants
import timer_mutants

MUTANTS = (
    reactor_mutants.MUTANTS
    + backend_mutants.MUTANTS
    + timer_mutants.MUTANTS
    + future_mutants.MUTANTS
)
