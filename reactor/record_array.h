// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_REACTOR_RECORD_ARRAY_H_
#define KAIROS_REACTOR_RECORD_ARRAY_H_

#include <cassert>
#include <cstddef>
#include <cstdlib>
#include <type_traits>

namespace kairos::detail {

// A growing array of plain records that says when there is no memory instead of throwing.
template <class T>
class RecordArray {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  RecordArray() = default;
  RecordArray(const RecordArray&) = delete;
  RecordArray& operator=(const RecordArray&) = delete;
  ~RecordArray() { std::free(data_); }

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  std::size_t capacity() const { return capacity_; }
  T* data() { return data_; }
  T& operator[](std::size_t i) {
    assert(i < size_);
    return data_[i];
  }
  const T& operator[](std::size_t i) const {
    assert(i < size_);
    return data_[i];
  }
  T& back() { return (*this)[size_ - 1]; }

  // Room for `size` records and a fifth more; false: no memory, nothing changed.
  [[nodiscard]] bool reserve(std::size_t size) {
    if (size <= capacity_) return true;
    const std::size_t wanted = size + size / 5;
    void* grown = std::realloc(data_, wanted * recordBytes);
    if (grown == nullptr) return false;
    data_ = static_cast<T*>(grown);
    capacity_ = wanted;
    return true;
  }

  // Requires room.
  void push(const T& record) {
    assert(size_ < capacity_);
    data_[size_++] = record;
  }
  void pop() {
    assert(size_ > 0);
    --size_;
  }

  // Drops the records from `size` on; their memory stays.
  void truncate(std::size_t size) {
    assert(size <= size_);
    size_ = size;
  }

  // Gives the memory for more than `capacity` records back if that is possible.
  void shrinkTo(std::size_t capacity) {
    assert(size_ <= capacity && capacity > 0);
    if (capacity >= capacity_) return;
    void* shrunk = std::realloc(data_, capacity * recordBytes);
    if (shrunk == nullptr) return;
    data_ = static_cast<T*>(shrunk);
    capacity_ = capacity;
  }

  // Gives all memory back.
  void clear() {
    std::free(data_);
    data_ = nullptr;
    size_ = capacity_ = 0;
  }

 private:
  // NOLINTNEXTLINE(bugprone-sizeof-expression): a record may be a pointer
  static constexpr std::size_t recordBytes = sizeof(T);

  T* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace kairos::detail

#endif  // KAIROS_REACTOR_RECORD_ARRAY_H_
