// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TESTS_SUPPORT_NO_ACCESS_H_
#define KAIROS_TESTS_SUPPORT_NO_ACCESS_H_

#include <cstddef>

namespace kairos {

// While it lives, the whole pages between two addresses can be neither read nor written: who
// touches them ends the program. So a test shows what something does not look at, however much of
// it there is.
class NoAccess {
 public:
  NoAccess(const void* begin, const void* end);
  ~NoAccess();
  NoAccess(const NoAccess&) = delete;
  NoAccess& operator=(const NoAccess&) = delete;

  std::size_t pages() const noexcept;

 private:
  void protect(int protection) const;

  char* begin_;
  std::size_t bytes_;
};

}  // namespace kairos

#endif  // KAIROS_TESTS_SUPPORT_NO_ACCESS_H_
