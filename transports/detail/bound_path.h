// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TRANSPORTS_DETAIL_BOUND_PATH_H_
#define KAIROS_TRANSPORTS_DETAIL_BOUND_PATH_H_

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <optional>
#include <string_view>
#include <system_error>

#include "kairos/reactor/reactor.h"
#include "kairos/transports/address.h"

namespace kairos::detail {

// The file that binding a unix path made. It is removed only if the path still names that file.
class BoundPath {
 public:
  BoundPath() = default;

  // Binds `fd`. A file that is made has `mode`, less the umask, from the first moment on.
  static std::error_code bind(Fd fd, const Address& address, std::optional<mode_t> mode,
                              BoundPath& result) noexcept {
    const bool isFile = address.family() == Address::Family::unixPath;
    const bool isRefused = (isFile && mode && ::fchmod(fd, *mode) != 0) ||
                           ::bind(fd, address.sockaddrData(), address.sockaddrSize()) != 0;
    if (isRefused) return {errno, std::generic_category()};
    result = BoundPath(address);
    return {};
  }

  // Right after the bind.
  explicit BoundPath(const Address& address) noexcept : address_(address) {
    if (address.family() != Address::Family::unixPath || !look(status_)) address_ = Address();
  }

  void remove() noexcept {
    struct stat now;
    if (address_.isUnix() && look(now) && now.st_dev == status_.st_dev &&
        now.st_ino == status_.st_ino) {
      ::unlink(ended().data());
    }
    address_ = Address();
  }

 private:
  using Ended = std::array<char, Address::unixPathBytesMax + 1>;

  Ended ended() const noexcept {
    Ended path{};
    const std::string_view name = address_.unixName();
    name.copy(path.data(), name.size());
    return path;
  }

  bool look(struct stat& status) const noexcept { return ::lstat(ended().data(), &status) == 0; }

  Address address_;
  struct stat status_ {};
};

}  // namespace kairos::detail

#endif  // KAIROS_TRANSPORTS_DETAIL_BOUND_PATH_H_
