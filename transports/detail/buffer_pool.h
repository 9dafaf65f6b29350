// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TRANSPORTS_DETAIL_BUFFER_POOL_H_
#define KAIROS_TRANSPORTS_DETAIL_BUFFER_POOL_H_

#include <array>
#include <cstddef>

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

}  // namespace kairos::detail

#endif  // KAIROS_TRANSPORTS_DETAIL_BUFFER_POOL_H_
