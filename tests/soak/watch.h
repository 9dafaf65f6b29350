// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TESTS_SOAK_WATCH_H_
#define KAIROS_TESTS_SOAK_WATCH_H_

#include "kairos/tests/soak/echo_server.h"
#include "kairos/tests/soak/figures.h"

namespace kairos::soak {

// The server's descriptors and memory, for the figures of a program.
class ServerWatch {
 public:
  // Descriptors are counted now, after a first exchange.
  ServerWatch(EchoServer& server, Figures& figures);

  // At a tenth of the time.
  void take() { figures_.rssBefore = residentKilobytes(server_.process()); }

  // When all clients have gone: waits until the server has noticed, then ends it.
  void finish();

 private:
  EchoServer& server_;
  Figures& figures_;
};

}  // namespace kairos::soak

#endif  // KAIROS_TESTS_SOAK_WATCH_H_
