// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_BENCH_TRANSPORTS_LOADS_SERVER_PROCESS_H_
#define KAIROS_BENCH_TRANSPORTS_LOADS_SERVER_PROCESS_H_

#include <sys/types.h>

#include <cstdint>

namespace kairos::bench {

// A server program that was started, and what it uses. It is ended with this.
class ServerProcess {
 public:
  // A command of which the first line of output is "PORT PROCESS" or "PORT PROCESS heap"; PROCESS
  // may be a child of the command, such as strace.
  explicit ServerProcess(char* const* command);
  ~ServerProcess();
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  std::uint16_t port() const { return port_; }

  // User and system time of all its threads, by the kernel's clock for that process, which counts
  // nanoseconds and not ticks.
  std::int64_t cpuNanoseconds() const;

  // Anonymous memory that is resident, counted page by page.
  double residentBytes() const;

  // What its malloc has given out; negative if it does not tell. Only while it sleeps in its loop.
  double heapBytes();

 private:
  void readLine(char* line, int size);

  pid_t command_ = -1;
  pid_t server_ = -1;
  int output_ = -1;
  std::uint16_t port_ = 0;
  bool tellsHeap_ = false;
};

}  // namespace kairos::bench

#endif  // KAIROS_BENCH_TRANSPORTS_LOADS_SERVER_PROCESS_H_
