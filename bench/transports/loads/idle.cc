// SPDX-License-Identifier: MIT OR Apache-2.0
#include <sys/socket.h>

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

constexpr std::size_t basis = 100;  // connections that are there before anything is counted

void exchange(int fd) {
  std::array<char, 64> bytes;
  bytes.fill('x');
  sendAll(fd, bytes);
  receiveAll(fd, bytes);
}

struct Memory {
  double resident;
  double heap;

  static Memory of(ServerProcess& server) { return {server.residentBytes(), server.heapBytes()}; }
};

double grown(double after, double before, std::size_t connections) {
  return after < 0 ? -1 : (after - before) / static_cast<double>(connections);
}

}  // namespace

// Connections are accepted in order: an answer on the last one says that all are.
void loadIdle(ServerProcess& server, const Options& options) {
  std::vector<int> sockets;
  const auto open = [&](std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      sockets.push_back(connectToLoopback(SOCK_STREAM, server.port()));
    }
    exchange(sockets.back());
  };
  open(basis);
  for (const int fd : sockets) exchange(fd);
  const Memory before = Memory::of(server);
  open(options.connections);
  const Memory idle = Memory::of(server);
  for (const int fd : sockets) exchange(fd);
  const Memory used = Memory::of(server);
  const auto print = [&](const char* name, double after, double earlier, const char* end) {
    std::printf("\"%s\": %.1f%s", name, grown(after, earlier, options.connections), end);
  };
  std::printf("{");
  print("heap", idle.heap, before.heap, ", ");
  print("resident", idle.resident, before.resident, ", ");
  print("heap_used", used.heap, before.heap, ", ");
  print("resident_used", used.resident, before.resident, "}\n");
}

}  // namespace kairos::bench
