// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/transports/detail/read_buffer.h"

#include <cstring>
#include <new>

namespace kairos::detail {

// Bytes are moved to the front only when that frees half of the memory, and memory grows by
// doubling, so that each byte is moved a bounded number of times on average.
std::span<char> ReadBuffer::makeMoreRoom(BufferPool& pool) noexcept {
  if (head_->begin == head_->end) head_->begin = head_->end = 0;
  const std::size_t half = head_->capacity / 2;
  if (head_->end > half && head_->begin >= half) {
    std::memmove(bytes(), bytes() + head_->begin, head_->end - head_->begin);
    head_->end -= head_->begin;
    head_->begin = 0;
  }
  if (head_->end == head_->capacity && !grow(pool)) return {};
  return {bytes() + head_->end, head_->capacity - head_->end};
}

bool ReadBuffer::grow(BufferPool& pool) noexcept {
  const std::string_view kept = unread();
  const std::size_t bigger = head_->capacity * 2;
  char* const memory = new (std::nothrow) char[sizeof(Head) + bigger];
  if (memory == nullptr) return false;
  std::memcpy(memory + sizeof(Head), kept.data(), kept.size());
  Head* const head = new (memory) Head{bigger, 0, kept.size(), note()};
  release(pool);
  head_ = head;
  return true;
}

}  // namespace kairos::detail
