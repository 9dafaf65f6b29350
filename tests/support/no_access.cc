// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/tests/support/no_access.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>

namespace kairos {
namespace {

std::uintptr_t pageBytes() { return static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE)); }

}  // namespace

NoAccess::NoAccess(const void* begin, const void* end) {
  const std::uintptr_t page = pageBytes();
  const std::uintptr_t first = (reinterpret_cast<std::uintptr_t>(begin) + page - 1) / page * page;
  const std::uintptr_t last = reinterpret_cast<std::uintptr_t>(end) / page * page;
  begin_ = reinterpret_cast<char*>(first);
  bytes_ = last > first ? last - first : 0;
  protect(PROT_NONE);
}

NoAccess::~NoAccess() { protect(PROT_READ | PROT_WRITE); }

std::size_t NoAccess::pages() const noexcept { return bytes_ / pageBytes(); }

void NoAccess::protect(int protection) const {
  EXPECT_EQ(::mprotect(begin_, bytes_, protection), 0);
}

}  // namespace kairos
