// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TESTS_TRANSPORTS_FRAMING_HISTORY_H_
#define KAIROS_TESTS_TRANSPORTS_FRAMING_HISTORY_H_

#include <cstdint>
#include <span>
#include <string>

namespace kairos {

// Reads of all kinds from a stream to which bytes come in pieces, all of it read from the tape,
// compared with what a reader of the whole text would get. Empty: all was as it should be.
std::string runFraming(std::span<const std::uint8_t> tape);

}  // namespace kairos

#endif  // KAIROS_TESTS_TRANSPORTS_FRAMING_HISTORY_H_
