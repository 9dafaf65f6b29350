// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TRANSPORTS_DETAIL_OWNED_FD_H_
#define KAIROS_TRANSPORTS_DETAIL_OWNED_FD_H_

#include <unistd.h>

#include <utility>

#include "kairos/reactor/reactor.h"

namespace kairos::detail {

// Closes its descriptor.
class OwnedFd {
 public:
  OwnedFd() noexcept = default;
  explicit OwnedFd(Fd fd) noexcept : fd_(fd) {}
  ~OwnedFd() { reset(); }
  OwnedFd(OwnedFd&& other) noexcept : fd_(other.release()) {}
  OwnedFd& operator=(OwnedFd&& other) noexcept {
    reset(other.release());
    return *this;
  }

  Fd get() const noexcept { return fd_; }
  Fd release() noexcept { return std::exchange(fd_, -1); }
  void reset(Fd fd = -1) noexcept {
    if (fd_ >= 0) ::close(fd_);
    fd_ = fd;
  }

 private:
  Fd fd_ = -1;
};

}  // namespace kairos::detail

#endif  // KAIROS_TRANSPORTS_DETAIL_OWNED_FD_H_
