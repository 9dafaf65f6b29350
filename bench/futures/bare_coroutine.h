// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_BENCH_FUTURES_BARE_COROUTINE_H_
#define KAIROS_BENCH_FUTURES_BARE_COROUTINE_H_

#include <coroutine>
#include <exception>
#include <vector>

namespace kairos::bench {

// Runs until something suspends it for ever or it ends.
struct Detached {
  struct promise_type {
    Detached get_return_object() { return {}; }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { std::terminate(); }
  };
};

// Coroutines that are to go on: a queue of handles, which is run from end to end.
class ReadyQueue {
 public:
  struct Yield {
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> coroutine) const { queue.add(coroutine); }
    void await_resume() const noexcept {}
    ReadyQueue& queue;
  };

  void add(std::coroutine_handle<> coroutine) { ready_.push_back(coroutine); }

  // Until nothing is ready.
  void run() {
    while (!ready_.empty()) {
      running_.swap(ready_);
      for (std::coroutine_handle<> coroutine : running_) coroutine.resume();
      running_.clear();
    }
  }

 private:
  std::vector<std::coroutine_handle<>> ready_;
  std::vector<std::coroutine_handle<>> running_;
};

}  // namespace kairos::bench

#endif  // KAIROS_BENCH_FUTURES_BARE_COROUTINE_H_
