// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_REACTOR_FD_TABLE_H_
#define KAIROS_REACTOR_FD_TABLE_H_

#include <cassert>
#include <cstddef>
#include <cstdint>

#include "kairos/reactor/backends/backend.h"
#include "kairos/reactor/reactor.h"
#include "kairos/reactor/record_array.h"

namespace kairos::detail {

enum Direction : unsigned { reading, writing };

inline constexpr Direction directions[] = {reading, writing};

// What the reactor knows of one descriptor number. All zero: nothing registered, ever.
struct FdEntry {
  AsyncCallback callbacks[2];  // by Direction; null function: slot free
  std::uint32_t since[2];      // number of the poll in or after which the slot changed or ran
  std::uint32_t generation;    // of the registration; travels through the OS in the token
  Fd nextChanged;              // link of ChangeList
  Interest watched;            // what the backend was told
  bool failed[2];              // callback to be run once because watching failed
  bool asleep;                 // watching failed: the backend knows nothing of it any more

  bool has(Direction d) const { return callbacks[d].function != nullptr; }
  Interest wanted() const { return {has(reading), has(writing)}; }
};
static_assert(sizeof(FdEntry) <= 64, "the promised memory per descriptor");

// Entries by descriptor number, in chunks that never move, so that callbacks may add. Memory is
// proportional to the chunks in which a number was ever registered.
class FdTable {
 public:
  FdTable() = default;
  FdTable(const FdTable&) = delete;
  FdTable& operator=(const FdTable&) = delete;
  ~FdTable();

  // Null: nothing was ever registered near that number.
  FdEntry* find(Fd fd) {
    const auto number = static_cast<std::uint32_t>(fd);  // negative: huge
    const std::size_t chunk = number / chunkSize;
    if (chunk >= chunks_.size() || chunks_[chunk] == nullptr) return nullptr;
    return &chunks_[chunk][number % chunkSize];
  }

  // The entry of a number that was made.
  FdEntry& known(Fd fd) {
    assert(find(fd) != nullptr);
    const auto number = static_cast<std::uint32_t>(fd);
    return chunks_.data()[number / chunkSize][number % chunkSize];
  }

  // As find, but makes the entry; null: no memory, nothing changed.
  //   Requires  fd >= 0
  FdEntry* make(Fd fd);

  // Calls visit(fd, entry) for every entry with a callback, by number. `visit` may add and remove.
  template <class Visit>
  void forEachRegistered(Visit visit) {
    for (std::size_t chunk = 0; chunk < chunks_.size(); ++chunk) {
      if (chunks_[chunk] == nullptr) continue;
      for (std::size_t i = 0; i < chunkSize; ++i) {
        FdEntry& entry = chunks_[chunk][i];
        if (entry.wanted().any()) visit(static_cast<Fd>(chunk * chunkSize + i), entry);
      }
    }
  }

 private:
  static constexpr std::size_t chunkSize = 256;

  RecordArray<FdEntry*> chunks_;
};

// The descriptors whose interest may differ from what the backend was told: a list through
// FdEntry::nextChanged, so that noting a change needs no memory and cannot fail.
class ChangeList {
 public:
  bool empty() const { return head_ == end; }
  void note(Fd fd, FdEntry& entry) {
    if (entry.nextChanged != notNoted) return;
    entry.nextChanged = head_;
    head_ = fd + 1;
  }
  // Requires a list that is not empty.
  Fd take(FdTable& table) {
    const Fd fd = head_ - 1;
    FdEntry& entry = table.known(fd);
    head_ = entry.nextChanged;
    entry.nextChanged = notNoted;
    return fd;
  }

 private:
  // Links are fd + 1, so that a zeroed entry is in no list.
  static constexpr Fd notNoted = 0;
  static constexpr Fd end = -1;

  Fd head_ = end;
};

}  // namespace kairos::detail

#endif  // KAIROS_REACTOR_FD_TABLE_H_
