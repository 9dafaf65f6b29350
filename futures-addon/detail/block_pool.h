// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_FUTURES_ADDON_DETAIL_BLOCK_POOL_H_
#define KAIROS_FUTURES_ADDON_DETAIL_BLOCK_POOL_H_

#include <array>
#include <cstddef>
#include <new>

namespace kairos::detail {

// Memory for futures and the frames of coroutines, which is used again: free blocks are kept by
// size, of each size up to keptBytesMax together.
class BlockPool {
 public:
  static constexpr std::size_t keptBytesMax = std::size_t{1} << 20;

  BlockPool() = default;
  ~BlockPool();
  BlockPool(const BlockPool&) = delete;
  BlockPool& operator=(const BlockPool&) = delete;

  // Throws std::bad_alloc.
  void* take(std::size_t size) {
    const std::size_t index = indexOf(size);
    if (index >= free_.size() || free_[index] == nullptr) return takeNew(size);
    Block* const block = free_[index];
    free_[index] = block->next;
    ++taken_;
    return block;
  }

  void giveBack(void* memory, std::size_t size) noexcept {
    ++givenBack_;
    const std::size_t index = indexOf(size);
    if (index >= free_.size()) return ::operator delete(memory);
    Block* const next = free_[index];
    const std::size_t kept = next != nullptr ? next->kept + 1 : 1;
    if (kept > keptBytesMax / sizeAt(index)) return ::operator delete(memory);
    free_[index] = new (memory) Block{next, kept};
  }

  // How many are taken and not given back.
  std::size_t blocks() const noexcept { return taken_ - givenBack_; }

 private:
  struct Block {
    Block* next;
    std::size_t kept;  // how many are free from here on
  };
  static constexpr std::size_t step = 64;
  static constexpr std::size_t largest = 4096;

  static constexpr std::size_t indexOf(std::size_t size) noexcept { return (size - 1) / step; }
  static constexpr std::size_t sizeAt(std::size_t index) noexcept { return (index + 1) * step; }
  void* takeNew(std::size_t size);

  std::array<Block*, largest / step> free_{};
  std::size_t taken_ = 0;
  std::size_t givenBack_ = 0;
};

// Throws std::bad_alloc, by itself: the operator new that would is not called.
void* allocate(std::size_t size);

}  // namespace kairos::detail

#endif  // KAIROS_FUTURES_ADDON_DETAIL_BLOCK_POOL_H_
