// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TRANSPORTS_DETAIL_TLS_OUTPUT_H_
#define KAIROS_TRANSPORTS_DETAIL_TLS_OUTPUT_H_

#include <array>
#include <cstddef>
#include <span>
#include <string_view>

#include "kairos/transports/detail/buffer_pool.h"

namespace kairos::detail {

// Ciphertext on its way to a stream, in blocks of a pool. Has none while it is empty.
class TlsOutput {
 public:
  static constexpr std::size_t blocksMax = 8;

  explicit TlsOutput(BufferPool& pool) noexcept : pool_(&pool) {}
  ~TlsOutput() { clear(); }
  TlsOutput(const TlsOutput&) = delete;
  TlsOutput& operator=(const TlsOutput&) = delete;

  bool empty() const noexcept { return count_ == 0; }
  std::size_t blocks() const noexcept { return count_; }

  // No more than blocksMax would be needed.
  bool hasRoom(std::size_t size) const noexcept {
    return size <= room() + (blocksMax - count_) * BufferPool::blockBytes;
  }
  // False: no memory, or no room. Then it is as it was.
  bool append(std::string_view bytes) noexcept;

  // All of it, to be written in one call.
  std::span<const std::string_view> parts() const noexcept {
    return std::span(parts_).first(count_);
  }

  void clear() noexcept;
  // Takes all from `other`, which is empty then, as this is before.
  void takeFrom(TlsOutput& other) noexcept;

 private:
  std::size_t room() const noexcept;

  BufferPool* pool_;
  std::size_t count_ = 0;
  std::array<char*, blocksMax> memory_;
  std::array<std::string_view, blocksMax> parts_;
};

}  // namespace kairos::detail

#endif  // KAIROS_TRANSPORTS_DETAIL_TLS_OUTPUT_H_
