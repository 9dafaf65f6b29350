// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TRANSPORTS_DETAIL_BUFFER_POOL_H_
#define KAIROS_TRANSPORTS_DETAIL_BUFFER_POOL_H_

#include <array>
#include <cstddef>
#include <new>
#include <span>

namespace kairos::detail {

// Memory in blocks of one size. The one that was given back last, which is warm, is taken first.
template <std::size_t bytes, std::size_t freeBlocksMax>
class BlockPool {
 public:
  static constexpr std::size_t blockBytes = bytes;

  BlockPool() = default;
  ~BlockPool() {
    while (count_ > 0) delete[] free_[--count_];
  }
  BlockPool(const BlockPool&) = delete;
  BlockPool& operator=(const BlockPool&) = delete;

  // The next take() may find no memory.
  bool isEmpty() const noexcept { return count_ == 0; }

  // nullptr: no memory.
  char* take() noexcept { return count_ > 0 ? free_[--count_] : new (std::nothrow) char[bytes]; }

  void give(char* block) noexcept {
    if (count_ < free_.size()) {
      free_[count_++] = block;
    } else {
      delete[] block;
    }
  }

 private:
  std::array<char*, freeBlocksMax> free_;
  std::size_t count_ = 0;
};

inline constexpr std::size_t bufferBytes = 16384;
// What the holder of a buffer may note about it, before its bytes.
inline constexpr std::size_t bufferHeadBytes = 32;

// Buffers to receive into.
class BufferPool : public BlockPool<bufferHeadBytes + bufferBytes, 16> {
 public:
  static constexpr std::size_t blockBytes = bufferBytes;
};

// A buffer for as long as this lives.
class PoolBlock {
 public:
  explicit PoolBlock(BufferPool& pool) noexcept : pool_(pool), block_(pool.take()) {}
  ~PoolBlock() {
    if (block_ != nullptr) pool_.give(block_);
  }
  PoolBlock(const PoolBlock&) = delete;
  PoolBlock& operator=(const PoolBlock&) = delete;

  // Empty: no memory.
  std::span<char> bytes() const noexcept {
    return {block_, block_ != nullptr ? BufferPool::blockBytes : 0};
  }

 private:
  BufferPool& pool_;
  char* block_;
};

}  // namespace kairos::detail

#endif  // KAIROS_TRANSPORTS_DETAIL_BUFFER_POOL_H_
