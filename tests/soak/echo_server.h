// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TESTS_SOAK_ECHO_SERVER_H_
#define KAIROS_TESTS_SOAK_ECHO_SERVER_H_

#include <sys/types.h>

#include <cstdint>

#include "kairos/tests/support/unique_fd.h"
#include "kairos/transports/address.h"

namespace kairos::soak {

// An echo server on a StreamServer, in a process of its own, so that its descriptors and memory
// can be told from those of its clients. To be made before this process has a reactor.
class EchoServer {
 public:
  struct Options {
    unsigned descriptorsMax = 0;  // 0: as many as there may be
    std::uint32_t chaosSeed = 0;  // its system calls misbehave; 0: they do not
  };

  explicit EchoServer(const Options& options);
  // Ends it in an orderly way. A server that did not go on to its end is reported by hasFailed().
  ~EchoServer() { stop(); }
  EchoServer(const EchoServer&) = delete;
  EchoServer& operator=(const EchoServer&) = delete;

  // One of many addresses of the loopback, so that no port number runs out.
  Address address(std::uint64_t number = 0) const;
  pid_t process() const { return process_; }

  // False: it did not end by itself, with all connections closed.
  bool stop();

 private:
  pid_t process_ = -1;
  UniqueFd control_;  // its end tells the server to stop
  std::uint16_t port_ = 0;
};

}  // namespace kairos::soak

#endif  // KAIROS_TESTS_SOAK_ECHO_SERVER_H_
