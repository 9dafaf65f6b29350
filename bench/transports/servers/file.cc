// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/bench/transports/servers/file.h"

#include <sys/mman.h>
#include <unistd.h>

#include <vector>

#include "kairos/bench/support/check.h"

namespace kairos::bench {

int openFile() {
  const int fd = ::memfd_create("kairos-bench", MFD_CLOEXEC);
  check(fd >= 0, "memfd_create");
  std::vector<char> bytes(fileBytes);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 31 + 7);
  check(::write(fd, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()), "write");
  return fd;
}

}  // namespace kairos::bench
