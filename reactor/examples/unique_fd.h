// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_REACTOR_EXAMPLES_UNIQUE_FD_H_
#define KAIROS_REACTOR_EXAMPLES_UNIQUE_FD_H_

#include <unistd.h>

#include <utility>

#include "kairos/reactor/reactor.h"

namespace kairos::examples {

// Closes its descriptor. A reactor only borrows descriptors: remove first, then let this close.
class UniqueFd {
 public:
  explicit UniqueFd(Fd fd = -1) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~UniqueFd() {
    if (valid()) ::close(fd_);
  }

  bool valid() const { return fd_ >= 0; }
  Fd get() const { return fd_; }

 private:
  Fd fd_;
};

}  // namespace kairos::examples

#endif  // KAIROS_REACTOR_EXAMPLES_UNIQUE_FD_H_
