// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/reactor/examples/watched_fd.h"

#include <gtest/gtest.h>

#include <memory>
#include <system_error>

#include "kairos/reactor/reactor.h"
#include "kairos/tests/support/descriptors.h"

namespace kairos {
namespace {

struct Runs {
  int reads = 0;
  int writes = 0;
  friend bool operator==(const Runs&, const Runs&) = default;
};

class WatchedFdTest : public testing::Test {
 protected:
  WatchedFdTest() { writeByte(sockets_.far.get()); }  // both directions are ready

  static void onReadable(void* udata) { ++static_cast<Runs*>(udata)->reads; }
  static void onWritable(void* udata) { ++static_cast<Runs*>(udata)->writes; }

  Runs poll() {
    runs_ = {};
    EXPECT_FALSE(reactor_.poll(Clock::duration::zero()).error);
    return runs_;
  }

  Pair sockets_ = pair();
  Reactor reactor_;
  Runs runs_;
  examples::WatchedFd watched_{reactor_, sockets_.near.get(), onReadable, onWritable, &runs_};
};

TEST_F(WatchedFdTest, WaitsForTheDirectionsOfTheLastCallAlone) {
  EXPECT_EQ(poll(), (Runs{0, 0}));
  for (const bool reads : {false, true, true, false}) {
    for (const bool writes : {true, true, false}) {
      EXPECT_FALSE(watched_.watch(reads, writes));
      EXPECT_EQ(poll(), (Runs{reads ? 1 : 0, writes ? 1 : 0}));
    }
  }
}

TEST_F(WatchedFdTest, ChangesOneDirectionAndLeavesTheOther) {
  EXPECT_FALSE(watched_.watchReads(true));
  EXPECT_FALSE(watched_.watchWrites(true));
  EXPECT_EQ(poll(), (Runs{1, 1}));
  EXPECT_FALSE(watched_.watchReads(false));
  EXPECT_EQ(poll(), (Runs{0, 1}));
  EXPECT_FALSE(watched_.watchWrites(false));
  EXPECT_EQ(poll(), (Runs{0, 0}));
}

TEST_F(WatchedFdTest, KeepsWhatItWaitsForWhenTheReactorRefuses) {
  EXPECT_FALSE(watched_.watchReads(true));
  Runs other;
  ASSERT_FALSE(reactor_.addWriter(sockets_.near.get(), onWritable, &other));
  EXPECT_EQ(watched_.watch(false, true), std::errc::file_exists);
  EXPECT_EQ(poll(), (Runs{1, 0}));
  EXPECT_EQ(other.writes, 1);
}

TEST_F(WatchedFdTest, RemovesOnlyItsOwnWhenDestroyed) {
  auto second = std::make_unique<examples::WatchedFd>(reactor_, sockets_.far.get(), onReadable,
                                                      onWritable, &runs_);
  EXPECT_FALSE(second->watchWrites(true));
  EXPECT_FALSE(watched_.watch(true, true));
  EXPECT_EQ(poll(), (Runs{1, 2}));
  second.reset();
  EXPECT_EQ(poll(), (Runs{1, 1}));
}

}  // namespace
}  // namespace kairos
