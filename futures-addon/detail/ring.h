// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_FUTURES_ADDON_DETAIL_RING_H_
#define KAIROS_FUTURES_ADDON_DETAIL_RING_H_

#include <cstddef>
#include <memory>
#include <type_traits>
#include <utility>

namespace kairos::detail {

// A queue with two ends in one block of memory, which grows when it is full and is kept: what comes
// and goes allocates nothing. Unlike a std::deque, which takes and gives back blocks all the time.
template <class T>
class Ring {
 public:
  Ring() noexcept = default;
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;
  ~Ring() {
    clear();
    if (items_ != nullptr) std::allocator<T>().deallocate(items_, capacity_);
  }

  bool empty() const noexcept { return size_ == 0; }
  std::size_t size() const noexcept { return size_; }
  T& operator[](std::size_t index) noexcept { return items_[place(index)]; }
  const T& operator[](std::size_t index) const noexcept { return items_[place(index)]; }

  // Room for so many items together. Throws as those below.
  void reserve(std::size_t count) {
    while (capacity_ < count) grow();
  }

  // Throw std::bad_alloc, or what T throws, and then have done nothing.
  void pushBack(T&& item) {
    makeRoom();
    std::construct_at(items_ + place(size_), std::move(item));
    ++size_;
  }
  void pushFront(T&& item) {
    makeRoom();
    const std::size_t before = (first_ - 1) & (capacity_ - 1);
    std::construct_at(items_ + before, std::move(item));
    first_ = before;
    ++size_;
  }

  // Its destructor finds it gone, and its place, which others may take.
  void dropFront() noexcept {
    if constexpr (std::is_nothrow_move_constructible_v<T>) {
      [[maybe_unused]] const T item(std::move(items_[first_]));
      destroyFront();
    } else {
      destroyFront();
    }
  }
  void dropBack() noexcept { std::destroy_at(items_ + place(--size_)); }
  void clear() noexcept {
    while (!empty()) dropFront();
  }

 private:
  static constexpr std::size_t capacityMin = 8;

  std::size_t place(std::size_t index) const noexcept { return (first_ + index) & (capacity_ - 1); }
  void makeRoom() { reserve(size_ + 1); }
  void destroyFront() noexcept {
    T* const item = items_ + first_;
    first_ = place(1);
    --size_;
    std::destroy_at(item);
  }

  void grow() {
    const std::size_t capacity = capacity_ == 0 ? capacityMin : 2 * capacity_;
    T* const items = std::allocator<T>().allocate(capacity);
    try {
      transferTo(items);
    } catch (...) {
      std::allocator<T>().deallocate(items, capacity);
      throw;
    }
    for (std::size_t i = 0; i < size_; ++i) std::destroy_at(items_ + place(i));
    if (items_ != nullptr) std::allocator<T>().deallocate(items_, capacity_);
    items_ = items;
    capacity_ = capacity;
    first_ = 0;
  }

  // Copies what might throw in a move, so that it is all still here then.
  void transferTo(T* items) {
    std::size_t made = 0;
    try {
      for (; made < size_; ++made) {
        std::construct_at(items + made, std::move_if_noexcept((*this)[made]));
      }
    } catch (...) {
      std::destroy_n(items, made);
      throw;
    }
  }

  T* items_ = nullptr;
  std::size_t capacity_ = 0;  // a power of two, or none
  std::size_t first_ = 0;
  std::size_t size_ = 0;
};

}  // namespace kairos::detail

#endif  // KAIROS_FUTURES_ADDON_DETAIL_RING_H_
