// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_BENCH_WORKLOADS_REGISTRATION_H_
#define KAIROS_BENCH_WORKLOADS_REGISTRATION_H_

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

// Question: what does it cost to change what a descriptor is watched for?
// A bad answer: a system call for a change that comes to nothing.
//
// Sockets on which nothing arrives and which can always be written to, 1,000 in each turn of the
// loop; the turn is part of the cost, because some contestants leave the work to it.
template <Contestant C>
class Registration {
 public:
  static constexpr std::size_t count = 1'000;

  explicit Registration(bool withReaders) : withReaders_(withReaders) {
    sockets_.openPairs(count);
    for (std::size_t i = 0; i < count; ++i) {
      members_.push_back({this, sockets_[2 * i]});
      if (withReaders) {
        addReader(members_[i]);
      }
    }
    loop_.poll();
  }

  ~Registration() {
    for (const Member& member : members_) {
      if (withReaders_) {
        loop_.removeReader(member.fd);
      }
    }
  }
  Registration(const Registration&) = delete;
  Registration& operator=(const Registration&) = delete;

  // A reader is added and at once removed, the only registration of its descriptor.
  void addAndRemoveReaders() {
    for (const Member& member : members_) {
      addReader(member);
      loop_.removeReader(member.fd);
    }
    loop_.poll();
  }

  // A writer is armed and disarmed beside a reader that stays.
  void armAndDisarmWriters() {
    for (const Member& member : members_) {
      loop_.template addWriter<neverCalled>(member.fd, nullptr);
      loop_.removeWriter(member.fd);
    }
    loop_.poll();
  }

  // Writers beside readers fire, remove themselves, and are armed again before the next poll, until
  // `cycles` have fired. Returns how many did.
  std::size_t fireWriters(std::size_t cycles) {
    std::size_t fired = 0;
    while (fired < cycles) {
      arming_.swap(toArm_);
      for (Member* member : arming_) {
        loop_.template addWriter<onWritable>(member->fd, member);
      }
      arming_.clear();
      loop_.poll();
      fired += toArm_.size();
    }
    return fired;
  }

  void beginFiring() {
    for (Member& member : members_) {
      toArm_.push_back(&member);
    }
    arming_.reserve(count);
  }

  void endFiring() {
    while (toArm_.size() < count) {
      loop_.poll();
    }
  }

 private:
  struct Member {
    Registration* all;
    int fd;
  };

  static void onWritable(void* udata) {
    auto* member = static_cast<Member*>(udata);
    member->all->loop_.removeWriter(member->fd);
    member->all->toArm_.push_back(member);
  }

  void addReader(const Member& member) {
    loop_.template addReader<neverCalled>(member.fd, nullptr);
  }

  const bool withReaders_;
  Descriptors sockets_;
  C loop_;
  std::vector<Member> members_;
  std::vector<Member*> toArm_;
  std::vector<Member*> arming_;
};

template <Contestant C>
void churn(benchmark::State& state, bool withReaders, void (Registration<C>::*change)()) {
  Registration<C> registration(withReaders);
  const std::size_t rounds = operationsPerSample(1'000) / Registration<C>::count;
  runSamples(state, [&](Samples& samples) {
    const std::int64_t started = realNow();
    for (std::size_t i = 0; i < rounds; ++i) {
      (registration.*change)();
    }
    samples.add(realNow() - started, rounds * Registration<C>::count);
  });
}

template <Contestant C>
void writerCycle(benchmark::State& state) {
  Registration<C> registration(true);
  registration.beginFiring();
  const std::size_t cycles = operationsPerSample(1'000);
  runSamples(state, [&](Samples& samples) {
    const std::int64_t started = realNow();
    const std::size_t fired = registration.fireWriters(cycles);
    samples.add(realNow() - started, fired);
  });
  registration.endFiring();
}

template <Contestant C>
void enrollRegistration(const std::string& contestant) {
  const std::string prefix = "BM_Registration/" + contestant + "/";
  enroll(prefix + "reader_add_remove", shortSamples, [](benchmark::State& state) {
    churn<C>(state, false, &Registration<C>::addAndRemoveReaders);
  });
  enroll(prefix + "writer_arm_disarm", shortSamples, [](benchmark::State& state) {
    churn<C>(state, true, &Registration<C>::armAndDisarmWriters);
  });
  enroll(prefix + "writer_cycle", shortSamples,
         [](benchmark::State& state) { writerCycle<C>(state); });
}

}  // namespace kairos::bench

#endif  // KAIROS_BENCH_WORKLOADS_REGISTRATION_H_
