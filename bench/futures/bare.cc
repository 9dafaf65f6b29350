// SPDX-License-Identifier: MIT OR Apache-2.0
// What can be had by hand, without cancelling, errors, several who wait, or a loop to belong to.
#include <coroutine>
#include <cstddef>
#include <cstdlib>
#include <exception>
#include <utility>
#include <vector>

#include "kairos/bench/futures/bare_coroutine.h"
#include "kairos/bench/futures/harness.h"

namespace kairos::bench {
namespace {

// A cell that is counted, taken from a list of free ones, and calls back when it is completed.
struct Cell {
  Cell* next = nullptr;
  void (*function)(void*) = nullptr;
  void* udata = nullptr;
  int value = 0;
  unsigned references = 0;
  bool isReady = false;
};

Cell* freeCells = nullptr;

Cell* takeCell() {
  Cell* cell = freeCells;
  if (cell != nullptr) {
    freeCells = cell->next;
  } else {
    cell = static_cast<Cell*>(std::malloc(sizeof(Cell)));
  }
  *cell = Cell{};
  cell->references = 1;
  return cell;
}

void release(Cell* cell) {
  if (--cell->references != 0) return;
  cell->next = freeCells;
  freeCells = cell;
}

void complete(Cell* cell, int value) {
  cell->value = value;
  cell->isReady = true;
  if (cell->function != nullptr) cell->function(cell->udata);
}

long calls = 0;
void onComplete(void* udata) { calls += static_cast<Cell*>(udata)->value; }

void callbacks(std::size_t times) {
  calls = 0;
  for (std::size_t i = 0; i < times; ++i) {
    Cell* const cell = takeCell();
    ++cell->references;  // the producer's
    cell->function = onComplete;
    cell->udata = cell;
    asm volatile("" : : "g"(cell) : "memory");
    complete(cell, 1);
    release(cell);
    release(cell);
  }
  expect(calls == static_cast<long>(times), "a callback is missing");
}

// The same with callbacks that run later, 1,000 together, never in complete().
void laterCallbacks(std::size_t times) {
  calls = 0;
  Cell* ready = nullptr;
  for (std::size_t done = 0; done < times; done += batch) {
    for (std::size_t i = 0; i < batch; ++i) {
      Cell* const cell = takeCell();
      ++cell->references;
      cell->function = onComplete;
      cell->udata = cell;
      asm volatile("" : : "g"(cell) : "memory");
      cell->value = 1;
      cell->isReady = true;
      cell->next = std::exchange(ready, cell);
      release(cell);
    }
    while (ready != nullptr) {
      Cell* const cell = std::exchange(ready, ready->next);
      cell->function(cell->udata);
      release(cell);
    }
  }
  expect(calls >= static_cast<long>(times), "a callback is missing");
}

// Frames of one size are taken from a list.
struct Frames {
  static void* take(std::size_t size) {
    if (head != nullptr) {
      void* const memory = head;
      head = *static_cast<void**>(memory);
      return memory;
    }
    return std::malloc(size);
  }
  static void giveBack(void* memory) {
    *static_cast<void**>(memory) = head;
    head = memory;
  }
  static inline void* head = nullptr;
};

struct Await {
  bool await_ready() const noexcept { return cell->isReady; }
  void await_suspend(std::coroutine_handle<> coroutine) const noexcept {
    cell->udata = coroutine.address();
  }
  int await_resume() const noexcept { return cell->value; }
  Cell* cell;
};

Detached awaitReady(Cell* cell, std::size_t times, long& sum) {
  for (std::size_t i = 0; i < times; ++i) {
    asm volatile("" : : "g"(cell) : "memory");
    sum += co_await Await{cell};
  }
}

void ready(std::size_t times) {
  Cell* const cell = takeCell();
  complete(cell, 1);
  long sum = 0;
  awaitReady(cell, times, sum);
  release(cell);
  expect(sum == static_cast<long>(times), "an await is missing");
}

// A task that begins when it is awaited, and goes back to who awaits it by symmetric transfer.
struct Task {
  struct promise_type {
    static void* operator new(std::size_t size) { return Frames::take(size); }
    static void operator delete(void* memory) { Frames::giveBack(memory); }
    Task get_return_object() { return {std::coroutine_handle<promise_type>::from_promise(*this)}; }
    std::suspend_always initial_suspend() noexcept { return {}; }
    struct Back {
      bool await_ready() const noexcept { return false; }
      std::coroutine_handle<> await_suspend(
          std::coroutine_handle<promise_type> coroutine) const noexcept {
        return coroutine.promise().continuation;
      }
      void await_resume() const noexcept {}
    };
    Back final_suspend() noexcept { return {}; }
    void return_value(int result) { value = result; }
    void unhandled_exception() { std::terminate(); }

    std::coroutine_handle<> continuation;
    int value = 0;
  };

  Task(std::coroutine_handle<promise_type> frame) : coroutine(frame) {}
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;
  ~Task() { coroutine.destroy(); }

  bool await_ready() const noexcept { return false; }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> outer) const noexcept {
    coroutine.promise().continuation = outer;
    return coroutine;
  }
  int await_resume() const noexcept { return coroutine.promise().value; }

  std::coroutine_handle<promise_type> coroutine;
};

[[gnu::noinline]] Task one() { co_return 1; }

Detached callMany(std::size_t times, long& sum) {
  for (std::size_t i = 0; i < times; ++i) sum += co_await one();
}

void call(std::size_t times) {
  long sum = 0;
  callMany(times, sum);
  expect(sum == static_cast<long>(times), "a call is missing");
}

// Coroutines that suspend onto a queue of handles, which is run from end to end.
Detached yieldMany(ReadyQueue& queue, std::size_t times, long& sum) {
  for (std::size_t i = 0; i < times; ++i) {
    co_await ReadyQueue::Yield{queue};
    ++sum;
  }
}

void hop(std::size_t times) {
  ReadyQueue queue;
  long sum = 0;
  for (std::size_t i = 0; i < batch; ++i) yieldMany(queue, times / batch, sum);
  queue.run();
  expect(sum == static_cast<long>(times / batch * batch), "a hop is missing");
}

Task returnOne() { co_return 1; }

Detached startTask(long& sum) { sum += co_await returnOne(); }

void spawn(std::size_t times) {
  long sum = 0;
  for (std::size_t i = 0; i < times; ++i) startTask(sum);
  expect(sum == static_cast<long>(times), "a start is missing");
}

}  // namespace

std::vector<Way> bareWays() {
  return {{"callback", "bare", callbacks}, {"callback", "bare-later", laterCallbacks},
          {"await-ready", "bare", ready},  {"call", "bare", call},
          {"pending", "bare", hop},        {"spawn", "bare", spawn}};
}

}  // namespace kairos::bench
