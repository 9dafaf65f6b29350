// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_FUTURES_ADDON_DETAIL_BLOCK_POOL_H_
#define KAIROS_FUTURES_ADDON_DETAIL_BLOCK_POOL_H_

#include <array>
#include <cstddef>
#include <new>

namespace kairos::detail {

// Memory for futures and the frames of coroutines, which is used again: free blocks are kept by
// size, of each size up to keptBytesMax together. Nothing is counted where one is taken: those that
// are kept know how many they are.
class BlockPool {
 public:
  static constexpr std::size_t keptBytesMax = std::size_t{1} << 20;

  BlockPool() noexcept { free_.fill(&last_); }
  ~BlockPool() { dropKept(); }
  BlockPool(const BlockPool&) = delete;
  BlockPool& operator=(const BlockPool&) = delete;

  // Throws std::bad_alloc.
  void* take(std::size_t size) {
    void* const kept = takeKept(size);
    return kept != nullptr ? kept : takeNew(size);
  }
  // One that is kept; nullptr: there is none.
  void* takeKept(std::size_t size) noexcept {
    const std::size_t index = indexOf(size);
    if (index >= free_.size()) return nullptr;
    Block* const block = free_[index];
    if (block->next == nullptr) return nullptr;
    free_[index] = block->next;
    return block;
  }

  // False: it was not kept.
  bool giveBack(void* memory, std::size_t size) noexcept {
    const std::size_t index = indexOf(size);
    if (index >= free_.size()) return drop(memory);
    Block* const next = free_[index];
    const std::size_t kept = next->kept + 1;
    if (kept > keptBytesMax / sizeAt(index)) return drop(memory);
    free_[index] = new (memory) Block{next, kept};
    return true;
  }

  // Keeps no more, and gives back what it has kept.
  void close() noexcept;

  // How many are taken and not given back.
  std::size_t blocks() const noexcept;

 private:
  struct Block {
    Block* next;
    std::size_t kept;  // how many are free from here on, without the last
  };
  static constexpr std::size_t step = 64;
  static constexpr std::size_t largest = 4096;

  static constexpr std::size_t indexOf(std::size_t size) noexcept { return (size - 1) / step; }
  static constexpr std::size_t sizeAt(std::size_t index) noexcept { return (index + 1) * step; }
  void* takeNew(std::size_t size);
  bool drop(void* memory) noexcept;
  void dropKept() noexcept;

  Block last_{nullptr, 0};  // of every list; none when it is closed
  std::array<Block*, largest / step> free_;
  std::size_t allocated_ = 0;  // those that are kept too
};

// Throws std::bad_alloc, by itself: the operator new that would is not called.
void* allocate(std::size_t size);

}  // namespace kairos::detail

#endif  // KAIROS_FUTURES_ADDON_DETAIL_BLOCK_POOL_H_
