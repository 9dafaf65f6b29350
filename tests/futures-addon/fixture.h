// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TESTS_FUTURES_ADDON_FIXTURE_H_
#define KAIROS_TESTS_FUTURES_ADDON_FIXTURE_H_

#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <string>

#include "kairos/futures-addon/future.h"
#include "kairos/futures-addon/future_context.h"
#include "kairos/futures-addon/promise.h"
#include "kairos/futures-addon/run.h"
#include "kairos/futures-addon/sleep.h"
#include "kairos/tests/conformance/fixture.h"

namespace kairos {

using std::chrono::milliseconds;
using std::chrono::seconds;

// A callback that writes a letter into a text of the test.
struct Letter {
  static void write(void* udata) {
    auto& letter = *static_cast<Letter*>(udata);
    letter.text += letter.sign;
  }

  std::string& text;
  char sign;
};

// Futures on virtual time: a wait that nothing ends fails the test, and so does what is left at its
// end of futures, frames and timers.
class FutureTest : public VirtualTimeTest {
 protected:
  ~FutureTest() override {
    EXPECT_FALSE(context_.hasPendingOperations());
    EXPECT_EQ(context_.liveBlocks(), 0U);
    EXPECT_EQ(reactor_.poll(Reactor::forever).error, std::errc::resource_deadlock_would_occur);
  }

  // One poll that does not wait, of which this layer makes at most one tick here.
  void tick() { poll(); }

  // Until nothing is ready.
  void settle() {
    while (poll() > 0) {
    }
  }

  // Until `future` is finished.
  void settleUntil(const FutureBase& future) {
    while (!future.finished() && !HasFailure()) poll(Reactor::forever);
  }

  FutureContext context_{reactor_};
};

}  // namespace kairos

#endif  // KAIROS_TESTS_FUTURES_ADDON_FIXTURE_H_
