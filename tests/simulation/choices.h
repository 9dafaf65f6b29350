// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TESTS_SIMULATION_CHOICES_H_
#define KAIROS_TESTS_SIMULATION_CHOICES_H_

#include "kairos/reactor/reactor.h"
#include "kairos/reactor/simulation/kernel.h"
#include "kairos/reactor/simulation/tape.h"

// What a history chooses from its tape, the dullest first.
namespace kairos {

// Arguments around which mistakes gather.
Clock::duration anyDelay(detail::Tape& tape);
Clock::duration anyTimeout(detail::Tape& tape);
// A number that no file has.
Fd oddNumber(detail::Tape& tape);

// Changes what a file is ready for, if it is of a kind that changes.
void disturbFile(detail::SimulatedKernel& kernel, Fd fd, detail::Tape& tape);

}  // namespace kairos

#endif  // KAIROS_TESTS_SIMULATION_CHOICES_H_
