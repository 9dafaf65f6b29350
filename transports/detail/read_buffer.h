// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TRANSPORTS_DETAIL_READ_BUFFER_H_
#define KAIROS_TRANSPORTS_DETAIL_READ_BUFFER_H_

#include <cstddef>
#include <span>
#include <string_view>

#include "kairos/transports/detail/buffer_pool.h"

namespace kairos::detail {

// The bytes that a stream has received and nobody has read. Has memory only while it holds some, or
// while somebody looks at what was read last: a block of the pool, or more if that is not enough.
class ReadBuffer {
 public:
  ReadBuffer() = default;
  ReadBuffer(const ReadBuffer&) = delete;
  ReadBuffer& operator=(const ReadBuffer&) = delete;
  ~ReadBuffer() { delete[] memory_; }

  std::string_view unread() const noexcept { return {memory_ + begin_, end_ - begin_}; }

  // The first `count` unread bytes count as read, and stay where they are until makeRoom().
  void consume(std::size_t count) noexcept { begin_ += count; }

  // Where to receive into; empty: no memory.
  std::span<char> makeRoom(BufferPool& pool) noexcept;
  void received(std::size_t count) noexcept { end_ += count; }

  // Gives the memory back if nothing is unread.
  void trim(BufferPool& pool) noexcept;
  // Gives the memory back, with what is unread.
  void release(BufferPool& pool) noexcept;

 private:
  bool grow(BufferPool& pool) noexcept;

  char* memory_ = nullptr;
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace kairos::detail

#endif  // KAIROS_TRANSPORTS_DETAIL_READ_BUFFER_H_
