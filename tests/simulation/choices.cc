// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/tests/simulation/choices.h"

#include <array>
#include <chrono>
#include <cstdint>
#include <limits>
#include <span>

namespace kairos {

using namespace std::chrono_literals;

Clock::duration anyDelay(detail::Tape& tape) {
  constexpr std::array delays{
      Clock::duration(0),    Clock::duration(1ns),         Clock::duration(999'999ns),
      Clock::duration(1ms),  Clock::duration(1'000'001ns), Clock::duration(5ms),
      Clock::duration(1min), Clock::duration(-1ns),        Clock::duration::min(),
      Reactor::forever,      Reactor::forever - 1ns};
  const std::uint64_t choice = tape.below(delays.size() + 5);
  return choice < delays.size() ? delays[choice] : Clock::duration(tape.below(1 << 23));
}

Clock::duration anyTimeout(detail::Tape& tape) {
  constexpr std::array timeouts{Clock::duration(0),         Clock::duration(0),
                                Clock::duration(1ns),       Clock::duration(1ms),
                                Clock::duration(1ms + 1ns), Clock::duration(999'999ns),
                                Clock::duration(-1ns),      Clock::duration::min(),
                                Reactor::forever,           Clock::duration(1s)};
  return timeouts[tape.below(timeouts.size())];
}

Fd oddNumber(detail::Tape& tape) {
  constexpr std::array<Fd, 4> numbers{-1, std::numeric_limits<Fd>::max(), 100'000,
                                      std::numeric_limits<Fd>::min()};
  return numbers[tape.below(numbers.size())];
}

void disturbFile(detail::SimulatedKernel& kernel, Fd fd, detail::Tape& tape) {
  char bytes[4];
  switch (tape.below(8)) {
    case 0:
    case 1:
      kernel.send(fd, "x");
      kernel.bump(fd, 1);
      return;
    case 2:
      kernel.send(fd, "four");
      return;
    case 3:
    case 4:
      kernel.receive(fd, bytes);
      kernel.take(fd);
      return;
    case 5:
      kernel.receive(fd, std::span(bytes).first(1));
      return;
    case 6:
      kernel.shutDown(fd);
      return;
    default:
      if (tape.oneIn(4)) kernel.reset(fd);
  }
}

}  // namespace kairos
