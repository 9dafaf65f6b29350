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

// The number of a timer, or of a list of timers; 0: none.
using TimerIndex = std::uint32_t;

// The lists; timers are numbered from where the lists end.
enum TimerLists : TimerIndex {
  deferredList = 1,
  runList,
  parkedList,
  neverList,  // their deadlines never come
  firstWheelList = 8,
  wheelListsEnd = firstWheelList + 3072,
  firstTimerIndex = wheelListsEnd
};

// What a timer is to those who remove it.
enum TimerState : std::uint32_t {
  inList,
  inParkedList,
  inHeap,
  unused,
  retired,  // its generations are used up
};

// What adding and removing touch of a timer and of its neighbours: small, so that more of them fit
// into a cache. Lists are rings: of a list this is its head, linked to its first and last timer.
struct TimerLinks {
  TimerIndex next;
  TimerIndex previous;  // in the heap: its position there
  std::uint64_t tag;    // generation << 24 | state

  static constexpr unsigned stateBits = 24;
  static constexpr std::uint64_t stateMask = (std::uint64_t{1} << stateBits) - 1;

  std::uint64_t generation() const { return tag >> stateBits; }
  std::uint32_t state() const { return static_cast<std::uint32_t>(tag & stateMask); }
  void setState(TimerState state) { tag = (tag & ~stateMask) | state; }
};

// The rest.
struct Timer {
  Nanoseconds deadline;
  std::uint64_t order;  // counts additions: breaks ties, dates a timer
  AsyncCallback callback;
};

inline bool runsBefore(const Timer& a, const Timer& b) {
  return a.deadline != b.deadline ? a.deadline < b.deadline : a.order < b.order;
}

// The memory of all timers, their lists, and their ids.
//
// An id is the generation of a place in the store and the number of that place. The generation goes
// up whenever the place is left; a place whose generations are used up is never used again, so no
// id comes twice. The place left last is taken first. When none is left of many timers, all places
// are forgotten, so that the next ones lie side by side again; what replaces them begins above each
// generation that was used.
class TimerStore {
 public:
  static constexpr TimerIndex mostTimers =
      (TimerIndex{1} << TimerLinks::stateBits) - firstTimerIndex;

  // Other values are for tests of the ends.
  explicit TimerStore(std::uint64_t firstGeneration = 1, TimerIndex most = mostTimers)
      : firstGeneration_(firstGeneration), end_(firstTimerIndex + most) {}
  TimerStore(const TimerStore&) = delete;
  TimerStore& operator=(const TimerStore&) = delete;

  static constexpr std::uint64_t lastGeneration = (std::uint64_t{1} << 40) - 1;

  // References last until the next allocate().
  Timer& operator[](TimerIndex timer) { return timers_[timer - firstTimerIndex]; }
  const Timer& operator[](TimerIndex timer) const { return timers_[timer - firstTimerIndex]; }
  TimerLinks& links(TimerIndex timer) { return links_[timer]; }

  std::size_t size() const { return size_; }

  // Gives the memory of all but the first 1024 timers back, unless later ones are in use.
  void giveMemoryBack();

  // Makes sure that there is a place for one more; false: no memory, or all places are taken.
  [[nodiscard]] bool makeReady() { return free_ != 0 || addPlaces(); }
  // Takes that place, in the state inList.
  TimerIndex allocate();
  // Of a timer that is in no list.
  void release(TimerIndex timer);

  TimerId id(TimerIndex timer) const {
    return TimerId{(links_[timer].tag & ~TimerLinks::stateMask) | timer};
  }
  // The timer of that id, or 0 if it is gone or never was.
  TimerIndex find(TimerId id) const;

  // Lists. There are none until makeReady() succeeds for the first time; from then on all are
  // there, those of the wheel to be emptied before their first use.
  bool isEmpty(TimerIndex list) const { return links_[list].next == list; }
  TimerIndex first(TimerIndex list) const { return isEmpty(list) ? 0 : links_[list].next; }
  TimerIndex next(TimerIndex timer) const { return links_[timer].next; }
  void setEmpty(TimerIndex list) { links_[list].next = links_[list].previous = list; }
  void append(TimerIndex list, TimerIndex timer);
  void unlink(TimerIndex timer);
  // Moves all timers of a list that is not empty to one that is.
  void moveAll(TimerIndex from, TimerIndex to);
  // Puts the list into the order in which its timers run. Linear when it is in that order already.
  void sort(TimerIndex list);

 private:
  static constexpr TimerIndex keptEnd = firstTimerIndex + 1024;
  static constexpr TimerIndex addedAtOnce = 64;

  bool addPlaces();
  bool addLists();
  void startAgain();
  TimerIndex merge(TimerIndex a, TimerIndex b);
  void closeRing(TimerIndex list);

  RecordArray<TimerLinks> links_;  // of lists and timers; those never used are not there
  RecordArray<Timer> timers_;      // from firstTimerIndex on
  std::size_t size_ = 0;
  TimerIndex free_ = 0;  // chain of places, the last one left first
  std::uint64_t firstGeneration_;
  std::uint64_t highestGeneration_ = 0;
  const TimerIndex end_;
};

// ---- What happens for every timer, inline

inline TimerIndex TimerStore::allocate() {
  const TimerIndex timer = free_;
  TimerLinks& links = links_[timer];
  free_ = links.next;
  links.setState(inList);
  ++size_;
  return timer;
}

inline void TimerStore::release(TimerIndex timer) {
  TimerLinks& links = links_[timer];
  const std::uint64_t next = links.generation() + 1;
  highestGeneration_ = next > highestGeneration_ ? next : highestGeneration_;
  if (next <= lastGeneration) {
    links.tag = next << TimerLinks::stateBits | unused;
    links.next = free_;
    free_ = timer;
  } else {
    links.setState(retired);
  }
  if (--size_ == 0) startAgain();
}

inline TimerIndex TimerStore::find(TimerId id) const {
  const auto bits = static_cast<std::uint64_t>(id);
  const auto timer = static_cast<TimerIndex>(bits & TimerLinks::stateMask);
  if (timer < firstTimerIndex || timer >= links_.size()) return 0;
  const TimerLinks& found = links_[timer];
  const bool live = found.generation() == bits >> TimerLinks::stateBits && found.state() < unused;
  return live ? timer : 0;
}

inline void TimerStore::append(TimerIndex list, TimerIndex timer) {
  const TimerIndex last = links_[list].previous;
  links_[timer].next = list;
  links_[timer].previous = last;
  links_[last].next = timer;
  links_[list].previous = timer;
}

inline void TimerStore::unlink(TimerIndex timer) {
  const TimerIndex next = links_[timer].next;
  const TimerIndex previous = links_[timer].previous;
  links_[previous].next = next;
  links_[next].previous = previous;
}

}  // namespace kairos::detail

#endif  // KAIROS_REACTOR_TIMER_STORE_H_
