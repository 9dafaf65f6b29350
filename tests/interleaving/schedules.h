// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TESTS_INTERLEAVING_SCHEDULES_H_
#define KAIROS_TESTS_INTERLEAVING_SCHEDULES_H_

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

namespace kairos {

// Every order in which a few threads can do their steps, one at a time, depth first. A step ends
// before each operation on an Atomic and each read(2) and write(2) of what is linked in; a thread
// that could go on is interrupted at most `preemptionsMax` times in an order, without which the
// orders would be too many. What processors reorder is not seen: for that there is TSan.
//
//   for (Schedules schedules(2); schedules.next();) { ...; schedules.run({...}); ... }
class Schedules {
 public:
  using Threads = std::vector<std::function<void()>>;

  explicit Schedules(std::size_t preemptionsMax) : preemptionsMax_(preemptionsMax) {}

  // False: all orders have been.
  bool next();
  // The first runs on the calling thread. In each order they must do the same, as far as it goes.
  void run(const Threads& threads);

  std::size_t count() const { return count_; }
  // Which thread went on at each step, to tell one order from another.
  std::string describe() const;

  // Other threads may go on here, if one of theirs runs.
  static void step();

 private:
  // Of those that could go on, in an order of their own.
  struct Choice {
    std::size_t chosen;
    std::size_t options;
    std::size_t thread;
  };

  void runAs(std::size_t thread, const std::function<void()>& act);
  void stepAs(std::size_t thread);
  void finish(std::size_t thread);
  std::size_t choose(const std::vector<std::size_t>& options);
  std::vector<std::size_t> optionsAfter(std::size_t thread) const;
  void giveTo(std::size_t thread);

  const std::size_t preemptionsMax_;
  std::size_t count_ = 0;
  std::vector<Choice> way_;
  std::size_t at_ = 0;
  std::size_t preemptions_ = 0;
  std::vector<bool> isDone_;

  std::mutex mutex_;
  std::condition_variable turned_;
  std::size_t turn_ = 0;
};

}  // namespace kairos

#endif  // KAIROS_TESTS_INTERLEAVING_SCHEDULES_H_
