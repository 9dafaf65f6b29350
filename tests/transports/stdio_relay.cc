// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Carries bytes, and their ends, from its input to the socket that its argument is the number of,
// and from there to its output. Whoever writes to one who does not listen any more is told of it.

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <thread>

namespace {

bool writeAll(int to, const char* bytes, std::size_t size) {
  while (size > 0) {
    const ssize_t count = ::write(to, bytes, size);
    if (count <= 0) return false;
    bytes += count;
    size -= static_cast<std::size_t>(count);
  }
  return true;
}

// Until `from` ends, or nobody listens.
void carry(int from, int to) {
  std::array<char, 4096> chunk;
  for (ssize_t count; (count = ::read(from, chunk.data(), chunk.size())) > 0;) {
    if (!writeAll(to, chunk.data(), static_cast<std::size_t>(count))) return;
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 1;
  const int peer = std::atoi(argv[1]);
  std::signal(SIGPIPE, SIG_IGN);
  std::thread back([peer] {
    carry(peer, STDOUT_FILENO);
    ::close(STDOUT_FILENO);
    ::shutdown(peer, SHUT_RD);
  });
  carry(STDIN_FILENO, peer);
  ::close(STDIN_FILENO);
  ::shutdown(peer, SHUT_WR);
  back.join();
}
