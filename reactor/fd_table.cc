// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/reactor/fd_table.h"

#include <cstdlib>

namespace kairos::detail {

FdTable::~FdTable() {
  for (std::size_t i = 0; i < chunks_.size(); ++i) std::free(chunks_[i]);
}

FdEntry* FdTable::make(Fd fd) {
  if (FdEntry* entry = find(fd)) return entry;
  const std::size_t chunk = static_cast<std::size_t>(fd) / chunkSize;
  // Zeroed memory is an empty entry, and its untouched pages cost nothing.
  void* memory = std::calloc(chunkSize, sizeof(FdEntry));
  if (memory == nullptr || !chunks_.reserve(chunk + 1)) {
    std::free(memory);
    return nullptr;
  }
  while (chunks_.size() <= chunk) chunks_.push(nullptr);
  chunks_[chunk] = static_cast<FdEntry*>(memory);
  return find(fd);
}

}  // namespace kairos::detail
