// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TRANSPORTS_DETAIL_BUFFER_POOL_H_
#define KAIROS_TRANSPORTS_DETAIL_BUFFER_POOL_H_

#include <array>
#include <cstddef>
#include <span>

namespace kairos::detail {

// Blocks of one size. The one that was given back last, which is warm, is taken first.
class BufferPool {
 public:
  static constexpr std::size_t blockBytes = 16384;
  static constexpr std::size_t freeBlocksMax = 16;

  BufferPool() = default;
  ~BufferPool();
  BufferPool(const BufferPool&) = delete;
  BufferPool& operator=(const BufferPool&) = delete;

  // nullptr: no memory.
  char* take() noexcept;
  void give(char* block) noexcept;

 private:
  std::array<char*, freeBlocksMax> free_;
  std::size_t count_ = 0;
};

// A block for as long as this lives.
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
