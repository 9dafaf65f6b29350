// SPDX-License-Identifier: MIT OR Apache-2.0
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <span>
#include <vector>

#include "kairos/bench/support/check.h"
#include "kairos/bench/transports/loads/client_socket.h"
#include "kairos/bench/transports/loads/loads.h"

namespace kairos::bench {
namespace {

// Sends `mebibytes` over a connection of its own.
void sendOneWay(std::uint16_t port, std::uint64_t mebibytes) {
  static const std::vector<char> piece(1 << 20, 'x');
  const int fd = connectToLoopback(SOCK_STREAM, port);
  for (std::uint64_t i = 0; i < mebibytes; ++i) sendAll(fd, piece);
  check(::shutdown(fd, SHUT_WR) == 0, "shutdown");
  std::uint64_t received = 0;
  receiveAll(fd, {reinterpret_cast<char*>(&received), sizeof received});
  check(received == mebibytes * piece.size(), "all bytes arrive");
  ::close(fd);
}

}  // namespace

void loadBulk(ServerProcess& server, const Options& options) {
  const std::uint64_t mebibytes = options.requests > 0 ? options.requests : 1024;
  sendOneWay(server.port(), 16);  // warms up
  const std::int64_t before = server.cpuNanoseconds();
  sendOneWay(server.port(), mebibytes);
  const auto spent = static_cast<double>(server.cpuNanoseconds() - before);
  std::printf("{\"ns\": %.1f, \"requests\": %llu}\n", spent / static_cast<double>(mebibytes),
              static_cast<unsigned long long>(mebibytes));
}

}  // namespace kairos::bench
