// SPDX-License-Identifier: MIT OR Apache-2.0
// Senseless arguments and refused calls: an error that says so, and nothing changed. On virtual
// time. (Kinds of files: file_kind_test. Misuse that aborts: process_test.)
#include <fcntl.h>
#include <gtest/gtest.h>

#include <limits>
#include <set>
#include <string>

#include "kairos/tests/conformance/fixture.h"
#include "kairos/tests/support/random_seed.h"

namespace kairos {
namespace {

using namespace std::chrono_literals;

// A reactor with one of each registration, to show that a refused call leaves them alone.
class BadInputTest : public VirtualTimeTest {
 protected:
  BadInputTest() {
    writeByte(ends_.far.get());
    addReader(ends_.near.get(), reader_);
    addWriter(writable_.near.get(), writer_);
    poll(0ms);
    timerId_ = addTimer(1ms, timer_);
    time_.forget();
  }

  // The three registrations work as before, and nothing else was kept.
  void expectUnchanged() {
    const std::size_t readerRuns = reader_.runs();
    const std::size_t writerRuns = writer_.runs();
    EXPECT_EQ(poll(0ms), 2u);
    EXPECT_EQ(reader_.runs(), readerRuns + 1);
    EXPECT_EQ(writer_.runs(), writerRuns + 1);
    EXPECT_TRUE(reactor_.removeReader(ends_.near.get()));
    EXPECT_TRUE(reactor_.removeWriter(writable_.near.get()));
    EXPECT_EQ(poll(1ms), 1u);
    EXPECT_EQ(timer_.runs(), 1u);
    EXPECT_EQ(unwanted_.runs(), 0u);
    EXPECT_EQ(reactor_.poll(Reactor::forever).error, std::errc::resource_deadlock_would_occur);
  }

  const Pair ends_ = pair();
  const Pair writable_ = pair();
  Probe reader_;
  Probe writer_;
  Probe timer_;
  TimerId timerId_{};
  Probe unwanted_;
};

INSTANTIATE_TEST_SUITE_P(Backends, BadInputTest, backends(), backendName);

// R65
TEST_P(BadInputTest, RefusesNumbersThatAreNoDescriptor) {
  for (const Fd fd : {-1, -2, std::numeric_limits<Fd>::min(), std::numeric_limits<Fd>::max(),
                      1'000'000'000, unusedFd()}) {
    SCOPED_TRACE(fd);
    EXPECT_EQ(reactor_.addReader(fd, Probe::run, &unwanted_), std::errc::bad_file_descriptor);
    EXPECT_EQ(reactor_.addWriter(fd, Probe::run, &unwanted_), std::errc::bad_file_descriptor);
    EXPECT_FALSE(reactor_.removeReader(fd));
    EXPECT_FALSE(reactor_.removeWriter(fd));
  }
  expectUnchanged();
}

TEST_P(BadInputTest, RefusesANullCallback) {
  const UniqueFd ready = counter(1);
  for (const Fd fd : {ready.get(), ends_.near.get(), writable_.near.get(), -1}) {
    EXPECT_EQ(reactor_.addReader(fd, nullptr, &unwanted_), std::errc::invalid_argument);
    EXPECT_EQ(reactor_.addWriter(fd, nullptr, &unwanted_), std::errc::invalid_argument);
  }
  EXPECT_EQ(reactor_.addTimer(0ms, nullptr, &unwanted_), TimerId::none);
  EXPECT_EQ(reactor_.addTimer(time_.now(), nullptr, &unwanted_), TimerId::none);
  expectUnchanged();
}

TEST_P(BadInputTest, TakesANullUserData) {
  const UniqueFd ready = counter(1);
  static int runs = 0;
  runs = 0;
  const CallbackFunc callback = [](void* udata) { runs += udata == nullptr ? 1 : 0; };
  EXPECT_FALSE(reactor_.addReader(ready.get(), callback, nullptr));
  EXPECT_NE(reactor_.addTimer(0ms, callback, nullptr), TimerId::none);
  EXPECT_EQ(poll(0ms), 4u);
  EXPECT_EQ(runs, 2);
  EXPECT_TRUE(reactor_.removeReader(ready.get()));
  expectUnchanged();
}

// R45
TEST_P(BadInputTest, RefusesASecondCallbackForATakenSlot) {
  EXPECT_EQ(reactor_.addReader(ends_.near.get(), Probe::run, &unwanted_), std::errc::file_exists);
  EXPECT_EQ(reactor_.addWriter(writable_.near.get(), Probe::run, &unwanted_),
            std::errc::file_exists);
  EXPECT_EQ(reactor_.addReader(ends_.near.get(), Probe::run, &reader_), std::errc::file_exists)
      << "not even the same one";
  EXPECT_TRUE(time_.watches().empty()) << "the OS was not asked";
  expectUnchanged();
}

// R49
TEST_P(BadInputTest, DoesNothingWhenTheUnknownIsRemoved) {
  EXPECT_FALSE(reactor_.removeWriter(ends_.near.get()));
  EXPECT_FALSE(reactor_.removeReader(writable_.near.get()));
  EXPECT_FALSE(reactor_.removeReader(ends_.far.get()));
  EXPECT_TRUE(time_.watches().empty());
  expectUnchanged();
}

TEST_P(BadInputTest, RemovesNothingForAStaleOrInventedTimer) {
  Probe probe;
  const TimerId removed = addTimer(1h, probe);
  EXPECT_TRUE(reactor_.removeTimer(removed));
  const TimerId ran = addTimer(0ms, probe);
  EXPECT_EQ(poll(0ms), 3u);
  Random random;
  const auto live = static_cast<std::uint64_t>(timerId_);
  for (const TimerId id : {TimerId::none, removed, ran, TimerId{1}, TimerId{~0ull},
                           TimerId{live ^ 1}, TimerId{live ^ (1ull << 63)}, TimerId{~live}}) {
    EXPECT_FALSE(reactor_.removeTimer(id)) << static_cast<std::uint64_t>(id);
  }
  for (int i = 0; i < 10'000; ++i) {
    const TimerId invented{random.engine()()};
    if (invented == timerId_) continue;
    EXPECT_FALSE(reactor_.removeTimer(invented));
  }
  expectUnchanged();
}

TEST_P(BadInputTest, ExplainsItsErrorsInSentences) {
  const std::error_code codes[] = {
      reactor_.addReader(-1, Probe::run, &unwanted_),
      reactor_.addReader(ends_.near.get(), nullptr, nullptr),
      reactor_.addReader(ends_.near.get(), Probe::run, &unwanted_),
      reactor_.addReader(UniqueFd(::open("/", O_RDONLY | O_CLOEXEC)).get(), Probe::run, &unwanted_),
  };
  std::set<std::string> messages;
  for (const std::error_code& code : codes) {
    EXPECT_STREQ(code.category().name(), "kairos");
    const std::string message = code.message();
    EXPECT_GT(message.size(), 15u) << message;
    EXPECT_EQ(message.back(), '.') << message;
    messages.insert(message);
  }
  EXPECT_EQ(messages.size(), std::size(codes)) << "each its own";
  expectUnchanged();
}

TEST_P(BadInputTest, RefusesAPollInsideACallbackAndChangesNothing) {
  Probe nested([&] {
    const PollResult result = reactor_.poll(Reactor::forever);
    EXPECT_EQ(result.error, std::errc::operation_in_progress);
    EXPECT_EQ(result.callbacks, 0u);
  });
  addTimer(0ms, nested);
  EXPECT_EQ(poll(0ms), 3u);
  expectUnchanged();
}

TEST_P(BadInputTest, RefusesInsideACallbackWhatItRefusesOutside) {
  Probe caller([&] {
    EXPECT_EQ(reactor_.addReader(-1, Probe::run, &unwanted_), std::errc::bad_file_descriptor);
    EXPECT_EQ(reactor_.addReader(ends_.near.get(), Probe::run, &unwanted_), std::errc::file_exists);
    EXPECT_EQ(reactor_.addWriter(ends_.far.get(), nullptr, nullptr), std::errc::invalid_argument);
    EXPECT_FALSE(reactor_.removeWriter(ends_.far.get()));
    EXPECT_FALSE(reactor_.removeTimer(TimerId::none));
  });
  addTimer(0ms, caller);
  EXPECT_EQ(poll(0ms), 3u);
  expectUnchanged();
}

TEST_P(BadInputTest, SurvivesTheRemovalOfAClosedDescriptor) {
  Pair closed = pair();
  const Fd number = closed.near.get();
  addBoth(number, unwanted_, unwanted_);
  closed.near.reset();
  EXPECT_TRUE(reactor_.removeReader(number));
  EXPECT_TRUE(reactor_.removeWriter(number));
  EXPECT_FALSE(reactor_.removeReader(number));
  EXPECT_EQ(reactor_.addReader(number, Probe::run, &unwanted_), std::errc::bad_file_descriptor);
  expectUnchanged();
}

}  // namespace
}  // namespace kairos
