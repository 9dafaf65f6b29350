// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/transports/detail/tls_output.h"

#include <algorithm>
#include <cstring>

namespace kairos::detail {

// In the last block.
std::size_t TlsOutput::room() const noexcept {
  return count_ > 0 ? BufferPool::blockBytes - parts_[count_ - 1].size() : 0;
}

bool TlsOutput::append(std::string_view bytes) noexcept {
  const std::size_t before = count_;
  const std::size_t inLast = std::min(room(), bytes.size());
  // The blocks that the rest needs come first, so that nothing is appended in part.
  for (std::size_t have = inLast; have < bytes.size(); have += BufferPool::blockBytes) {
    char* const block = count_ < blocksMax ? pool_->take() : nullptr;
    if (block == nullptr) {
      while (count_ > before) pool_->give(memory_[--count_]);
      return false;
    }
    memory_[count_] = block;
    parts_[count_++] = std::string_view(block, block);
  }
  std::size_t at = before > 0 ? before - 1 : 0;
  while (!bytes.empty()) {
    std::string_view& part = parts_[at];
    const std::size_t size = std::min(BufferPool::blockBytes - part.size(), bytes.size());
    std::memcpy(memory_[at] + part.size(), bytes.data(), size);
    part = {memory_[at], part.size() + size};
    bytes.remove_prefix(size);
    ++at;
  }
  return true;
}

void TlsOutput::clear() noexcept {
  while (count_ > 0) pool_->give(memory_[--count_]);
}

void TlsOutput::takeFrom(TlsOutput& other) noexcept {
  std::copy_n(other.memory_.begin(), other.count_, memory_.begin());
  std::copy_n(other.parts_.begin(), other.count_, parts_.begin());
  count_ = other.count_;
  other.count_ = 0;
}

}  // namespace kairos::detail
