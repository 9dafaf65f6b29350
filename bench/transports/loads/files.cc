// SPDX-License-Identifier: MIT OR Apache-2.0
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "kairos/bench/support/check.h"
#include "kairos/bench/transports/loads/client_socket.h"
#include "kairos/bench/transports/loads/loads.h"
#include "kairos/bench/transports/loads/sampling.h"
#include "kairos/bench/transports/servers/file.h"

namespace kairos::bench {
namespace {

void request(int fd) {
  const char byte = 'f';
  sendAll(fd, {&byte, 1});
}

void compareFile(int fd) {
  request(fd);
  std::vector<char> bytes(fileBytes);
  receiveAll(fd, bytes);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    check(bytes[i] == static_cast<char>(i * 31 + 7), "the file comes as it is");
  }
}

// The kernel discards the bytes, so that receiving disturbs as little as it can.
void discardFile(int fd) {
  request(fd);
  for (std::size_t left = fileBytes; left > 0;) {
    const ssize_t count = ::recv(fd, nullptr, left, MSG_TRUNC);
    if (count < 0) {
      check(errno == EAGAIN, "recv");
      pollfd waiting{fd, POLLIN, 0};
      check(::poll(&waiting, 1, 30000) == 1, "the server goes on");
      continue;
    }
    check(count > 0, "the file comes whole");
    left -= static_cast<std::size_t>(count);
  }
}

}  // namespace

void loadFiles(ServerProcess& server, const Options& options) {
  const int fd = connectToLoopback(SOCK_STREAM, server.port());
  compareFile(fd);
  printSamples(server, options, [fd](SampleEnd& end) {
    std::uint64_t files = 0;
    for (; !end.reached(files); ++files) discardFile(fd);
    return files;
  });
}

}  // namespace kairos::bench
