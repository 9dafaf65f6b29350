// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TRANSPORTS_DETAIL_READ_BUFFER_H_
#define KAIROS_TRANSPORTS_DETAIL_READ_BUFFER_H_

#include <cstddef>
#include <new>
#include <span>
#include <string_view>

#include "kairos/transports/detail/buffer_pool.h"

namespace kairos::detail {

// The bytes that a stream has received and nobody has read. Has memory only while it holds some, or
// while somebody looks at what was read last: a block of the pool, or more if that is not enough.
// What is known of the bytes is kept with them, so that an empty buffer is a pointer.
class ReadBuffer {
 public:
  ReadBuffer() = default;
  ReadBuffer(const ReadBuffer&) = delete;
  ReadBuffer& operator=(const ReadBuffer&) = delete;
  ~ReadBuffer() { delete[] memory(); }

  std::string_view unread() const noexcept {
    if (head_ == nullptr) return {};
    return {bytes() + head_->begin, head_->end - head_->begin};
  }

  // The first `count` unread bytes count as read, and stay where they are until makeRoom().
  void consume(std::size_t count) noexcept {
    if (head_ != nullptr) head_->begin += count;
  }

  // What the read under way has found out about the unread bytes: a number of them.
  std::size_t note() const noexcept { return head_ != nullptr ? head_->note : 0; }
  void setNote(std::size_t note) noexcept {
    if (head_ != nullptr) head_->note = note;
  }

  // Where to receive into; empty: no memory.
  std::span<char> makeRoom(BufferPool& pool) noexcept {
    if (head_ != nullptr) return makeMoreRoom(pool);
    char* const block = pool.take();
    if (block == nullptr) return {};
    head_ = new (block) Head{BufferPool::blockBytes, 0, 0, 0};
    return {bytes(), BufferPool::blockBytes};
  }
  void received(std::size_t count) noexcept { head_->end += count; }

  // Gives the memory back if nothing is unread.
  void trim(BufferPool& pool) noexcept {
    if (unread().empty()) release(pool);
  }
  // Gives the memory back, with what is unread.
  void release(BufferPool& pool) noexcept {
    if (head_ == nullptr) return;
    if (head_->capacity == BufferPool::blockBytes) {
      pool.give(memory());
    } else {
      delete[] memory();
    }
    head_ = nullptr;
  }

 private:
  struct Head {
    std::size_t capacity;
    std::size_t begin;
    std::size_t end;
    std::size_t note;
  };
  static_assert(sizeof(Head) == bufferHeadBytes);

  char* memory() const noexcept { return reinterpret_cast<char*>(head_); }
  char* bytes() const noexcept { return memory() + sizeof(Head); }
  std::span<char> makeMoreRoom(BufferPool& pool) noexcept;
  bool grow(BufferPool& pool) noexcept;

  Head* head_ = nullptr;  // before the bytes
};

}  // namespace kairos::detail

#endif  // KAIROS_TRANSPORTS_DETAIL_READ_BUFFER_H_
