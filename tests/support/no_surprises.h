// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TESTS_SUPPORT_NO_SURPRISES_H_
#define KAIROS_TESTS_SUPPORT_NO_SURPRISES_H_

#include <string>
#include <vector>

#include "kairos/tests/support/unique_fd.h"

namespace kairos {

// From its beginning to its end nothing of the process may change that belongs to all of it, other
// than for a while: dispositions of signals, the mask of this thread, threads, environment, locale,
// directory, umask, limits. Nor may anything be printed meanwhile: what a test prints then, such as
// a failure, is one.
class NoSurprises {
 public:
  NoSurprises();
  ~NoSurprises();
  NoSurprises(const NoSurprises&) = delete;
  NoSurprises& operator=(const NoSurprises&) = delete;

 private:
  const std::vector<std::string> before_;
  UniqueFd printed_;
  UniqueFd output_;
  UniqueFd errors_;
};

}  // namespace kairos

#endif  // KAIROS_TESTS_SUPPORT_NO_SURPRISES_H_
