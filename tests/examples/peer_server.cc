// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/tests/examples/peer_server.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <fstream>
#include <iterator>
#include <sstream>
#include <system_error>
#include <vector>

namespace kairos {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> programDirectories() {
  std::vector<fs::path> directories;
  const char* const path = std::getenv("PATH");
  std::istringstream parts(path == nullptr ? "" : path);
  for (std::string part; std::getline(parts, part, ':');) directories.emplace_back(part);
  for (const char* const more : {"/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin"}) {
    directories.emplace_back(more);
  }
  std::error_code none;
  for (const auto& version : fs::directory_iterator("/usr/lib/postgresql", none)) {
    directories.push_back(version.path() / "bin");
  }
  return directories;
}

}  // namespace

std::optional<std::string> findProgram(const std::string& name) {
  for (const auto& directory : programDirectories()) {
    const fs::path program = directory / name;
    if (::access(program.c_str(), X_OK) == 0) return program.string();
  }
  return std::nullopt;
}

TemporaryDirectory::TemporaryDirectory() {
  std::string name = "/tmp/k-XXXXXX";
  if (::mkdtemp(name.data()) == nullptr) {
    throw std::system_error(errno, std::generic_category(), "mkdtemp");
  }
  path_ = name;
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

void TemporaryDirectory::write(const std::string& file, std::string_view content) const {
  std::ofstream(path_ / file, std::ios::binary) << content;
}

std::string TemporaryDirectory::read(const std::string& file) const {
  std::ifstream stream(path_ / file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

BoundSocket::BoundSocket(int type) : socket(::socket(AF_INET, type | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  socklen_t length = sizeof address;
  if (::bind(socket.get(), generic, length) != 0 ||
      ::getsockname(socket.get(), generic, &length) != 0) {
    throw std::system_error(errno, std::generic_category(), "a port on 127.0.0.1");
  }
  port = ntohs(address.sin_port);
}

bool eventually(const std::function<bool()>& isSo) {
  const auto deadline = std::chrono::steady_clock::now() + ChildProcess::patience;
  do {
    if (isSo()) return true;
  } while (std::chrono::steady_clock::now() < deadline);
  return false;
}

std::unique_ptr<PeerServer> PeerServer::start(const Command& command, Wait wait,
                                              std::string_view readyWords) {
  // Between the choice of a port and its use by the server somebody else may take it.
  constexpr int attempts = 5;
  for (int i = 1;; ++i) {
    const std::uint16_t port = BoundSocket(SOCK_STREAM).port;
    std::unique_ptr<PeerServer> server(new PeerServer{port, ChildProcess(command(port))});
    ChildProcess& process = server->process;
    if ((process.*wait)(readyWords)) return server;
    if (i == attempts) {
      ADD_FAILURE() << "the server did not start: " << process.output() << process.errors();
      return nullptr;
    }
  }
}

}  // namespace kairos
