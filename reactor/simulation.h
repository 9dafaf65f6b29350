// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_REACTOR_SIMULATION_H_
#define KAIROS_REACTOR_SIMULATION_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <system_error>

#include "kairos/reactor/reactor.h"

namespace kairos {

namespace detail {
class SimulatedMachine;
}  // namespace detail

// What a simulated machine does besides the obvious, each once in that many times (at most 256;
// 0: never). The defaults are what every program must bear on a real one; refusals it may choose
// to meet.
struct SimulatedFaults {
  unsigned interruptedWait = 16;  // as by a signal, before its time
  unsigned lateWakeUp = 8;        // up to 17 ms after its time
  unsigned shortBatch = 8;        // fewer descriptors than are ready
  unsigned anyOrder = 2;          // descriptors not in the order in which they became ready
  unsigned passingTime = 4;       // up to 255 ns between two readings of the clock; else none
  unsigned refusedAddition = 0;   // not_enough_memory or no_space_on_device, from add*
  unsigned refusedWait = 0;       // not_enough_memory, from poll
  unsigned refusedSet = 0;        // too_many_files_open when a reactor needs a new epoll set
};

// A machine that exists in memory only, to test programs on: ordinary reactors, and what is built
// on them, run on its clock, which passes no real time, and on its descriptors, which are numbers
// that only it knows. It does all that a real machine may do, in an order that a seed decides.
// Deliberately no network: what a test does not send does not arrive.
//
//   Thread      one, that of its reactors
//   Ownership   outlives its reactors; closes its descriptors itself at the end
//   Time        begins 1000 hours after the epoch of Clock; moves only in waits and by advance()
//               and, a little, by SimulatedFaults::passingTime
//   Errors      std::error_code, as the system calls named below; without memory the program ends
//   Callbacks   of at(): inside the wait of a poll. They play the outside world: they may call
//               everything here, and nothing of a reactor.
class Simulation {
 public:
  // Two connected ends.
  struct Pair {
    Fd near;
    Fd far;
  };
  // What a system call did. No bytes and no error is the end of the stream.
  struct Transfer {
    std::size_t bytes = 0;
    std::error_code error;
  };

  // Where nothing unusual ever happens.
  Simulation();
  // The same seed makes the same history.
  explicit Simulation(std::uint64_t seed);
  // The choices are read from bytes, which are borrowed: what a fuzzer or a shrinker changes. Zero
  // is the dullest choice, as are all after the end.
  explicit Simulation(std::span<const std::uint8_t> choices);
  ~Simulation();

  Simulation(const Simulation&) = delete;
  Simulation& operator=(const Simulation&) = delete;

  // `Reactor reactor = simulation.makeReactor();`: an ordinary one. Its poll fails with timed_out
  // where it would wait for ever, because neither a timer nor at() can end the wait.
  Reactor makeReactor() noexcept;

  // From now on.
  void setFaults(const SimulatedFaults& faults);

  // A choice of the test's own, from 0 to `bound`, which is excluded and not 0.
  std::uint64_t choose(std::uint64_t bound);

  // ---- Time

  Clock::time_point now() const;
  // Since the beginning.
  Clock::duration elapsed() const;
  // As if the program had computed for so long. Requires by >= 0.
  void advance(Clock::duration by);
  // Calls `callback(udata)` in the first wait that comes to that time; equal times in the order
  // added.
  void at(Clock::time_point time, CallbackFunc callback, void* udata);

  // ---- Descriptors. Numbers are given lowest first, from 0. A descriptor may be closed before it
  // is removed from a reactor, and its number given again: with the effects that Linux has.

  // socketpair(2), streams. Each direction holds 4096 bytes.
  Pair openPair();
  // eventfd(2), value 0: readable when its value is not 0.
  Fd openCounter();
  // A file that is always ready, which reactors refuse.
  Fd openRegularFile();
  // dup(2); -1: `fd` is not open.
  Fd duplicate(Fd fd);
  // close(2). False: it was not open.
  bool close(Fd fd);

  // send(2), recv(2), without blocking: resource_unavailable_try_again.
  Transfer send(Fd end, std::string_view bytes);
  Transfer receive(Fd end, std::span<char> into);
  // shutdown(2), SHUT_WR: the other end reads to the end of the stream.
  std::error_code shutDown(Fd end);
  // The connection is lost, with what it carried: both ends get connection_reset.
  std::error_code reset(Fd end);

  // Adds 1 to a counter. Takes its whole value: 0 if it is not readable.
  std::error_code bump(Fd counter);
  std::uint64_t take(Fd counter);

 private:
  std::unique_ptr<detail::SimulatedMachine> machine_;
};

}  // namespace kairos

#endif  // KAIROS_REACTOR_SIMULATION_H_
