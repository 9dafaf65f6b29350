// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_BENCH_CONTESTANTS_CONTESTANT_H_
#define KAIROS_BENCH_CONTESTANTS_CONTESTANT_H_

#include <chrono>
#include <concepts>
#include <cstddef>

namespace kairos::bench {

// What a callback of a workload is to every contestant. It is a template argument of the calls
// below, so that an adapter's own trampoline can call it directly: no contestant pays for an
// indirect call that its users would not make.
using Callback = void (*)(void* udata);

// The contestants' common interface: each workload is a template over it, so nothing virtual is
// in the timed path. An adapter does what a good user of its library does.
//
// Descriptors: one reader and one writer each, persistent and level-triggered, as with Kairos.
// Timers: in slots 0 to n-1 that `reserveTimers<callback>(n)` has prepared with whatever object
// the library wants, so that adding allocates for nobody what it does not for all. `deadline(d)`
// is the library's form of "d from now". It is converted before anything is timed, while the
// virtual clock stands still, so that it means the same to those who count from now and to those
// who take a point in time.
template <class C>
concept Contestant = requires(C loop, int fd, void* udata, std::size_t slot,
                              std::chrono::nanoseconds after) {
  loop.template addReader<static_cast<Callback>(nullptr)>(fd, udata);
  loop.removeReader(fd);
  loop.template addWriter<static_cast<Callback>(nullptr)>(fd, udata);
  loop.removeWriter(fd);  // may be called beside a reader and inside the writer's callback

  typename C::Deadline;
  { loop.deadline(after) } -> std::same_as<typename C::Deadline>;
  loop.template reserveTimers<static_cast<Callback>(nullptr)>(slot);
  loop.template addTimer<static_cast<Callback>(nullptr)>(slot, loop.deadline(after), udata);
  loop.removeTimer(slot);
  // The slot's timer gets a later deadline by the best single way there is.
  loop.template refreshTimer<static_cast<Callback>(nullptr)>(slot, loop.deadline(after), udata);
  // Runs the callback in the next turn; the slot is one of reserveTimers.
  loop.template defer<static_cast<Callback>(nullptr)>(slot, udata);

  loop.poll();  // one turn that does not wait
  loop.turn();  // one turn that waits
  loop.run();   // turns until a callback calls stop()
  loop.stop();

  // Bytes of the user's own handle per timer that are not the timer itself.
  { C::handleBytes } -> std::convertible_to<std::size_t>;
};

// Each enrols all workloads with Google Benchmark under the contestant's name.
void enrollBare();
void enrollBareTwin();
void enrollKairos();
void enrollLibev();
void enrollLibuv();
void enrollLibevent();
void enrollAsio();

}  // namespace kairos::bench

#endif  // KAIROS_BENCH_CONTESTANTS_CONTESTANT_H_
