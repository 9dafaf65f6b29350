// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/tests/support/descriptors.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace kairos {
namespace {

// The set-up of a test, not its subject: there is nothing to go on with.
int must(int result, const char* what) {
  if (result >= 0) return result;
  std::perror(what);
  std::abort();
}

int nonBlocking(int fd) {
  must(::fcntl(fd, F_SETFL, must(::fcntl(fd, F_GETFL), "F_GETFL") | O_NONBLOCK), "F_SETFL");
  return fd;
}

}  // namespace

Pair pair() {
  std::array<int, 2> ends{};
  must(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()),
       "socketpair");
  return {UniqueFd(ends[0]), UniqueFd(ends[1])};
}

Pair pipePair() {
  std::array<int, 2> ends{};
  must(::pipe2(ends.data(), O_NONBLOCK | O_CLOEXEC), "pipe2");
  return {UniqueFd(ends[0]), UniqueFd(ends[1])};
}

UniqueFd tcpListener() {
  UniqueFd listener(
      must(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), "socket"));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  must(::bind(listener.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), "bind");
  must(::listen(listener.get(), 1), "listen");
  return listener;
}

Pair tcpPair() {
  const UniqueFd listener = tcpListener();
  sockaddr_in address{};
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  must(::getsockname(listener.get(), generic, &size), "getsockname");
  UniqueFd near(must(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket"));
  must(::connect(near.get(), generic, size), "connect");  // blocking: done when it returns
  nonBlocking(near.get());
  UniqueFd far(
      must(::accept4(listener.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC), "accept4"));
  return {std::move(near), std::move(far)};
}

UniqueFd counter(unsigned value) {
  return UniqueFd(must(::eventfd(value, EFD_NONBLOCK | EFD_CLOEXEC), "eventfd"));
}

UniqueFd duplicate(Fd fd) { return UniqueFd(must(::fcntl(fd, F_DUPFD_CLOEXEC, 0), "F_DUPFD")); }

Fd unusedFd() { return duplicate(STDERR_FILENO).get(); }

void duplicateTo(Fd fd, Fd number) {
  const int copy = must(::fcntl(fd, F_DUPFD_CLOEXEC, number), "F_DUPFD");
  if (copy == number) return;
  std::fprintf(stderr, "descriptor %d is taken\n", number);
  std::abort();
}

void writeByte(Fd fd) { must(static_cast<int>(::write(fd, "x", 1)), "write"); }

std::size_t drain(Fd fd) {
  std::array<char, 4096> buffer;
  std::size_t total = 0;
  for (ssize_t n; (n = ::read(fd, buffer.data(), buffer.size())) > 0;) {
    total += static_cast<std::size_t>(n);
  }
  return total;
}

void fill(Fd fd) {
  const std::array<char, 4096> buffer{};
  while (::write(fd, buffer.data(), buffer.size()) > 0) {
  }
  while (::write(fd, buffer.data(), 1) > 0) {
  }
}

void bump(Fd counter) { must(::eventfd_write(counter, 1), "eventfd_write"); }

bool isOpen(Fd fd) { return ::fcntl(fd, F_GETFD) >= 0; }

std::set<Fd> openFds() {
  std::set<Fd> fds;
  DIR* directory = ::opendir("/proc/self/fd");
  while (const dirent* entry = ::readdir(directory)) {
    if (entry->d_name[0] != '.') fds.insert(std::atoi(entry->d_name));
  }
  fds.erase(::dirfd(directory));
  ::closedir(directory);
  return fds;
}

std::set<Fd> openedSince(const std::set<Fd>& before) {
  std::set<Fd> fds = openFds();
  for (const Fd fd : before) fds.erase(fd);
  return fds;
}

std::set<Fd> epollFds() {
  std::set<Fd> fds;
  for (const Fd fd : openFds()) {
    std::error_code ignored;  // closed meanwhile
    const std::string link = "/proc/self/fd/" + std::to_string(fd);
    const auto target = std::filesystem::read_symlink(link, ignored);
    if (target == "anon_inode:[eventpoll]") fds.insert(fd);
  }
  return fds;
}

std::map<Fd, std::uint32_t> kernelSet(Fd epoll) {
  std::map<Fd, std::uint32_t> watched;
  std::ifstream info("/proc/self/fdinfo/" + std::to_string(epoll));
  for (std::string line; std::getline(info, line);) {
    std::istringstream words(line);  // "tfd: 5 events: 2019 data: ..."
    std::string name;
    Fd fd = -1;
    std::uint32_t mask = 0;
    words >> name >> fd;
    if (name != "tfd:") continue;
    words >> name >> std::hex >> mask;
    watched[fd] = mask;
  }
  return watched;
}

std::size_t raiseFdLimit() {
  rlimit limit{};
  must(::getrlimit(RLIMIT_NOFILE, &limit), "getrlimit");
  limit.rlim_cur = limit.rlim_max;
  must(::setrlimit(RLIMIT_NOFILE, &limit), "setrlimit");
  return limit.rlim_max;
}

}  // namespace kairos
