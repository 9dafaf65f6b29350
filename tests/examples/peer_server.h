// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TESTS_EXAMPLES_PEER_SERVER_H_
#define KAIROS_TESTS_EXAMPLES_PEER_SERVER_H_

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "kairos/tests/support/child_process.h"
#include "kairos/tests/support/unique_fd.h"

namespace kairos {

// The first file of this name in the directories where servers are installed, PATH included.
std::optional<std::string> findProgram(const std::string& name);

// A new directory directly under /tmp, because paths of unix sockets must be short. Deleted with
// its content by the destructor.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();

  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  const std::filesystem::path& path() const { return path_; }
  void write(const std::string& file, std::string_view content) const;
  std::string read(const std::string& file) const;

 private:
  std::filesystem::path path_;
};

// A TCP or UDP socket (`type`) with a port of its own on 127.0.0.1. As long as it is open and not
// listening, connections to that port are refused.
struct BoundSocket {
  explicit BoundSocket(int type);

  UniqueFd socket;
  std::uint16_t port = 0;
};

// Asks again and again whether it is so, until ChildProcess::patience is at its end.
bool eventually(const std::function<bool()>& isSo);

// A server that cannot be told to take a free port by itself.
struct PeerServer {
  using Command = std::function<ChildProcess::Options(std::uint16_t port)>;
  using Wait = bool (ChildProcess::*)(std::string_view words);

  // Returns when the server has printed `readyWords`, which it does after it has begun to listen.
  // Null, after a failed check with the server's own words, when it does not get there.
  static std::unique_ptr<PeerServer> start(const Command& command, Wait wait,
                                           std::string_view readyWords);

  std::uint16_t port;
  ChildProcess process;
};

}  // namespace kairos

#endif  // KAIROS_TESTS_EXAMPLES_PEER_SERVER_H_
