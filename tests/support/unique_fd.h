// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TESTS_SUPPORT_UNIQUE_FD_H_
#define KAIROS_TESTS_SUPPORT_UNIQUE_FD_H_

#include <unistd.h>

#include <utility>

#include "kairos/reactor/reactor.h"

namespace kairos {

// Owns one descriptor, or none.
class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(Fd fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(other.release()) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~UniqueFd() { reset(); }

  Fd get() const { return fd_; }
  Fd release() { return std::exchange(fd_, -1); }
  void reset() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }

 private:
  Fd fd_ = -1;
};

}  // namespace kairos

#endif  // KAIROS_TESTS_SUPPORT_UNIQUE_FD_H_
