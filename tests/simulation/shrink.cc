// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/tests/simulation/shrink.h"

#include <rapidcheck.h>

namespace kairos {

TapeBytes shrink(TapeBytes tape, const std::function<bool(const TapeBytes&)>& fails) {
  const auto lower = [](std::uint8_t byte) { return rc::shrink::towards(byte, std::uint8_t{0}); };
  for (;;) {
    auto simpler =
        rc::seq::concat(rc::shrink::removeChunks(tape), rc::shrink::eachElement(tape, lower));
    const auto found = rc::seq::filter(std::move(simpler), fails).next();
    if (!found) return tape;
    tape = *found;
  }
}

}  // namespace kairos
