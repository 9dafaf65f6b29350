// SPDX-License-Identifier: MIT OR Apache-2.0
// Two slots per descriptor, and level-triggered callbacks in them. On virtual time.
#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "kairos/tests/conformance/fixture.h"

namespace kairos {
namespace {

using namespace std::chrono_literals;
using DescriptorTest = VirtualTimeTest;

INSTANTIATE_TEST_SUITE_P(Backends, DescriptorTest, backends(), backendName);

// R45
TEST_P(DescriptorTest, KeepsTheFirstReaderWhenASecondIsAdded) {
  const Pair ends = pair();
  writeByte(ends.far.get());
  Probe first;
  Probe second;
  addReader(ends.near.get(), first);
  EXPECT_EQ(reactor_.addReader(ends.near.get(), Probe::run, &second), std::errc::file_exists);
  EXPECT_EQ(poll(0ms), 1u);
  EXPECT_EQ(first.runs(), 1u);
  EXPECT_TRUE(reactor_.removeReader(ends.near.get()));
  EXPECT_FALSE(reactor_.removeReader(ends.near.get())) << "the second was not kept";
}

// R45
TEST_P(DescriptorTest, KeepsTheFirstWriterWhenASecondIsAdded) {
  const Pair ends = pair();
  Probe first;
  Probe second;
  addWriter(ends.near.get(), first);
  EXPECT_EQ(reactor_.addWriter(ends.near.get(), Probe::run, &second), std::errc::file_exists);
  EXPECT_EQ(poll(0ms), 1u);
  EXPECT_EQ(first.runs(), 1u);
  EXPECT_TRUE(reactor_.removeWriter(ends.near.get()));
  EXPECT_FALSE(reactor_.removeWriter(ends.near.get()));
}

// R46
TEST_P(DescriptorTest, RunsBothDirectionsOncePerPollReaderFirst) {
  const Pair ends = pair();
  writeByte(ends.far.get());
  std::string order;
  Probe reader([&] { order += 'r'; });
  Probe writer([&] { order += 'w'; });
  addWriter(ends.near.get(), writer);
  addReader(ends.near.get(), reader);
  EXPECT_EQ(poll(0ms), 2u);
  EXPECT_EQ(poll(0ms), 2u);
  EXPECT_EQ(order, "rwrw");
}

// R46
TEST_P(DescriptorTest, KeepsOneDirectionWhenTheOtherIsRemoved) {
  const Pair ends = pair();
  writeByte(ends.far.get());
  Probe reader;
  Probe writer;
  addBoth(ends.near.get(), reader, writer);
  EXPECT_TRUE(reactor_.removeReader(ends.near.get()));
  EXPECT_EQ(poll(0ms), 1u);
  EXPECT_EQ(writer.runs(), 1u);
  addReader(ends.near.get(), reader);
  EXPECT_TRUE(reactor_.removeWriter(ends.near.get()));
  EXPECT_EQ(poll(0ms), 1u);
  EXPECT_EQ(reader.runs(), 1u);
}

// R47 R48
TEST_P(DescriptorTest, RunsOncePerPollWhileReadyAndStaysRegistered) {
  const Pair ends = pair();
  Probe reader;
  addReader(ends.near.get(), reader);
  writeByte(ends.far.get());
  for (int i = 0; i < 5; ++i) EXPECT_EQ(poll(1h), 1u);
  drain(ends.near.get());
  EXPECT_EQ(poll(0ms), 0u);
  writeByte(ends.far.get());
  EXPECT_EQ(poll(1h), 1u);
  EXPECT_EQ(reader.runs(), 6u);
}

// R47
TEST_P(DescriptorTest, RunsAgainWhileSomeBytesAreLeft) {
  const Pair ends = pair();
  for (int i = 0; i < 3; ++i) writeByte(ends.far.get());
  Probe reader([&] {
    char byte = 0;
    EXPECT_EQ(::read(ends.near.get(), &byte, 1), 1);
  });
  addReader(ends.near.get(), reader);
  while (poll(0ms) > 0) {
  }
  EXPECT_EQ(reader.runs(), 3u);
}

// R49
TEST_P(DescriptorTest, CannotRemoveWhatIsNotThere) {
  const Pair ends = pair();
  Probe probe;
  for (const Fd fd : {ends.near.get(), unusedFd(), -1, std::numeric_limits<Fd>::max(),
                      std::numeric_limits<Fd>::min()}) {
    EXPECT_FALSE(reactor_.removeReader(fd));
    EXPECT_FALSE(reactor_.removeWriter(fd));
  }
  addReader(ends.near.get(), probe);
  EXPECT_FALSE(reactor_.removeWriter(ends.near.get()));
  EXPECT_TRUE(reactor_.removeReader(ends.near.get()));
  EXPECT_FALSE(reactor_.removeReader(ends.near.get()));
}

// R50
TEST_P(DescriptorTest, IsSilentAfterItRemovedItselfAndWorksWhenReadded) {
  const Pair ends = pair();
  writeByte(ends.far.get());
  Probe reader([&] { EXPECT_TRUE(reactor_.removeReader(ends.near.get())); });
  addReader(ends.near.get(), reader);
  EXPECT_EQ(poll(0ms), 1u);
  EXPECT_EQ(poll(0ms), 0u);
  addReader(ends.near.get(), reader);
  EXPECT_EQ(poll(0ms), 1u);
}

}  // namespace
}  // namespace kairos
