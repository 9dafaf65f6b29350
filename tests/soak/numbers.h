// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TESTS_SOAK_NUMBERS_H_
#define KAIROS_TESTS_SOAK_NUMBERS_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

namespace kairos::soak {

// An endless stream of bytes that no other seed gives (xorshift64*).
class Numbers {
 public:
  explicit Numbers(std::uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15 + 1) {}

  void fill(std::span<char> into) {
    while (!into.empty()) {
      const std::size_t count = std::min(into.size(), left());
      std::memcpy(into.data(), bytes_ + used_, count);
      used_ += count;
      into = into.subspan(count);
    }
  }

  // Whether `bytes` are the next ones.
  bool match(std::string_view bytes) {
    while (!bytes.empty()) {
      const std::size_t count = std::min(bytes.size(), left());
      if (std::memcmp(bytes.data(), bytes_ + used_, count) != 0) return false;
      used_ += count;
      bytes.remove_prefix(count);
    }
    return true;
  }

 private:
  std::size_t left() {
    if (used_ == sizeof bytes_) refill();
    return sizeof bytes_ - used_;
  }

  void refill() {
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    const std::uint64_t number = state_ * 0x2545f4914f6cdd1d;
    std::memcpy(bytes_, &number, sizeof number);
    used_ = 0;
  }

  std::uint64_t state_;
  char bytes_[sizeof(std::uint64_t)];
  std::size_t used_ = sizeof bytes_;
};

}  // namespace kairos::soak

#endif  // KAIROS_TESTS_SOAK_NUMBERS_H_
