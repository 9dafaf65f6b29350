// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_BENCH_TRANSPORTS_LOADS_LOADS_H_
#define KAIROS_BENCH_TRANSPORTS_LOADS_LOADS_H_

#include "kairos/bench/transports/loads/options.h"
#include "kairos/bench/transports/loads/server_process.h"

namespace kairos::bench {

// Each puts its load on the server and prints what it found as an object of JSON. Answers that are
// not what was asked for end the program.

// Stamped messages, one in flight on each connection; what is sent back is compared byte by byte.
//   ns        the server's CPU time per request: the median of the samples
//   requests  all of them
void loadEcho(ServerProcess& server, const Options& options);

}  // namespace kairos::bench

#endif  // KAIROS_BENCH_TRANSPORTS_LOADS_LOADS_H_
