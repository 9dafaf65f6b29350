// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_BENCH_WORKLOADS_DISPATCH_H_
#define KAIROS_BENCH_WORKLOADS_DISPATCH_H_

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "kairos/bench/contestants/contestant.h"
#include "kairos/bench/support/check.h"
#include "kairos/bench/support/clock.h"
#include "kairos/bench/support/descriptors.h"
#include "kairos/bench/support/samples.h"

namespace kairos::bench {

// Of `registered` descriptors or pairs, `active` are readable at any time.
struct Activity {
  std::size_t registered;
  std::size_t active;
};

inline constexpr std::array<Activity, 8> activities = {{{100, 1},
                                                        {100, 100},
                                                        {1'000, 1},
                                                        {1'000, 100},
                                                        {1'000, 1'000},
                                                        {9'900, 1},
                                                        {9'900, 100},
                                                        {9'900, 1'000}}};

// A loop that runs until its callbacks have seen a number of events.
template <Contestant C>
struct CountedRun {
  C loop;
  std::size_t seen = 0;
  std::size_t wanted = 0;

  void count() {
    if (++seen == wanted) {
      loop.stop();
    }
  }

  void sample(Samples& samples, std::size_t events) {
    seen = 0;
    wanted = events;
    const std::int64_t started = realNow();
    loop.run();
    const std::int64_t finished = realNow();
    check(seen >= wanted, "the loop ran until the events had been seen");
    samples.add(finished - started, seen);
  }
};

// Question: what does an event cost with the work a program does for it?
// A bad answer: measurably more than the bare loop, where it is the kernel's work that counts.
//
// Tokens of one byte walk around a ring of socketpairs: one event is its share of a wait, the
// callback, one read and one write.
template <Contestant C>
class TokenRing {
 public:
  TokenRing(std::size_t pairs, std::size_t tokens) : tokens_(tokens) {
    sockets_.openPairs(pairs);
    members_.resize(pairs);
    for (std::size_t i = 0; i < pairs; ++i) {
      members_[i] = {this, sockets_[2 * i], sockets_[2 * ((i + 1) % pairs) + 1]};
      run_.loop.template addReader<onReadable>(members_[i].in, &members_[i]);
    }
    for (std::size_t i = 0; i < tokens; ++i) {
      check(write(sockets_[2 * (i * pairs / tokens) + 1], "t", 1) == 1, "a token starts");
    }
  }

  ~TokenRing() {
    for (const Member& member : members_) {
      run_.loop.removeReader(member.in);
    }
  }
  TokenRing(const TokenRing&) = delete;
  TokenRing& operator=(const TokenRing&) = delete;

  void sample(Samples& samples, std::size_t events) { run_.sample(samples, events); }

  // No token was lost or doubled on the way.
  void checkTokens() {
    std::size_t found = 0;
    char bytes[64];
    for (const Member& member : members_) {
      for (ssize_t got = 1; got > 0;) {
        got = read(member.in, bytes, sizeof(bytes));
        found += got > 0 ? static_cast<std::size_t>(got) : 0;
      }
    }
    check(found == tokens_, "every token is still in the ring");
  }

 private:
  struct Member {
    TokenRing* ring;
    int in;
    int out;
  };

  static void onReadable(void* udata) {
    const auto* member = static_cast<Member*>(udata);
    char token = 0;
    check(read(member->in, &token, 1) == 1, "a readable socket has a token");
    check(write(member->out, &token, 1) == 1, "the next socket takes the token");
    member->ring->run_.count();
  }

  const std::size_t tokens_;
  Descriptors sockets_;
  CountedRun<C> run_;
  std::vector<Member> members_;
};

// Question: what does the loop itself add to an event?
// A bad answer: more than the bare loop's table look-up and call.
//
// `active` of the eventfds are readable all the time and nobody reads them.
template <Contestant C>
class ReadyEvents {
 public:
  ReadyEvents(std::size_t registered, std::size_t active) {
    events_.openEvents(registered, 0);
    for (const int fd : events_) {
      run_.loop.template addReader<onReadable>(fd, this);
    }
    const std::uint64_t one = 1;
    for (std::size_t i = 0; i < active; ++i) {
      check(write(events_[i * registered / active], &one, sizeof(one)) == sizeof(one),
            "an eventfd becomes readable");
    }
  }

  ~ReadyEvents() {
    for (const int fd : events_) {
      run_.loop.removeReader(fd);
    }
  }
  ReadyEvents(const ReadyEvents&) = delete;
  ReadyEvents& operator=(const ReadyEvents&) = delete;

  void sample(Samples& samples, std::size_t events) { run_.sample(samples, events); }

 private:
  static void onReadable(void* self) { static_cast<ReadyEvents*>(self)->run_.count(); }

  Descriptors events_;
  CountedRun<C> run_;
};

template <Contestant C>
void dispatch(benchmark::State& state, std::size_t pairs, std::size_t tokens) {
  TokenRing<C> ring(pairs, tokens);
  const std::size_t events = operationsPerSample(std::max<std::size_t>(1'000, 2 * tokens));
  runSamples(state, [&](Samples& samples) { ring.sample(samples, events); });
  ring.checkTokens();
}

template <Contestant C>
void dispatchAlone(benchmark::State& state, std::size_t registered, std::size_t active) {
  ReadyEvents<C> ready(registered, active);
  const std::size_t events = operationsPerSample(active == 1 ? 4'000 : 10'000);
  runSamples(state, [&](Samples& samples) { ready.sample(samples, events); });
}

template <Contestant C>
void enrollDispatch(const std::string& contestant) {
  for (const Activity& activity : activities) {
    // Fewer than wanted where the limit of open descriptors is low; the name says how many.
    const std::size_t pairs = std::min(activity.registered, descriptorsAvailable() / 2);
    const std::size_t active = std::min(activity.active, pairs);
    const std::string parameters =
        contestant + "/" + std::to_string(pairs) + "/" + std::to_string(active);
    enroll("BM_Dispatch/" + parameters, shortSamples,
           [=](benchmark::State& state) { dispatch<C>(state, pairs, active); });
    enroll("BM_DispatchAlone/" + parameters, shortSamples,
           [=](benchmark::State& state) { dispatchAlone<C>(state, pairs, active); });
  }
}

}  // namespace kairos::bench

#endif  // KAIROS_BENCH_WORKLOADS_DISPATCH_H_
