// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_BENCH_TRANSPORTS_SERVERS_FILE_H_
#define KAIROS_BENCH_TRANSPORTS_SERVERS_FILE_H_

#include <cstddef>

namespace kairos::bench {

constexpr std::size_t fileBytes = 1 << 20;

// A file in memory of so many bytes, byte i being i * 31 + 7.
int openFile();

}  // namespace kairos::bench

#endif  // KAIROS_BENCH_TRANSPORTS_SERVERS_FILE_H_
