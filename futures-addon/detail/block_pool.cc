// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/futures-addon/detail/block_pool.h"

#include <new>

namespace kairos::detail {

void* allocate(std::size_t size) {
  void* const memory = ::operator new(size, std::nothrow);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

BlockPool::~BlockPool() {
  for (Block* block : free_) {
    while (block != nullptr) {
      Block* const next = block->next;
      ::operator delete(block);
      block = next;
    }
  }
}

void* BlockPool::takeNew(std::size_t size) {
  const std::size_t index = indexOf(size);
  void* const memory = allocate(index < free_.size() ? sizeAt(index) : size);
  ++taken_;
  return memory;
}

}  // namespace kairos::detail
