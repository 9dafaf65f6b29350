// SPDX-License-Identifier: MIT OR Apache-2.0
#include <chrono>
#include <cstddef>
#include <deque>
#include <utility>
#include <vector>

#include "kairos/tests/support/descriptors.h"
#include "kairos/tests/sweeps/life.h"

namespace kairos {
namespace {

using namespace std::chrono_literals;

// Two directions of one descriptor come and go.
void changeDirections(Life& life) {
  const Pair ends = pair();
  writeByte(ends.far.get());
  const Fd near = ends.near.get();
  Life::Registration& reader = life.add(near, Life::reading, [near] { drain(near); });
  Life::Registration& writer = life.add(near, Life::writing);
  life.add(ends.far.get(), Life::writing);
  life.poll();
  life.poll(1us);
  life.remove(writer);
  life.poll(1us);
  life.remove(reader);
  const Life::Registration& again = life.add(near, Life::writing);
  life.poll(1ms);
  life.expectServed(again);
}

// More descriptors than fit a batch, and one whose number is far away.
void addManyDescriptors(Life& life) {
  const UniqueFd ready = counter(1);
  std::deque<UniqueFd> copies;
  for (int i = 0; i < 70; ++i) {
    life.add(copies.emplace_back(duplicate(ready.get())).get(), Life::reading);
  }
  constexpr Fd far = 900;
  duplicateTo(ready.get(), far);
  const UniqueFd farCopy(far);
  life.add(far, Life::reading);
  for (int i = 0; i < 4; ++i) life.poll();
}

// Timers of all kinds, from outside and from callbacks.
void addTimers(Life& life) {
  life.addTimer(0ns, [&life] {
    life.addTimer(0ns);
    life.addTimer(Clock::now() - 1h);
    life.addTimer(2us);
  });
  Life::Timer& distant = life.addTimer(1h);
  Life::Timer& never = life.addTimer(Reactor::forever);
  for (int i = 0; i < 1500; ++i) life.addTimer(i % 50 * 1us);
  life.addTimer(Clock::now() - 1h);
  life.remove(distant);
  life.pollFor(life.addTimer(300us));
  life.poll();
  life.remove(never);
  for (int i = 0; i < 64; ++i) life.poll();  // without timers: memory goes back
}

// A callback removes another of its batch, closes it, and adds a new file with the same number.
void reopenInACallback(Life& life) {
  UniqueFd files[] = {counter(1), counter(1)};
  Life::Registration* registrations[2];
  bool isDone = false;
  for (const std::size_t i : {0u, 1u}) {
    registrations[i] = &life.add(files[i].get(), Life::reading, [&, other = 1 - i] {
      if (std::exchange(isDone, true)) return;
      life.remove(*registrations[other]);
      files[other].reset();
      files[other] = counter(1);
      life.add(files[other].get(), Life::reading);
      life.add(files[other].get(), Life::writing);
      life.addTimer(0ns);
    });
  }
  for (int i = 0; i < 3; ++i) life.poll(1us);
}

// Files that are closed before they are removed: one lives on in a duplicate, so that the others
// have to move to another kernel object; one is closed while its direction changes.
void closeFirst(Life& life) {
  Pair closed = pair();
  const UniqueFd copy = duplicate(closed.near.get());
  writeByte(closed.far.get());
  const Pair others = pair();
  Pair changing = pair();
  const Life::Registration& other = life.add(others.near.get(), Life::reading);
  Life::Registration& writer = life.add(others.far.get(), Life::writing);
  Life::Registration& reader = life.add(closed.near.get(), Life::reading);
  life.poll();
  closed.near.reset();
  life.remove(reader);
  for (int i = 0; i < 3; ++i) life.poll(10us);
  life.remove(writer);
  life.add(changing.near.get(), Life::reading);
  life.add(changing.near.get(), Life::writing);
  changing.near.reset();
  for (int i = 0; i < 3; ++i) life.poll(10us);
  writeByte(others.far.get());
  life.expectServed(other);
}

}  // namespace

const std::vector<Scenario> scenarios = {{"two directions", changeDirections},
                                         {"many descriptors", addManyDescriptors},
                                         {"timers", addTimers},
                                         {"reopened in a callback", reopenInACallback},
                                         {"closed first", closeFirst}};

}  // namespace kairos
