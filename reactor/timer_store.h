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
  firstPlaceOutsideTheWheel = 0x800000,
  inDeferredList,
  inRunList,
  inParkedList,
  inHeap,
  inNothing,  // its deadline never comes
  unused,
  retired,  // its generations are used up
};

struct Timer {
  Nanoseconds deadline;
  TimerIndex next;      // in its list
  TimerIndex previous;  // in its list; in the heap: its position there
  std::uint64_t tag;    // generation << 24 | place
  std::uint64_t order;  // counts additions: breaks ties, dates a timer
  AsyncCallback callback;

  static constexpr unsigned placeBits = 24;
  static constexpr std::uint64_t placeMask = (std::uint64_t{1} << placeBits) - 1;

  std::uint64_t generation() const { return tag >> placeBits; }
  std::uint32_t place() const { return static_cast<std::uint32_t>(tag & placeMask); }
  void setPlace(std::uint32_t place) { tag = (tag & ~placeMask) | place; }
};
static_assert(sizeof(Timer) * 5 / 4 <= 64, "the promised memory, room for growth included");

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
// up whenever the place is left; a place whose generations are used up is never used again, so no
// id comes twice. When no timer is left, places are taken in order again, so that neighbours in
// time are neighbours in memory, and the memory of all but the first 1024 goes back; what replaces
// them begins above every generation that was used.
class TimerStore {
 public:
  static constexpr TimerIndex mostPlaces = (TimerIndex{1} << Timer::placeBits) - 1;

  // Other values are for tests of the ends.
  explicit TimerStore(std::uint64_t firstGeneration = 1, TimerIndex places = mostPlaces)
      : firstGeneration_(firstGeneration), places_(places) {}
  TimerStore(const TimerStore&) = delete;
  TimerStore& operator=(const TimerStore&) = delete;

  static constexpr std::uint64_t lastGeneration = (std::uint64_t{1} << 40) - 1;

  // References last until the next allocate().
  Timer& operator[](TimerIndex i) { return timers_[i]; }
  const Timer& operator[](TimerIndex i) const { return timers_[i]; }

  std::size_t size() const { return size_; }

  // A place for one more; 0: no memory, or all places are taken.
  TimerIndex allocate();
  void release(Timer& timer, TimerIndex index);

  static TimerId id(const Timer& timer, TimerIndex index) {
    return TimerId{(timer.tag & ~Timer::placeMask) | index};
  }
  // The timer of that id, or 0 if it is gone or never was.
  TimerIndex find(TimerId id) const;

  void append(TimerList& list, Timer& timer, TimerIndex index, std::uint32_t place);
  void unlink(TimerList& list, const Timer& timer);
  TimerIndex takeFirst(TimerList& list);

  // Puts the list into the order in which its timers run. Linear when it is in that order already.
  void sort(TimerList& list);

 private:
  static constexpr TimerIndex kept = 1024;

  TimerIndex allocateNew();
  void noteReleased(const Timer& timer);
  void startAgain();
  TimerIndex merge(TimerIndex a, TimerIndex b);

  RecordArray<Timer> timers_;  // by index; those never used are not there
  std::size_t size_ = 0;
  TimerIndex free_ = 0;  // chain of left places, the last one left first
  TimerIndex next_ = 1;  // places from here on were not used since the store was empty
  std::uint64_t firstGeneration_;
  const TimerIndex places_;
  std::uint64_t highestGeneration_ = 0;  // among the places that can be given back
};

// ---- What happens for every timer, inline

inline TimerIndex TimerStore::allocate() {
  TimerIndex index = free_;
  if (index != 0) {
    free_ = timers_[index].next;
  } else if (next_ < timers_.size() && timers_[next_].place() != retired) {
    index = next_++;
  } else {
    return allocateNew();
  }
  ++size_;
  return index;
}

inline void TimerStore::release(Timer& timer, TimerIndex index) {
  --size_;
  if (timer.generation() == lastGeneration) {
    timer.setPlace(retired);
  } else {
    timer.setPlace(unused);
    timer.tag += std::uint64_t{1} << Timer::placeBits;
    timer.next = free_;
    free_ = index;
  }
  if (index >= kept) noteReleased(timer);
  if (size_ == 0) startAgain();
}

inline TimerIndex TimerStore::find(TimerId id) const {
  const auto bits = static_cast<std::uint64_t>(id);
  const auto index = static_cast<TimerIndex>(bits & Timer::placeMask);
  if (index >= timers_.size()) return 0;
  const Timer& found = timers_[index];
  const bool live = found.generation() == bits >> Timer::placeBits && found.place() < unused;
  return live ? index : 0;
}

inline void TimerStore::append(TimerList& list, Timer& timer, TimerIndex index,
                               std::uint32_t place) {
  timer.setPlace(place);
  timer.next = 0;
  timer.previous = list.tail;
  (list.tail != 0 ? timers_[list.tail].next : list.head) = index;
  list.tail = index;
}

inline void TimerStore::unlink(TimerList& list, const Timer& timer) {
  (timer.previous != 0 ? timers_[timer.previous].next : list.head) = timer.next;
  (timer.next != 0 ? timers_[timer.next].previous : list.tail) = timer.previous;
}

inline TimerIndex TimerStore::takeFirst(TimerList& list) {
  const TimerIndex index = list.head;
  unlink(list, timers_[index]);
  return index;
}

}  // namespace kairos::detail

#endif  // KAIROS_REACTOR_TIMER_STORE_H_
