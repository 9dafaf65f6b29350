// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/transports/detail/read_buffer.h"

#include <cstring>
#include <new>

namespace kairos::detail {

// Bytes are moved to the front only when that frees half of the memory, and memory grows by
// doubling, so that each byte is moved a bounded number of times on average.
std::span<char> ReadBuffer::makeRoom(BufferPool& pool) noexcept {
  if (begin_ == end_) begin_ = end_ = 0;
  if (end_ > capacity_ / 2 && begin_ >= capacity_ / 2) {
    std::memmove(memory_, memory_ + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  if (end_ == capacity_ && !grow(pool)) return {};
  return {memory_ + end_, capacity_ - end_};
}

bool ReadBuffer::grow(BufferPool& pool) noexcept {
  const std::size_t bigger = capacity_ == 0 ? BufferPool::blockBytes : capacity_ * 2;
  char* const memory = capacity_ == 0 ? pool.take() : new (std::nothrow) char[bigger];
  if (memory == nullptr) return false;
  const std::size_t count = end_ - begin_;
  if (count > 0) std::memcpy(memory, memory_ + begin_, count);
  release(pool);
  memory_ = memory;
  capacity_ = bigger;
  end_ = count;
  return true;
}

void ReadBuffer::trim(BufferPool& pool) noexcept {
  if (begin_ == end_) release(pool);
}

void ReadBuffer::release(BufferPool& pool) noexcept {
  if (memory_ == nullptr) return;
  if (capacity_ == BufferPool::blockBytes) {
    pool.give(memory_);
  } else {
    delete[] memory_;
  }
  memory_ = nullptr;
  capacity_ = begin_ = end_ = 0;
}

}  // namespace kairos::detail
