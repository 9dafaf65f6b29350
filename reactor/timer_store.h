// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_REACTOR_TIMER_STORE_H_
#define KAIROS_REACTOR_TIMER_STORE_H_

#include <cstddef>
#include <cstdint>
#include <limits>

#include "kairos/reactor/reactor.h"
#include "kairos/reactor/record_array.h"

namespace kairos::detail {

// A deadline: nanoseconds of Clock. The largest value never comes.
using Nanoseconds = std::int64_t;
inline constexpr Nanoseconds never = std::numeric_limits<Nanoseconds>::max();

// A timer's number in the store; 0: none.
using TimerIndex = std::uint32_t;

// Where a timer is: the number of a wheel bucket, or one of these.
enum TimerPlace : std::uint32_t {
  inDeferredList = 0x800000,
  inRunList,
  inParkedList,
  inHeap,
  inNothing,  // its deadline never comes
  unused,
};

struct Timer {
  Nanoseconds deadline;
  std::uint64_t order;  // counts additions: breaks ties, dates a timer
  AsyncCallback callback;
  TimerIndex next;            // in its list
  TimerIndex previous;        // in its list; in the heap: its position there
  std::uint64_t generation : 40;
  std::uint64_t place : 24;   // TimerPlace or bucket
};
static_assert(sizeof(Timer) + 16 <= 64, "the promised memory per timer, heap entry included");

inline bool runsBefore(const Timer& a, const Timer& b) {
  return a.deadline != b.deadline ? a.deadline < b.deadline : a.order < b.order;
}

// A doubly linked list of timers, through the timers.
struct TimerList {
  TimerIndex head = 0;
  TimerIndex tail = 0;
  bool empty() const { return head == 0; }
};

// The memory of all timers, and their ids.
//
// An id is the generation of a place in the store and the number of that place. The generation goes
// up whenever the place is left; a place whose generations are used up is never used again, so no id
// comes twice. Memory is in chunks that never move. When no timer is left all chunks but the first
// go back; what replaces them begins above every generation that was used.
class TimerStore {
 public:
  // `firstGeneration` is for tests of the wrap.
  explicit TimerStore(std::uint64_t firstGeneration = 1) : firstGeneration_(firstGeneration) {}
  TimerStore(const TimerStore&) = delete;
  TimerStore& operator=(const TimerStore&) = delete;
  ~TimerStore();

  static constexpr std::uint64_t lastGeneration = (std::uint64_t{1} << 40) - 1;

  Timer& operator[](TimerIndex i) { return chunks_[i / chunkSize][i % chunkSize]; }
  const Timer& operator[](TimerIndex i) const { return chunks_[i / chunkSize][i % chunkSize]; }

  std::size_t size() const { return size_; }

  // A place for one more; 0: no memory, or 2^24 timers.
  TimerIndex allocate();
  void release(TimerIndex timer);

  TimerId id(TimerIndex timer) const {
    return TimerId{(*this)[timer].generation << indexBits | timer};
  }
  // The timer of that id, or 0 if it is gone or never was.
  TimerIndex find(TimerId id) const;

  void append(TimerList& list, TimerIndex timer, std::uint32_t place);
  void unlink(TimerList& list, TimerIndex timer);
  TimerIndex takeFirst(TimerList& list);

  // Puts the list into the order in which its timers run. Linear when it is in that order already.
  void sort(TimerList& list);

 private:
  static constexpr unsigned indexBits = 24;
  static constexpr TimerIndex indexEnd = TimerIndex{1} << indexBits;
  static constexpr TimerIndex chunkSize = 1024;

  TimerIndex allocateNew();
  void releaseChunks();
  TimerIndex merge(TimerIndex a, TimerIndex b);

  RecordArray<Timer*> chunks_;
  std::size_t size_ = 0;
  TimerIndex free_ = 0;      // chain of left places, the last one left first
  TimerIndex usedEnd_ = 1;   // places from here on were never used; 0 means none
  std::uint64_t firstGeneration_;
  std::uint64_t highestGeneration_ = 0;  // among the places of chunks that can be given back
};

}  // namespace kairos::detail

#endif  // KAIROS_REACTOR_TIMER_STORE_H_
