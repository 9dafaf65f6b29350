// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TESTS_SWEEPS_LIFE_H_
#define KAIROS_TESTS_SWEEPS_LIFE_H_

#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <set>
#include <system_error>
#include <vector>

#include "kairos/reactor/reactor.h"

namespace kairos {

// What goes wrong in the calls that a reactor makes. It happens only while it is armed.
class Fault {
 public:
  // `reported`: the only error that it may lead to; none: it must not be seen at all.
  explicit Fault(std::error_condition reported) : reported_(reported) {}
  virtual ~Fault() = default;

  std::error_condition reported() const { return reported_; }
  virtual bool happened() const = 0;
  virtual void setArmed(bool armed) = 0;

 private:
  const std::error_condition reported_;
};

// The life of a reactor in whose own calls, and in no others, a fault may happen at any moment. It
// compares each answer with what the contract allows then, and each callback with what is
// registered.
class Life {
 public:
  using Action = std::function<void()>;
  enum Direction { reading, writing };

  struct Registration {
    Life& life;
    Fd fd;
    Direction direction;
    Action action;
    bool isRegistered = false;  // the reactor said so
    std::size_t runs = 0;
  };
  struct Timer {
    Life& life;
    Clock::time_point deadline;
    Action action;
    TimerId id = TimerId::none;
    bool isPending = false;
    std::size_t runs = 0;
  };

  Life(const std::function<Reactor()>& make, Fault& fault);

  Registration& add(Fd fd, Direction direction, Action action = {});
  void remove(Registration& registration);
  Timer& addTimer(Clock::duration delay, Action action = {});
  Timer& addTimer(Clock::time_point deadline);
  void remove(Timer& timer);
  void poll(Clock::duration timeout = {});
  // A few polls, at most until the timer has run.
  void pollFor(const Timer& timer);

  // From here on no fault happens: what is registered and ready has to run, or has run to be told
  // of a failure.
  void expectServed(const Registration& registration);
  // And then: ends all registrations, and then the reactor has to serve and to
  // sleep as if there had never been one.
  void recover();

 private:
  class Armed;

  static Reactor open(const std::function<Reactor()>& make, Fault& fault);
  static void onReady(void* udata);
  static void onTimer(void* udata);
  void run(const Action& action);
  Timer& note(Clock::time_point deadline, Action action);
  void note(Timer& timer, TimerId id);
  void expectAllowed(std::error_code error) const;
  bool call(bool (Reactor::*removal)(Fd) noexcept, Fd fd);
  void endRegistrations();
  void serve();
  void sleep();

  Fault& fault_;
  bool isOver_ = false;
  const std::set<Fd> epollsBefore_;
  Reactor reactor_;
  std::deque<Registration> registrations_;  // these two stay where they are
  std::deque<Timer> timers_;
  std::size_t runs_ = 0;
};

// Every part of the contract in which the core makes a call that can fail.
struct Scenario {
  const char* name;
  void (*play)(Life& life);
};
extern const std::vector<Scenario> scenarios;

}  // namespace kairos

#endif  // KAIROS_TESTS_SWEEPS_LIFE_H_
