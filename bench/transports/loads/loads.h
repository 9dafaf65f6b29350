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

// The same of datagrams from one socket, 64 in flight at most. One that is lost is fatal.
void loadDatagrams(ServerProcess& server, const Options& options);

// Files of 1 MiB, one after the other over one connection; the first is compared byte by byte.
//   ns        the server's CPU time per file
void loadFiles(ServerProcess& server, const Options& options);

// 1 GiB one way, or as many MiB as there are to be requests.
//   ns        the server's CPU time per MiB
void loadBulk(ServerProcess& server, const Options& options);

// Opens connections, of which none is used but the last; then uses each once.
//   heap, resident            bytes per connection before that
//   heap_used, resident_used  and after it; heaps are negative when the server does not tell
void loadIdle(ServerProcess& server, const Options& options);

}  // namespace kairos::bench

#endif  // KAIROS_BENCH_TRANSPORTS_LOADS_LOADS_H_
