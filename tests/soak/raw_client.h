// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TESTS_SOAK_RAW_CLIENT_H_
#define KAIROS_TESTS_SOAK_RAW_CLIENT_H_

#include <cstddef>
#include <limits>

#include "kairos/tests/support/unique_fd.h"
#include "kairos/transports/address.h"

namespace kairos::soak {

// A connection without any of Kairos, blocking; closed by a reset.
class RawClient {
 public:
  explicit RawClient(const Address& address);

  bool isConnected() const { return fd_.get() >= 0; }

  // Sends a message and receives it again. False: it did not come as it was.
  bool exchange();

  // Sends until nothing more fits, or so much, and reads nothing of what comes back.
  void flood(std::size_t bytesMax = std::numeric_limits<std::size_t>::max());

  // Sends a byte, and waits for nothing.
  bool drip();

 private:
  UniqueFd fd_;
};

}  // namespace kairos::soak

#endif  // KAIROS_TESTS_SOAK_RAW_CLIENT_H_
