// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_REACTOR_SIMULATION_TAPE_H_
#define KAIROS_REACTOR_SIMULATION_TAPE_H_

#include <cstddef>
#include <cstdint>
#include <span>

namespace kairos::detail {

// The one source of all choices: bytes, each read once. Zero is always the dullest choice, and past
// the end all is zero, so that cutting a tape or lowering its bytes makes a simpler history.
//
//   Ownership   borrows the bytes
class Tape {
 public:
  Tape() = default;
  explicit Tape(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}
  // Without an end.
  explicit Tape(std::uint64_t seed) : state_(seed), isEndless_(true) {}

  // Nothing is left but dull choices.
  bool isOver() const { return !isEndless_ && next_ == bytes_.size(); }

  std::uint8_t byte() {
    if (isEndless_) return generate();
    return next_ < bytes_.size() ? bytes_[next_++] : std::uint8_t{0};
  }

  // From 0 to `bound`, which is excluded; as many bytes as that needs. Requires bound > 0.
  std::uint64_t below(std::uint64_t bound) {
    std::uint64_t value = byte();
    for (std::uint64_t rest = (bound - 1) >> 8; rest != 0; rest >>= 8) value = value << 8 | byte();
    return value % bound;
  }

  // True for one byte in `n`, which is at most 256; never when n is 0.
  bool oneIn(unsigned n) {
    const unsigned value = byte();
    return n != 0 && value * n >= 256 * (n - 1) && value != 0;
  }

 private:
  // Sebastiano Vigna's splitmix64, eight bytes at a time.
  std::uint8_t generate() {
    if (left_ == 0) {
      std::uint64_t z = state_ += 0x9e3779b97f4a7c15;
      z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
      z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
      word_ = z ^ (z >> 31);
      left_ = 8;
    }
    const auto value = static_cast<std::uint8_t>(word_);
    word_ >>= 8;
    --left_;
    return value;
  }

  std::span<const std::uint8_t> bytes_;
  std::size_t next_ = 0;
  std::uint64_t state_ = 0;
  std::uint64_t word_ = 0;
  unsigned left_ = 0;
  bool isEndless_ = false;
};

}  // namespace kairos::detail

#endif  // KAIROS_REACTOR_SIMULATION_TAPE_H_
