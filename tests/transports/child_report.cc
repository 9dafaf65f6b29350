// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Says what a child process has: descriptors with their status flags, signals, directory, group,
// session, arguments, environment.

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>

namespace {

void reportDescriptors() {
  for (int fd = 0; fd < 1024; ++fd) {
    const int flags = ::fcntl(fd, F_GETFL);
    if (flags >= 0) std::printf("fd %d%s\n", fd, (flags & O_NONBLOCK) != 0 ? " nonblocking" : "");
  }
}

void reportSignals() {
  std::FILE* const status = std::fopen("/proc/self/status", "re");
  char line[256];
  while (status != nullptr && std::fgets(line, sizeof line, status) != nullptr) {
    const bool isAsked =
        std::strncmp(line, "SigBlk", 6) == 0 || std::strncmp(line, "SigIgn", 6) == 0;
    if (isAsked) std::fputs(line, stdout);
  }
  if (status != nullptr) std::fclose(status);
}

}  // namespace

int main(int argc, char** argv) {
  reportDescriptors();
  reportSignals();
  char directory[4096];
  std::printf("directory %s\n", ::getcwd(directory, sizeof directory));
  std::printf("leads group %d\n", ::getpgrp() == ::getpid() ? 1 : 0);
  std::printf("leads session %d\n", ::getsid(0) == ::getpid() ? 1 : 0);
  for (int i = 0; i < argc; ++i) std::printf("argument [%s]\n", argv[i]);
  for (char** each = environ; *each != nullptr; ++each) std::printf("variable [%s]\n", *each);
}
