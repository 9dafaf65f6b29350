// SPDX-License-Identifier: MIT OR Apache-2.0
// Descriptors that are closed before they are removed, numbers that are used again, and files that
// live on in duplicates. On virtual time.
#include <gtest/gtest.h>

#include "kairos/tests/conformance/fixture.h"

namespace kairos {
namespace {

using namespace std::chrono_literals;

class ClosedDescriptorTest : public VirtualTimeTest {
 protected:
  // An OS that reports a registration nobody can remove costs a few polls, not a core.
  static constexpr std::size_t fewPolls = 16;
  static constexpr std::size_t never = fewPolls + 1;

  // Polls until one poll sleeps for its whole timeout, and tells how many it took: never, if a
  // callback runs.
  std::size_t pollsUntilAsleep() {
    for (std::size_t polls = 1; polls <= fewPolls; ++polls) {
      const auto before = time_.elapsed();
      if (poll(50ms) > 0) return never;
      if (time_.elapsed() - before == 50ms) return polls;
    }
    return never;
  }
};

INSTANTIATE_TEST_SUITE_P(Backends, ClosedDescriptorTest, backends(), backendName);

TEST_P(ClosedDescriptorTest, IsSilentWhenRemovedInTimeAlthoughADuplicateIsReady) {
  const Pair ends = pair();
  UniqueFd copy = duplicate(ends.near.get());
  Probe reader;
  addReader(copy.get(), reader);
  EXPECT_TRUE(reactor_.removeReader(copy.get()));
  copy.reset();
  writeByte(ends.far.get());
  EXPECT_EQ(poll(50ms), 0u);
  EXPECT_EQ(time_.elapsed(), 50ms) << "not even one early return";
}

TEST_P(ClosedDescriptorTest, IsSilentWhenClosedWithoutDuplicates) {
  Pair ends = pair();
  writeByte(ends.far.get());
  const Fd number = ends.near.get();
  Probe probe;
  addBoth(number, probe, probe);
  EXPECT_EQ(poll(0ms), 2u);
  ends.near.reset();
  EXPECT_LE(pollsUntilAsleep(), fewPolls);
  EXPECT_TRUE(reactor_.removeReader(number));
  EXPECT_TRUE(reactor_.removeWriter(number));
}

// IR5
TEST_P(ClosedDescriptorTest, RunsNoCallbackTwiceWhereItsNumberStandsForTwoFiles) {
  const Pair first = pair();
  const Pair second = pair();
  Probe reader;
  Probe writer;
  UniqueFd copy = duplicate(first.near.get());
  const Fd number = copy.get();
  addReader(number, reader);
  copy.reset();  // before the removal, which the OS therefore does not hear of
  EXPECT_TRUE(reactor_.removeReader(number));
  const UniqueFd again(dup2(second.near.get(), number));
  ASSERT_EQ(again.get(), number);
  addWriter(number, writer);
  ASSERT_EQ(dup2(first.near.get(), number), number);
  addReader(number, reader);
  poll(0ms);
  EXPECT_LE(writer.runs(), 1u);
}

// R55
TEST_P(ClosedDescriptorTest, RunsUntilRemovedWhileADuplicateIsReady) {
  Pair ends = pair();
  const UniqueFd copy = duplicate(ends.near.get());
  const Fd number = ends.near.get();
  writeByte(ends.far.get());
  Probe reader;
  addReader(number, reader);
  ends.near.reset();
  if (GetParam().keepsClosedDuplicates) {
    for (int i = 0; i < 5; ++i) EXPECT_EQ(poll(50ms), 1u);
  } else {
    EXPECT_LE(pollsUntilAsleep(), fewPolls);
  }
  EXPECT_TRUE(reactor_.removeReader(number));
  EXPECT_LE(pollsUntilAsleep(), fewPolls);
}

// R55
TEST_P(ClosedDescriptorTest, LeavesTheOthersAloneWhenTheOsIsMadeToForgetIt) {
  Pair ends = pair();
  const UniqueFd copy = duplicate(ends.near.get());
  const Fd number = ends.near.get();
  writeByte(ends.far.get());
  const Pair other = pair();
  Probe probe;
  Probe reader([&] { drain(other.near.get()); });
  Probe writer;
  addReader(number, probe);
  addBoth(other.near.get(), reader, writer);
  poll(0ms);
  ends.near.reset();
  EXPECT_TRUE(reactor_.removeReader(number));
  EXPECT_TRUE(reactor_.removeWriter(other.near.get()));
  EXPECT_LE(pollsUntilAsleep(), fewPolls);
  writeByte(other.far.get());
  addWriter(other.near.get(), writer);
  EXPECT_EQ(poll(50ms), 2u);
  EXPECT_EQ(reader.runs(), 1u);
  EXPECT_TRUE(reactor_.removeReader(other.near.get()));
  EXPECT_TRUE(reactor_.removeWriter(other.near.get()));
  EXPECT_EQ(pollsUntilAsleep(), 1u);
}

// R55
TEST_P(ClosedDescriptorTest, IsForgottenLaterWhenTheOsHasNoDescriptorLeft) {
  Pair ends = pair();
  const UniqueFd copy = duplicate(ends.near.get());
  const Fd number = ends.near.get();
  writeByte(ends.far.get());
  Probe probe;
  addReader(number, probe);
  ends.near.reset();
  EXPECT_TRUE(reactor_.removeReader(number));
  time_.failOpenAnother(3);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(poll(50ms), 0u);
  EXPECT_LE(pollsUntilAsleep(), fewPolls);
  EXPECT_EQ(probe.runs(), 0u);
}

TEST_P(ClosedDescriptorTest, CanBeAddedAgainAfterItWasClosedFirst) {
  Pair ends = pair();
  const Fd number = ends.near.get();
  Probe old;
  addReader(number, old);
  ends.near.reset();
  EXPECT_TRUE(reactor_.removeReader(number));
  const UniqueFd fresh = counter(1);
  ASSERT_EQ(fresh.get(), number);
  Probe young;
  addReader(number, young);
  EXPECT_EQ(poll(0ms), 1u);
  EXPECT_EQ(young.runs(), 1u);
}

// The OS still has the first registration, under the same number and the same file.
TEST_P(ClosedDescriptorTest, CanBeAddedAgainForTheSameFileUnderTheSameNumber) {
  Pair ends = pair();
  const UniqueFd copy = duplicate(ends.near.get());
  const Fd number = ends.near.get();
  writeByte(ends.far.get());
  Probe old;
  addReader(number, old);
  ends.near.reset();
  EXPECT_TRUE(reactor_.removeReader(number));
  duplicateTo(copy.get(), number);
  const UniqueFd again(number);
  Probe young;
  addReader(number, young);
  EXPECT_EQ(poll(0ms), 1u);
  EXPECT_EQ(young.runs(), 1u);
  EXPECT_TRUE(reactor_.removeReader(number));
  EXPECT_EQ(pollsUntilAsleep(), 1u);
}

TEST_P(ClosedDescriptorTest, GivesNothingToANewFileWhileItsOldOneIsReadyElsewhere) {
  Pair ends = pair();
  const UniqueFd copy = duplicate(ends.near.get());
  const Fd number = ends.near.get();
  writeByte(ends.far.get());
  Probe old;
  addReader(number, old);
  ends.near.reset();
  EXPECT_TRUE(reactor_.removeReader(number));
  const UniqueFd silent = counter(0);
  ASSERT_EQ(silent.get(), number);
  Probe young;
  addReader(number, young);
  EXPECT_LE(pollsUntilAsleep(), fewPolls);
  EXPECT_EQ(young.runs(), 0u);
  bump(number);
  EXPECT_EQ(poll(50ms), 1u);
  EXPECT_EQ(young.runs(), 1u);
}

// The others move to another kernel object because of an orphan.
TEST_P(ClosedDescriptorTest, DoesNotTakeANewFileAlongWhenTheOthersMove) {
  if (!GetParam().keepsClosedDuplicates)
    GTEST_SKIP() << "this backend keeps no closed file, so that nothing has to move";
  Pair orphan = pair();
  const UniqueFd copy = duplicate(orphan.near.get());
  const Fd number = orphan.near.get();
  Pair ends = pair();
  const Fd reused = ends.near.get();
  Probe probe;
  Probe old;
  addReader(number, probe);
  addReader(reused, old);
  orphan.near.reset();
  EXPECT_TRUE(reactor_.removeReader(number));
  const UniqueFd filler = counter(0);  // takes the lower number
  ends.near.reset();
  const UniqueFd stranger = counter(1);
  ASSERT_EQ(stranger.get(), reused);
  writeByte(orphan.far.get());
  EXPECT_EQ(poll(50ms), 0u) << "the orphan is noticed";
  EXPECT_EQ(poll(50ms), 1u) << "as if in error";
  EXPECT_EQ(time_.reopenings(), 1u);
  EXPECT_EQ(poll(50ms), 0u) << "although the new file is ready";
  EXPECT_EQ(old.runs(), 1u);
}

// The second direction reaches the OS in the next poll: what if there is no such file any more?
class ChangeOfDirectionTest : public ClosedDescriptorTest {
 protected:
  ChangeOfDirectionTest() { addReader(number_, reader_); }

  Pair ends_ = pair();
  const Fd number_ = ends_.near.get();
  Probe reader_;
  Probe writer_;
};

INSTANTIATE_TEST_SUITE_P(Backends, ChangeOfDirectionTest, backends(), backendName);

TEST_P(ChangeOfDirectionTest, RunsBothOnceAndThenSleepsWhenTheFileWasClosed) {
  const UniqueFd copy = duplicate(number_);
  addWriter(number_, writer_);
  ends_.near.reset();
  EXPECT_EQ(poll(50ms), 2u) << "without waiting";
  EXPECT_EQ(time_.elapsed(), 0ms);
  EXPECT_EQ(reader_.runs(), 1u);
  EXPECT_EQ(writer_.runs(), 1u);
  writeByte(ends_.far.get());  // the copy is readable and writable
  EXPECT_LE(pollsUntilAsleep(), fewPolls);
}

TEST_P(ChangeOfDirectionTest, RefusesToAddToASleepingDescriptorUntilBothAreRemoved) {
  addWriter(number_, writer_);
  ends_.near.reset();
  EXPECT_EQ(poll(50ms), 2u);
  const UniqueFd fresh = counter(1);
  ASSERT_EQ(fresh.get(), number_);
  Probe young;
  EXPECT_EQ(reactor_.addReader(number_, Probe::run, &young), std::errc::file_exists);
  EXPECT_TRUE(reactor_.removeReader(number_));
  EXPECT_EQ(reactor_.addReader(number_, Probe::run, &young), std::errc::bad_file_descriptor);
  EXPECT_EQ(poll(50ms), 0u);
  EXPECT_TRUE(reactor_.removeWriter(number_));
  addReader(number_, young);
  EXPECT_EQ(poll(50ms), 1u);
  EXPECT_EQ(young.runs(), 1u);
  EXPECT_EQ(reader_.runs() + writer_.runs(), 2u);
}

TEST_P(ChangeOfDirectionTest, AttachesNothingToANewFileWithTheSameNumber) {
  addWriter(number_, writer_);
  ends_.near.reset();
  const Pair fresh = pair();
  ASSERT_TRUE(fresh.near.get() == number_ || fresh.far.get() == number_);
  writeByte(fresh.near.get());
  writeByte(fresh.far.get());
  EXPECT_EQ(poll(50ms), 2u) << "as if in error";
  EXPECT_EQ(pollsUntilAsleep(), 1u) << "although the new file is ready";
}

TEST_P(ChangeOfDirectionTest, AttachesNothingToANewFileOfAnotherKind) {
  addWriter(number_, writer_);
  ends_.near.reset();
  const Pair fresh = pipePair();
  ASSERT_EQ(fresh.near.get(), number_);
  writeByte(fresh.far.get());
  EXPECT_EQ(poll(50ms), 2u) << "as if in error";
  EXPECT_EQ(pollsUntilAsleep(), 1u);
}

// The number names the file again that it named when it was added.
TEST_P(ChangeOfDirectionTest, WorksOnAgainOnlyWhereTheOsHasNotNoticedTheClosing) {
  const UniqueFd copy = duplicate(number_);
  ends_.near.reset();
  EXPECT_EQ(poll(0ms), 0u);
  duplicateTo(copy.get(), number_);
  const UniqueFd again(number_);
  addWriter(number_, writer_);
  const bool works = GetParam().keepsClosedDuplicates;
  EXPECT_EQ(poll(50ms), works ? 1u : 2u) << "writable, or both as if in error";
  EXPECT_EQ(poll(50ms), works ? 1u : 0u);
}

TEST_P(ChangeOfDirectionTest, DoesNotRunWhatACallbackOfTheFailureRemoves) {
  addWriter(number_, writer_);
  ends_.near.reset();
  reader_.setAction([&] { EXPECT_TRUE(reactor_.removeWriter(number_)); });
  EXPECT_EQ(poll(50ms), 1u);
  EXPECT_EQ(writer_.runs(), 0u);
  EXPECT_EQ(poll(50ms), 0u);
}

TEST_P(ChangeOfDirectionTest, RunsTheRemainingDirectionOnceWhenTheFileWasClosed) {
  addWriter(number_, writer_);
  EXPECT_EQ(poll(0ms), 1u);
  EXPECT_TRUE(reactor_.removeWriter(number_));
  ends_.near.reset();
  EXPECT_EQ(poll(50ms), 1u);
  EXPECT_EQ(reader_.runs(), 1u);
  EXPECT_EQ(poll(50ms), 0u);
}

TEST_P(ChangeOfDirectionTest, IsToldOnceWhenTheOsRefusesTheChange) {
  addWriter(number_, writer_);
  time_.failWatch(std::errc::not_enough_memory);
  EXPECT_EQ(poll(50ms), 2u);
  EXPECT_EQ(time_.elapsed(), 0ms);
  EXPECT_EQ(poll(50ms), 0u);
  EXPECT_EQ(time_.elapsed(), 50ms);
  EXPECT_TRUE(reactor_.removeReader(number_));
  EXPECT_TRUE(reactor_.removeWriter(number_));
  addWriter(number_, writer_);
  addReader(number_, reader_);
  EXPECT_EQ(poll(50ms), 1u) << "works as ever: writable";
}

TEST_P(ChangeOfDirectionTest, SleepsOnWhenTheOthersMove) {
  addWriter(number_, writer_);
  ends_.near.reset();
  EXPECT_EQ(poll(50ms), 2u);
  const Pair fresh = pair();
  ASSERT_TRUE(fresh.near.get() == number_ || fresh.far.get() == number_);
  Pair orphan = pair();
  const UniqueFd copy = duplicate(orphan.near.get());
  const Fd number = orphan.near.get();
  Probe probe;
  addReader(number, probe);
  writeByte(orphan.far.get());
  orphan.near.reset();
  EXPECT_TRUE(reactor_.removeReader(number));
  EXPECT_LE(pollsUntilAsleep(), fewPolls) << "no callback runs";
  EXPECT_EQ(time_.reopenings(), GetParam().keepsClosedDuplicates ? 1u : 0u);
  EXPECT_TRUE(reactor_.removeReader(number_));
  EXPECT_TRUE(reactor_.removeWriter(number_));
}

TEST_P(ChangeOfDirectionTest, IsNotToldToWhatWasAddedAfterIt) {
  addWriter(number_, writer_);
  ends_.near.reset();
  time_.failWait(std::errc::not_enough_memory);
  EXPECT_EQ(reactor_.poll(50ms).error, std::errc::not_enough_memory) << "so nobody is told yet";
  EXPECT_TRUE(reactor_.removeReader(number_));
  EXPECT_TRUE(reactor_.removeWriter(number_));
  const UniqueFd silent = counter(0);
  ASSERT_EQ(silent.get(), number_);
  Probe young;
  addReader(number_, young);
  EXPECT_EQ(poll(50ms), 0u);
}

TEST_P(ChangeOfDirectionTest, DoesNotFailWhenItCameToNothing) {
  addWriter(number_, writer_);
  EXPECT_TRUE(reactor_.removeWriter(number_));
  ends_.near.reset();
  EXPECT_LE(pollsUntilAsleep(), fewPolls) << "no callback runs";
  EXPECT_TRUE(reactor_.removeReader(number_));
}

}  // namespace
}  // namespace kairos
