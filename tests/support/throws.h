// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TESTS_SUPPORT_THROWS_H_
#define KAIROS_TESTS_SUPPORT_THROWS_H_

#include <cstddef>

namespace kairos {

// Counts the exceptions that the objects linked into a test program throw, anew or again: by the
// linker's --wrap; not what shared libraries throw. Requires linkstatic. One thread only.
class ThrowCount {
 public:
  ThrowCount();
  std::size_t throws() const;  // since this was made

 private:
  std::size_t before_;
};

}  // namespace kairos

#endif  // KAIROS_TESTS_SUPPORT_THROWS_H_
