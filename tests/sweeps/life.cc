// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/tests/sweeps/life.h"

#include <gtest/gtest.h>

#include <utility>

#include "kairos/tests/support/descriptors.h"

namespace kairos {

using namespace std::chrono_literals;

// The fault may happen while one lives.
class Life::Armed {
 public:
  explicit Armed(Fault& fault, bool armed = true) : fault_(fault) { fault_.setArmed(armed); }
  ~Armed() { fault_.setArmed(false); }
  Armed(const Armed&) = delete;
  Armed& operator=(const Armed&) = delete;

 private:
  Fault& fault_;
};

Reactor Life::open(const std::function<Reactor()>& make, Fault& fault) {
  const Armed armed(fault);
  return make();
}

Life::Life(const std::function<Reactor()>& make, Fault& fault)
    : fault_(fault), epollsBefore_(epollFds()), reactor_(open(make, fault)) {}

// ---- Descriptors

Life::Registration& Life::add(Fd fd, Direction direction, Action action) {
  Registration& made =
      registrations_.emplace_back(Registration{*this, fd, direction, std::move(action)});
  std::error_code error;
  {
    const Armed armed(fault_, !isOver_);
    error = direction == reading ? reactor_.addReader(fd, onReady, &made)
                                 : reactor_.addWriter(fd, onReady, &made);
  }
  expectAllowed(error);
  made.isRegistered = !error;
  return made;
}

void Life::remove(Registration& registration) {
  const auto removal =
      registration.direction == reading ? &Reactor::removeReader : &Reactor::removeWriter;
  EXPECT_EQ(call(removal, registration.fd), registration.isRegistered);
  registration.isRegistered = false;
}

bool Life::call(bool (Reactor::*removal)(Fd) noexcept, Fd fd) {
  const Armed armed(fault_, !isOver_);
  return (reactor_.*removal)(fd);
}

void Life::onReady(void* udata) {
  auto& self = *static_cast<Registration*>(udata);
  self.life.fault_.setArmed(false);
  EXPECT_TRUE(self.isRegistered);
  ++self.runs;
  self.life.run(self.action);
}

// A callback is the user's own, and the reactor goes on after it.
void Life::run(const Action& action) {
  ++runs_;
  if (action) action();
  fault_.setArmed(!isOver_);
}

// ---- Timers

Life::Timer& Life::note(Clock::time_point deadline, Action action) {
  return timers_.emplace_back(Timer{*this, deadline, std::move(action)});
}

void Life::note(Timer& timer, TimerId id) {
  timer.id = id;
  timer.isPending = id != TimerId::none;
  if (!timer.isPending) expectAllowed(std::make_error_code(std::errc::not_enough_memory));
}

Life::Timer& Life::addTimer(Clock::duration delay, Action action) {
  const auto now = Clock::now();
  Timer& made =
      note(delay == Reactor::forever ? Clock::time_point::max() : now + delay, std::move(action));
  TimerId id;
  {
    const Armed armed(fault_, !isOver_);
    id = reactor_.addTimer(delay, onTimer, &made);
  }
  note(made, id);
  return made;
}

Life::Timer& Life::addTimer(Clock::time_point deadline) {
  Timer& made = note(deadline, {});
  TimerId id;
  {
    const Armed armed(fault_, !isOver_);
    id = reactor_.addTimer(deadline, onTimer, &made);
  }
  note(made, id);
  return made;
}

void Life::remove(Timer& timer) {
  const Armed armed(fault_, !isOver_);
  EXPECT_EQ(reactor_.removeTimer(timer.id), timer.isPending);
  timer.isPending = false;
}

void Life::onTimer(void* udata) {
  auto& self = *static_cast<Timer*>(udata);
  self.life.fault_.setArmed(false);
  EXPECT_TRUE(self.isPending);
  EXPECT_GE(Clock::now(), self.deadline);
  self.isPending = false;
  ++self.runs;
  self.life.run(self.action);
}

// ---- Poll

void Life::poll(Clock::duration timeout) {
  const std::size_t before = runs_;
  PollResult result;
  {
    const Armed armed(fault_, !isOver_);
    result = reactor_.poll(timeout);
  }
  expectAllowed(result.error);
  EXPECT_EQ(result.callbacks, runs_ - before);
}

void Life::pollFor(const Timer& timer) {
  for (int i = 0; i < 8 && timer.isPending; ++i) poll(10s);
  EXPECT_TRUE(!timer.isPending || fault_.happened());
}

void Life::expectAllowed(std::error_code error) const {
  if (!error) return;
  EXPECT_TRUE(fault_.happened() && !isOver_) << error.message();
  // The latter is said of a descriptor of which a change has failed.
  const bool isExpected =
      error == fault_.reported() || (fault_.reported() && error == std::errc::bad_file_descriptor);
  EXPECT_TRUE(isExpected) << error.message() << " instead of " << fault_.reported().message();
}

// ---- The end

void Life::expectServed(const Registration& registration) {
  isOver_ = true;
  for (int i = 0; i < 3 && registration.runs == 0; ++i) reactor_.poll(0ms);
  EXPECT_TRUE(registration.runs > 0 || !registration.isRegistered);
}

void Life::recover() {
  isOver_ = true;
  endRegistrations();
  if (const std::error_code error = reactor_.poll(0ms).error) {
    EXPECT_TRUE(fault_.happened());
    EXPECT_EQ(error, fault_.reported()) << "a reactor that could not be made says why";
    return;
  }
  EXPECT_EQ(reactor_.poll(Reactor::forever).error, std::errc::resource_deadlock_would_occur);
  for (const Fd epoll : epollFds()) {
    EXPECT_TRUE(epollsBefore_.count(epoll) == 1 || kernelSet(epoll).empty());
  }
  serve();
  sleep();
}

void Life::endRegistrations() {
  for (Registration& registration : registrations_) {
    if (registration.isRegistered) remove(registration);
  }
  for (const Registration& registration : registrations_) {
    EXPECT_FALSE(reactor_.removeReader(registration.fd));
    EXPECT_FALSE(reactor_.removeWriter(registration.fd));
  }
  for (Timer& timer : timers_) remove(timer);
}

void Life::serve() {
  const Pair ends = pair();
  writeByte(ends.far.get());
  Registration& reader = add(ends.near.get(), reading, [&] { drain(ends.near.get()); });
  Registration& writer = add(ends.near.get(), writing);
  const Timer& timer = addTimer(1us);
  for (int i = 0; i < 8; ++i) poll(1ms);
  EXPECT_EQ(reader.runs, 1u);
  EXPECT_GT(writer.runs, 0u);
  EXPECT_EQ(timer.runs, 1u);
  remove(reader);
  remove(writer);
}

// Nor is there a registration that nobody can remove, and that ends each wait.
void Life::sleep() {
  const Pair ends = pair();
  Registration& silent = add(ends.near.get(), reading);
  bool slept = false;
  for (int i = 0; i < 8 && !slept; ++i) {
    const auto before = Clock::now();
    poll(100us);
    slept = Clock::now() - before >= 100us;
  }
  EXPECT_TRUE(slept);
  EXPECT_EQ(silent.runs, 0u);
  remove(silent);
}

}  // namespace kairos
