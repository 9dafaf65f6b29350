// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/transports/examples/http/folder.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace kairos::examples {
namespace {

// A renaming while the kernel walks makes it give up; it is worth another try.
constexpr int triesMax = 8;

int openBeneath(Fd folder, const char* name) {
  open_how how{};
  how.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  for (int tries = 1;; ++tries) {
    const long fd = ::syscall(SYS_openat2, folder, name, &how, sizeof how);
    const bool isWorthAnother = errno == EAGAIN || errno == EINTR;
    if (fd >= 0 || !isWorthAnother || tries == triesMax) return static_cast<int>(fd);
  }
}

std::error_code lastError() { return {errno, std::generic_category()}; }

}  // namespace

std::error_code Folder::open(const std::string& path, Folder& result) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid()) return lastError();
  const UniqueFd tried(openBeneath(fd.get(), "."));
  if (!tried.valid()) return lastError();
  result.fd_ = std::move(fd);
  return {};
}

Folder::Opened Folder::openFile(const std::string& name) const {
  Opened opened;
  opened.fd = UniqueFd(openBeneath(fd_.get(), name.empty() ? "." : name.c_str()));
  if (!opened.fd.valid() || ::fstat(opened.fd.get(), &opened.status) != 0) opened.error = errno;
  return opened;
}

}  // namespace kairos::examples
