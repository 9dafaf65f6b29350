// SPDX-License-Identifier: MIT OR Apache-2.0
// What a user may do with streams of every kind at any time, and what that costs: closes anywhere,
// bounded queues, reads without recursion, peers that are gone.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "kairos/tests/support/allocations.h"
#include "kairos/tests/transports/stream_kinds.h"

namespace kairos {
namespace {

using Drain = Told<DrainOperation>;

// ---- IT6

class StreamKindsMemoryTest : public StreamKindTest {
 protected:
  static constexpr std::ptrdiff_t memoryMax = 500'000;

  static void expectLittleMemory(const AllocationCount& count) {
    EXPECT_LE(count.bytes(), memoryMax);
  }
};

INSTANTIATE_TEST_SUITE_P(Kinds, StreamKindsMemoryTest, testing::ValuesIn(streamCases()),
                         streamCaseName);

// IT6: what is written is the user's memory, and no more than the cap of it.
TEST_P(StreamKindsMemoryTest, IsBoundedForAWriter) {
  connect(true);
  const std::string mebibyte = randomText(1 << 20);
  std::vector<Write> writes(80);
  const AllocationCount memory;
  std::size_t taken = 0;
  std::error_code refusal;
  while (taken < writes.size() && !(refusal = near_.write(writes[taken], mebibyte))) {
    ++taken;
    EXPECT_LE(near_.queuedBytes(), WriteMarks().cap);
  }
  EXPECT_EQ(refusal, TransportError::queueFull);
  EXPECT_GE(taken, WriteMarks().cap / mebibyte.size());
  for (int i = 0; i < 5; ++i) poll(std::chrono::milliseconds(1));
  expectLittleMemory(memory);
  near_.close();
  far_.close();
  settle();
}

// IT6: nobody reads.
TEST_P(StreamKindsMemoryTest, IsNotTakenForWhatIsUnread) {
  connect(true);
  const std::string text = randomText(4 << 20);
  Write write;
  const AllocationCount memory;
  ok(far_.write(write, text));
  for (int i = 0; i < 10; ++i) poll(std::chrono::milliseconds(1));
  expectLittleMemory(memory);
  EXPECT_EQ(near_.peek(), "");
}

// IT6, IT11: a flood without an end of a line.
TEST_P(StreamKindsMemoryTest, IsBoundedByTheLimitOfARead) {
  constexpr std::size_t limit = 20000;
  constexpr std::size_t chunk = 16384;
  connect();
  const std::string text(1 << 20, 'x');
  Write write;
  Read read;
  const AllocationCount memory;
  ok(far_.write(write, text));
  ok(near_.readLine(read, {.limit = limit}));
  pollUntilDone(read);
  for (int i = 0; i < 10; ++i) poll(std::chrono::milliseconds(1));
  EXPECT_EQ(read.error, TransportError::overLimit);
  EXPECT_LE(near_.peek().size(), limit + chunk);
  expectLittleMemory(memory);
}

class StreamKindsMarksTest : public StreamKindsMemoryTest {
 protected:
  static constexpr WriteMarks marks = {.high = 65536, .low = 16384, .cap = 1 << 20};
  static constexpr std::size_t total = 2 << 20;

  struct Chunk {
    Write write;
    std::array<char, 4000> bytes{};
  };

  // Writes until that is too much, and goes on when it is not.
  void produce() {
    while (written_ < total && !near_.isCongested()) {
      const auto free = std::find_if(chunks_.begin(), chunks_.end(),
                                     [](const Chunk& each) { return !each.write.isPending(); });
      ASSERT_NE(free, chunks_.end());
      ok(near_.write(free->write, {free->bytes.data(), free->bytes.size()}));
      written_ += free->bytes.size();
      EXPECT_LT(near_.queuedBytes(), marks.high + free->bytes.size());
    }
    if (written_ >= total) return;
    ++waits_;
    ok(near_.waitUntilDrained(drain_));
  }

  void drained() {
    EXPECT_EQ(drain_.error, std::error_code());
    EXPECT_LE(near_.queuedBytes(), marks.low);
    EXPECT_EQ(drain_.completions(), waits_);
    produce();
  }

  std::vector<Chunk> chunks_ = std::vector<Chunk>(300);
  Drain drain_{[this] { drained(); }};
  std::size_t written_ = 0;
  std::size_t waits_ = 0;
};

INSTANTIATE_TEST_SUITE_P(Kinds, StreamKindsMarksTest, testing::ValuesIn(streamCases()),
                         streamCaseName);

// IT6
TEST_P(StreamKindsMarksTest, BoundTheQueueAndTellOnceOfEachCrossing) {
  connect(true);
  ok(near_.setWriteMarks(marks));
  const AllocationCount memory;
  produce();
  // Nobody reads: what the OS holds is soon full.
  for (int i = 0; i < 10; ++i) poll(std::chrono::milliseconds(1));
  EXPECT_LT(written_, total);
  expectLittleMemory(memory);
  Read read;
  ok(far_.consume(read, total));
  pollUntilDone(read);
  settle();
  EXPECT_GE(waits_, 5u);
  EXPECT_EQ(drain_.completions(), waits_);
}

// ---- IT8

class StreamKindsCloseTest : public StreamKindTest {
 protected:
  enum class Place { read, write, end, other, twice, last };

  // Closes the near end, and lets another have its number.
  void closeAndReuse() {
    const Fd fd = near_.fd();
    near_.close();
    EXPECT_EQ(seam_.closes(fd), 1u);
    takeNumber(fd);
    near_.close();
    EXPECT_FALSE(near_.isOpen());
    reused_ = fd;
  }

  void takeNumber(Fd fd) {
    if (kind().isSimulated) {
      other_ = UniqueFd(simulation_.openCounter());
    } else {
      duplicateTo(STDERR_FILENO, fd);
      other_ = UniqueFd(fd);
    }
    EXPECT_EQ(other_.get(), fd);
  }

  Fd reused_ = -1;
  UniqueFd other_;
};

INSTANTIATE_TEST_SUITE_P(Kinds, StreamKindsCloseTest, testing::ValuesIn(streamCases()),
                         streamCaseName);

// IT8
TEST_P(StreamKindsCloseTest, MayBeDoneAnywhere) {
  for (int i = 0; i < static_cast<int>(Place::last); ++i) {
    SCOPED_TRACE(i);
    const auto place = static_cast<Place>(i);
    connect(true);
    seam_.forgetCloses();
    const std::function<void()> close = [this] { closeAndReuse(); };
    const std::function<void()> nothing;
    const auto onlyIn = [&](Place wanted) { return place == wanted ? close : nothing; };
    Read read(onlyIn(Place::read));
    Read other(onlyIn(Place::other));
    Write write(onlyIn(Place::write));
    Write end(onlyIn(Place::end));
    ok(near_.readOnce(read));
    ok(near_.write(write, "words"));
    if (place == Place::end) ok(near_.shutdown(end));
    Write answer;
    ok(far_.readOnce(other));
    ok(far_.write(answer, "answer"));
    if (place == Place::twice) close();
    pollUntil([&] { return reused_ >= 0; });
    settle();
    EXPECT_EQ(read.completions() + write.completions(), 2u);
    near_ = End();
    settle();
    EXPECT_EQ(seam_.closes(reused_), 1u) << "the number is another's";
    far_.close();
    settle();
    reused_ = -1;
    other_.reset();
  }
}

// ---- IT9

class StreamKindsStackTest : public StreamKindTest {};

INSTANTIATE_TEST_SUITE_P(Kinds, StreamKindsStackTest, testing::ValuesIn(streamCases()),
                         streamCaseName);

// IT9: that no callback runs inside a call is checked by all tests, in Told.
TEST_P(StreamKindsStackTest, DoesNotGrowByReadsThatAreDoneAtOnce) {
  const std::size_t count = kind().manyReads;
  connect();
  const std::string text = randomText(count);
  std::array<std::uintptr_t, 2> range = {UINTPTR_MAX, 0};
  std::size_t done = 0;
  std::size_t wrong = 0;
  std::array<char, 1> byte;
  Read read;
  read.setThen([&] {
    const auto at = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
    range = {std::min(range[0], at), std::max(range[1], at)};
    if (byte[0] != text[done]) ++wrong;
    if (++done < count) ok(near_.readExactly(read, byte));
  });
  Write write;
  ok(far_.write(write, text));
  ok(near_.readExactly(read, byte));
  pollUntil([&] { return done == count; });
  EXPECT_EQ(wrong, 0u);
  EXPECT_LT(range[1] - range[0], 16384u);
}

// ---- IT13

class StreamKindsPeerTest : public StreamKindTest {
 protected:
  // What would be raised kills the test.
  StreamKindsPeerTest() {
    struct sigaction byDefault {};
    byDefault.sa_handler = SIG_DFL;
    EXPECT_EQ(::sigaction(SIGPIPE, &byDefault, &before_), 0);
    ::sigprocmask(SIG_BLOCK, nullptr, &mask_);
  }

  ~StreamKindsPeerTest() override {
    struct sigaction now {};
    sigset_t mask;
    sigset_t pending;
    ::sigaction(SIGPIPE, &before_, &now);
    EXPECT_EQ(now.sa_handler, SIG_DFL);
    ::sigprocmask(SIG_BLOCK, nullptr, &mask);
    ::sigpending(&pending);
    EXPECT_EQ(::sigismember(&mask, SIGPIPE), ::sigismember(&mask_, SIGPIPE));
    EXPECT_EQ(::sigismember(&pending, SIGPIPE), 0);
  }

  // By calls that start the writes, until one fails.
  template <class Start>
  void writeUntilRefused(Start start) {
    Write write;
    for (int i = 0; i < 1000 && !write.error; ++i) {
      ok(start(write));
      pollUntilDone(write);
      // The peer's process, if there is one, may take a moment.
      poll(std::chrono::milliseconds(write.error ? 0 : 1));
    }
    EXPECT_TRUE(write.error == std::errc::broken_pipe || write.error == std::errc::connection_reset)
        << write.error.message();
  }

 private:
  struct sigaction before_ {};
  sigset_t mask_;
};

INSTANTIATE_TEST_SUITE_P(Kinds, StreamKindsPeerTest, testing::ValuesIn(streamCases()),
                         streamCaseName);

// IT13
TEST_P(StreamKindsPeerTest, ThatIsGoneIsToldToWritesAndRaisesNoSignal) {
  const std::array<std::string_view, 2> parts = {"one", "two"};
  const std::vector<std::function<std::error_code(Write&)>> starts = {
      [&](Write& write) { return near_.write(write, "words"); },
      [&](Write& write) { return near_.write(write, parts); },
      [&](Write& write) { return near_.writeOwned(write, "owned"); }};
  for (const auto& start : starts) {
    connect();
    far_.close();
    writeUntilRefused(start);
    Write end;
    ok(near_.shutdown(end));
    pollUntilDone(end);
    EXPECT_TRUE(end.error);
  }
}

// IT13: and of a large one in the midst of it.
TEST_P(StreamKindsPeerTest, ThatGoesMeanwhileIsToldToAWriteAndRaisesNoSignal) {
  connect(true);
  const std::string text = randomText(1 << 20);
  Write write;
  Write end;
  ok(near_.write(write, text));
  ok(near_.shutdown(end));
  poll();
  EXPECT_TRUE(write.isPending());
  far_.close();
  pollUntilDone(write, end);
  EXPECT_TRUE(write.error);
  EXPECT_LT(write.bytes, text.size());
  EXPECT_EQ(end.error, write.error);
}

// Files go into descriptors of the OS alone.
class StreamKindsFileTest : public StreamKindsPeerTest {};

INSTANTIATE_TEST_SUITE_P(Kinds, StreamKindsFileTest,
                         testing::ValuesIn(streamCases([](const StreamKind& kind) {
                           return !kind.isTls && !kind.isSimulated;
                         })),
                         streamCaseName);

// IT13: sendfile(2), to a peer that is gone, and to one that goes.
TEST_P(StreamKindsFileTest, RaisesNoSignalWhenThePeerIsGone) {
  const UniqueFd file(::memfd_create("file", MFD_CLOEXEC));
  ASSERT_EQ(::ftruncate(file.get(), 1 << 20), 0);
  const auto start = [&](Write& write) {
    return near_.output()->writeFile(write, {.file = file.get()}, Write::done, &write);
  };
  connect(true);
  far_.close();
  writeUntilRefused(start);
  connect(true);
  Write write;
  ok(start(write));
  poll();
  EXPECT_TRUE(write.isPending());
  far_.close();
  pollUntilDone(write);
  EXPECT_TRUE(write.error);
}

}  // namespace
}  // namespace kairos
