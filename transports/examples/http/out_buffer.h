// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TRANSPORTS_EXAMPLES_HTTP_OUT_BUFFER_H_
#define KAIROS_TRANSPORTS_EXAMPLES_HTTP_OUT_BUFFER_H_

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace kairos::examples {

// The bytes of one answer that are made in memory: its head and, if it is small, its body, so that
// both go out in one call.
class OutBuffer {
 public:
  // A head repeats the path at most, which is shorter by half.
  static constexpr std::size_t headBytesMax = 16384;
  static constexpr std::size_t bodyBytesMax = 16384;

  // What does not fit is left out; heads fit.
  OutBuffer& operator<<(std::string_view text) {
    const std::size_t count = std::min(text.size(), bytes_.size() - size_);
    std::copy_n(text.data(), count, bytes_.data() + size_);
    size_ += count;
    return *this;
  }
  OutBuffer& operator<<(std::uint64_t number) {
    std::array<char, 20> digits;
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
    return *this << std::string_view(digits.data(), static_cast<std::size_t>(end - digits.data()));
  }

  std::span<char> room() { return std::span(bytes_).subspan(size_); }
  void grow(std::size_t count) { size_ += count; }
  void clear() { size_ = 0; }
  std::size_t size() const { return size_; }
  std::string_view text() const { return {bytes_.data(), size_}; }

 private:
  std::size_t size_ = 0;
  std::array<char, headBytesMax + bodyBytesMax> bytes_;
};

// Buffers that one answer leaves to the next. A connection has one while it answers, not longer.
class OutBuffers {
 public:
  static constexpr std::size_t sparesMax = 64;

  std::unique_ptr<OutBuffer> take() {
    if (spares_.empty()) return std::unique_ptr<OutBuffer>(new OutBuffer);
    std::unique_ptr<OutBuffer> buffer = std::move(spares_.back());
    spares_.pop_back();
    buffer->clear();
    return buffer;
  }

  void giveBack(std::unique_ptr<OutBuffer> buffer) {
    if (buffer && spares_.size() < sparesMax) spares_.push_back(std::move(buffer));
  }

 private:
  std::vector<std::unique_ptr<OutBuffer>> spares_;
};

}  // namespace kairos::examples

#endif  // KAIROS_TRANSPORTS_EXAMPLES_HTTP_OUT_BUFFER_H_
