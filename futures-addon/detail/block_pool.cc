// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/futures-addon/detail/block_pool.h"

#include <new>
#include <utility>

namespace kairos::detail {

void* allocate(std::size_t size) {
  void* const memory = ::operator new(size, std::nothrow);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

std::size_t BlockPool::blocks() const noexcept {
  std::size_t kept = 0;
  for (const Block* first : free_) kept += first != &last_ ? first->kept : 0;
  return allocated_ - kept;
}

// A list that is as long as can be takes no more.
void BlockPool::close() noexcept {
  dropKept();
  last_.kept = keptBytesMax;
}

void BlockPool::dropKept() noexcept {
  for (Block*& first : free_) {
    while (first != &last_) {
      Block* const block = std::exchange(first, first->next);
      drop(block);
    }
  }
}

bool BlockPool::drop(void* memory) noexcept {
  --allocated_;
  ::operator delete(memory);
  return false;
}

void* BlockPool::takeNew(std::size_t size) {
  const std::size_t index = indexOf(size);
  void* const memory = allocate(index < free_.size() ? sizeAt(index) : size);
  ++allocated_;
  return memory;
}

}  // namespace kairos::detail
