// SPDX-License-Identifier: MIT OR Apache-2.0
//
// A whole day of a server's timeouts, tested in a moment:
// `day_of_timeouts [--clients N] [--careless] [SEED]`.
//
// It shows a test on a simulated machine: the code under test gets an ordinary reactor, its clients
// are the outside world, a seed decides what happens, and no real time passes. It also shows
// timeouts that cost nothing per message: the timer learns when it runs that it came too soon. With
// --careless the server has a mistake that a real machine shows once in months.

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "kairos/reactor/examples/arguments.h"
#include "kairos/reactor/reactor.h"
#include "kairos/reactor/simulation.h"

namespace {

using namespace std::chrono_literals;
using kairos::AsyncCallback;
using kairos::Clock;
using kairos::Fd;
using kairos::PollResult;
using kairos::Reactor;
using kairos::Simulation;
using kairos::TimerId;

constexpr Clock::duration idleLimit = 60s;
constexpr Clock::duration day = 24h;

// ---- The code under test. It reads and closes through `machine`, where a server would call the
// operating system.

// A connection that calls `over` when its client has been silent for idleLimit.
class Connection {
 public:
  Connection(Reactor& reactor, Simulation& machine, Fd fd, bool isCareless, AsyncCallback over)
      : reactor_(reactor),
        machine_(machine),
        fd_(fd),
        isCareless_(isCareless),
        over_(over),
        heard_(machine.now()) {}
  ~Connection() {
    reactor_.removeTimer(timer_);
    reactor_.removeReader(fd_);
    machine_.close(fd_);
  }

  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // False: the reactor refused.
  bool start() { return !reactor_.addReader(fd_, onReadable, this) && arm(); }

 private:
  static void onReadable(void* udata) { static_cast<Connection*>(udata)->read(); }
  static void onDue(void* udata) { static_cast<Connection*>(udata)->check(); }

  bool arm() {
    timer_ = reactor_.addTimer(heard_ + idleLimit, onDue, this);
    return timer_ != TimerId::none;
  }

  void read() {
    char bytes[64];
    if (machine_.receive(fd_, bytes).bytes > 0) heard_ = machine_.now();
  }

  // Most often the client was heard of since the timer was added. A poll that a signal interrupted
  // runs timers without having looked at descriptors: hence the last look. `over` may end this
  // object.
  void check() {
    if (!isCareless_) read();
    if (machine_.now() - heard_ >= idleLimit || !arm()) over_.function(over_.udata);
  }

  Reactor& reactor_;
  Simulation& machine_;
  const Fd fd_;
  const bool isCareless_;
  const AsyncCallback over_;
  TimerId timer_ = TimerId::none;
  Clock::time_point heard_;
};

// ---- The test.

struct Tally {
  std::size_t messages = 0;
  std::size_t timeouts = 0;
  std::size_t wrong = 0;
  Clock::duration latest{};
};

// Sends now and then, sometimes too late, and connects again when it was dropped.
class Client {
 public:
  Client(Reactor& reactor, Simulation& machine, bool isCareless, Tally& tally)
      : reactor_(reactor), machine_(machine), isCareless_(isCareless), tally_(tally) {}

  // To be called once.
  void start() {
    connect();
    sleep();
  }

 private:
  static void onWake(void* udata) { static_cast<Client*>(udata)->send(); }
  static void onDropped(void* udata) { static_cast<Client*>(udata)->judge(); }

  void connect() {
    const Simulation::Pair ends = machine_.openPair();
    far_ = ends.far;
    sent_ = machine_.now();
    const AsyncCallback dropped{onDropped, this};
    connection_ = std::make_unique<Connection>(reactor_, machine_, ends.near, isCareless_, dropped);
    if (!connection_->start()) ++tally_.wrong;
  }

  void sleep() { machine_.at(machine_.now() + anySilence(), onWake, this); }

  // Some are too long, and some a matter of microseconds.
  Clock::duration anySilence() {
    const bool isClose = machine_.choose(8) == 7;
    return isClose ? idleLimit - machine_.choose(1000) * 1us : (1 + machine_.choose(64'000)) * 1ms;
  }

  void send() {
    if (machine_.send(far_, "x").bytes != 1) ++tally_.wrong;
    ++tally_.messages;
    sent_ = machine_.now();
    sleep();
  }

  // Was it right to drop this client?
  void judge() {
    const Clock::duration silent = machine_.now() - sent_;
    ++tally_.timeouts;
    if (silent < idleLimit) ++tally_.wrong;
    tally_.latest = std::max(tally_.latest, silent - idleLimit);
    machine_.close(far_);
    connect();
  }

  Reactor& reactor_;
  Simulation& machine_;
  const bool isCareless_;
  Tally& tally_;
  Fd far_ = -1;
  Clock::time_point sent_;
  std::unique_ptr<Connection> connection_;
};

void stop(void* udata) { *static_cast<bool*>(udata) = true; }

void print(std::uint64_t seed, Clock::duration simulated, Clock::duration real,
           const Tally& tally) {
  using Seconds = std::chrono::duration<double>;
  std::printf("seed %llu: %.0f s in %.2f s; %zu messages, %zu timeouts, the latest %.1f ms late, ",
              static_cast<unsigned long long>(seed), Seconds(simulated).count(),
              Seconds(real).count(), tally.messages, tally.timeouts,
              Seconds(tally.latest).count() * 1000);
  std::printf("%zu wrong\n", tally.wrong);
}

// True if all was right.
bool run(std::uint64_t seed, std::size_t clientCount, bool isCareless) {
  const auto began = Clock::now();
  Simulation machine(seed);
  Reactor reactor = machine.makeReactor();
  Tally tally;
  std::vector<std::unique_ptr<Client>> clients;
  for (std::size_t i = 0; i < clientCount; ++i) {
    clients.push_back(std::make_unique<Client>(reactor, machine, isCareless, tally));
    clients.back()->start();
  }
  bool isOver = false;
  reactor.addTimer(day, stop, &isOver);
  while (!isOver) {
    const PollResult result = reactor.poll(Reactor::forever);
    if (!result.error) continue;
    std::fprintf(stderr, "poll: %s\n", result.error.message().c_str());
    return false;
  }
  print(seed, machine.elapsed(), Clock::now() - began, tally);
  return tally.wrong == 0;
}

int usage() {
  std::fprintf(stderr, "usage: day_of_timeouts [--clients N] [--careless] [SEED]\n");
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  using kairos::examples::parseNumber;
  std::vector<std::string> words(argv + 1, argv + argc);
  const std::string count = kairos::examples::takeOption(words, "--clients").value_or("100");
  const bool isCareless = std::erase(words, "--careless") > 0;
  const auto clients = parseNumber<std::size_t>(count, 1);
  const auto seed = parseNumber<std::uint64_t>(words.empty() ? "1" : words[0], 0);
  if (words.size() > 1 || !clients || !seed) return usage();
  return run(*seed, *clients, isCareless) ? 0 : 1;
}
