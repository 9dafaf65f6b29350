// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TESTS_TRANSPORTS_REAL_TIME_FIXTURE_H_
#define KAIROS_TESTS_TRANSPORTS_REAL_TIME_FIXTURE_H_

#include <gtest/gtest.h>

#include <chrono>
#include <memory>

#include "kairos/tests/transports/fixture.h"

namespace kairos {

// For what threads, signals and processes do, which takes its time.
class RealTimeTransportTest : public RealTimeTest {
 protected:
  // Only a hang takes that long.
  static constexpr std::chrono::seconds patience{30};

  static void ok(std::error_code error) { EXPECT_EQ(error, std::error_code()); }

  template <class Reached>
  void pollUntil(Reached reached) {
    while (!reached() && elapsed() < patience) poll(patience - elapsed());
    EXPECT_TRUE(reached()) << "in vain";
  }
  void pollUntilDone(const detail::Operation& operation) {
    pollUntil([&operation] { return !operation.isPending(); });
  }
  // Until nothing is left to do now.
  void settle() {
    while (poll() > 0) {
    }
  }
  void endContext() { owned_.reset(); }
  Clock::duration elapsed() const { return Clock::now() - start_; }

 private:
  const Clock::time_point start_ = Clock::now();
  std::unique_ptr<TransportContext> owned_ = std::make_unique<TransportContext>(reactor_);

 protected:
  TransportContext& context_ = *owned_;
};

// A loop with a thread of its own does the same.
struct OwnLoop {
  Reactor reactor;
  TransportContext context{reactor};

  void pollUntilDone(const detail::Operation& operation) {
    while (operation.isPending()) ASSERT_FALSE(reactor.poll(Reactor::forever).error);
  }
};

}  // namespace kairos

#endif  // KAIROS_TESTS_TRANSPORTS_REAL_TIME_FIXTURE_H_
