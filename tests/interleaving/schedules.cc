// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/tests/interleaving/schedules.h"

#include <sys/types.h>

#include <algorithm>
#include <thread>

namespace kairos {
namespace {

// Of the thread that asks, while it is one of a schedule.
thread_local Schedules* schedulesOfThread = nullptr;
thread_local std::size_t numberOfThread = 0;

}  // namespace

bool Schedules::next() {
  if (count_++ == 0) return true;
  while (!way_.empty() && way_.back().chosen + 1 == way_.back().options) way_.pop_back();
  if (way_.empty()) return false;
  ++way_.back().chosen;
  return true;
}

void Schedules::run(const Threads& threads) {
  at_ = 0;
  preemptions_ = 0;
  turn_ = threads.size();  // nobody's, until all are there
  isDone_.assign(threads.size(), false);
  std::vector<std::thread> others;
  for (std::size_t i = 1; i < threads.size(); ++i) {
    others.emplace_back([this, i, &threads] { runAs(i, threads[i]); });
  }
  {
    const std::lock_guard lock(mutex_);
    giveTo(choose(optionsAfter(threads.size())));
  }
  runAs(0, threads[0]);
  for (std::thread& other : others) other.join();
}

std::string Schedules::describe() const {
  std::string text;
  for (const Choice& choice : way_) text += std::to_string(choice.thread);
  return text;
}

void Schedules::step() {
  if (schedulesOfThread != nullptr) schedulesOfThread->stepAs(numberOfThread);
}

void Schedules::runAs(std::size_t thread, const std::function<void()>& act) {
  {
    std::unique_lock lock(mutex_);
    turned_.wait(lock, [&] { return turn_ == thread; });
  }
  schedulesOfThread = this;
  numberOfThread = thread;
  act();
  schedulesOfThread = nullptr;
  finish(thread);
}

void Schedules::stepAs(std::size_t thread) {
  std::unique_lock lock(mutex_);
  const std::size_t next = choose(optionsAfter(thread));
  if (next == thread) return;
  ++preemptions_;
  giveTo(next);
  turned_.wait(lock, [&] { return turn_ == thread; });
}

void Schedules::finish(std::size_t thread) {
  const std::lock_guard lock(mutex_);
  isDone_[thread] = true;
  const std::vector<std::size_t> options = optionsAfter(thread);
  if (!options.empty()) giveTo(choose(options));
}

// First of all the one that had its turn.
std::vector<std::size_t> Schedules::optionsAfter(std::size_t thread) const {
  std::vector<std::size_t> options;
  const bool canGoOn = thread < isDone_.size() && !isDone_[thread];
  if (canGoOn) options.push_back(thread);
  if (canGoOn && preemptions_ == preemptionsMax_) return options;
  for (std::size_t i = 0; i < isDone_.size(); ++i) {
    if (i != thread && !isDone_[i]) options.push_back(i);
  }
  return options;
}

std::size_t Schedules::choose(const std::vector<std::size_t>& options) {
  if (at_ == way_.size()) way_.push_back({0, options.size(), 0});
  Choice& choice = way_[at_++];
  choice.options = options.size();
  choice.thread = options[std::min(choice.chosen, options.size() - 1)];
  return choice.thread;
}

void Schedules::giveTo(std::size_t thread) {
  turn_ = thread;
  turned_.notify_all();
}

}  // namespace kairos

extern "C" {

ssize_t __real_read(int fd, void* into, size_t size);
ssize_t __real_write(int fd, const void* bytes, size_t size);

ssize_t __wrap_read(int fd, void* into, size_t size) {
  kairos::Schedules::step();
  return __real_read(fd, into, size);
}
ssize_t __wrap_write(int fd, const void* bytes, size_t size) {
  kairos::Schedules::step();
  return __real_write(fd, bytes, size);
}

}  // extern "C"
