// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/transports/detail/buffer_pool.h"

#include <new>

namespace kairos::detail {

BufferPool::~BufferPool() {
  while (count_ > 0) delete[] free_[--count_];
}

char* BufferPool::take() noexcept {
  return count_ > 0 ? free_[--count_] : new (std::nothrow) char[blockBytes];
}

void BufferPool::give(char* block) noexcept {
  if (count_ < free_.size()) {
    free_[count_++] = block;
  } else {
    delete[] block;
  }
}

}  // namespace kairos::detail
