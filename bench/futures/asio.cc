// SPDX-License-Identifier: MIT OR Apache-2.0
// clang-format off
#include <utility>  // which awaitable.hpp uses and does not include
// clang-format on
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <cstddef>
#include <vector>

#include "kairos/bench/futures/harness.h"

namespace kairos::bench {
namespace {

namespace asio = boost::asio;
using Executor = asio::io_context::executor_type;
template <class T>
using Awaitable = asio::awaitable<T, Executor>;
constexpr asio::use_awaitable_t<Executor> useAwaitable;

// One thread, so no locks.
asio::io_context& loop() {
  static asio::io_context made(1);
  return made;
}

void runAll() {
  loop().restart();
  loop().run();
}

[[gnu::noinline]] Awaitable<int> one() { co_return 1; }

Awaitable<void> callMany(std::size_t times, long& sum) {
  for (std::size_t i = 0; i < times; ++i) sum += co_await one();
}

void call(std::size_t times) {
  long sum = 0;
  asio::co_spawn(loop().get_executor(), callMany(times, sum), asio::detached);
  runAll();
  expect(sum == static_cast<long>(times), "a call is missing");
}

Awaitable<void> postMany(std::size_t times, long& sum) {
  for (std::size_t i = 0; i < times; ++i) {
    co_await asio::post(loop().get_executor(), useAwaitable);
    ++sum;
  }
}

template <class Coroutine>
void runBatch(std::size_t times, Coroutine coroutine) {
  long sum = 0;
  for (std::size_t i = 0; i < batch; ++i) {
    asio::co_spawn(loop().get_executor(), coroutine(times / batch, sum), asio::detached);
  }
  runAll();
  expect(sum == static_cast<long>(times / batch * batch), "a turn is missing");
}

void pending(std::size_t times) { runBatch(times, postMany); }

using Timer = asio::basic_waitable_timer<std::chrono::steady_clock,
                                         asio::wait_traits<std::chrono::steady_clock>, Executor>;

Awaitable<void> sleepMany(std::size_t times, long& sum) {
  Timer timer(loop());
  for (std::size_t i = 0; i < times; ++i) {
    timer.expires_after(std::chrono::nanoseconds(1));
    co_await timer.async_wait(useAwaitable);
    ++sum;
  }
}

void sleep(std::size_t times) { runBatch(times, sleepMany); }

Awaitable<void> returnAtOnce(long& sum) {
  ++sum;
  co_return;
}

void spawn(std::size_t times) {
  long sum = 0;
  for (std::size_t i = 0; i < times; ++i) {
    asio::co_spawn(loop().get_executor(), returnAtOnce(sum), asio::detached);
    if (i % batch == batch - 1) runAll();
  }
  runAll();
  expect(sum == static_cast<long>(times), "a start is missing");
}

// A timer that is started, cancelled by what it was to limit, and says so.
Awaitable<void> limitMany(std::size_t times, long& sum) {
  Timer timer(loop());
  for (std::size_t i = 0; i < times; ++i) {
    timer.expires_after(std::chrono::seconds(30));
    timer.async_wait([&sum](boost::system::error_code) { ++sum; });
    co_await asio::post(loop().get_executor(), useAwaitable);
    timer.cancel();
  }
}

void timeout(std::size_t times) { runBatch(times, limitMany); }

}  // namespace

std::vector<Way> asioWays() {
  return {{"call", "asio", call},
          {"pending", "asio", pending},
          {"sleep", "asio", sleep},
          {"spawn", "asio", spawn},
          {"timeout", "asio", timeout}};
}

}  // namespace kairos::bench
