// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TESTS_TRANSPORTS_FIXTURE_H_
#define KAIROS_TESTS_TRANSPORTS_FIXTURE_H_

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstddef>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "kairos/tests/conformance/fixture.h"
#include "kairos/transports/stream_transport.h"
#include "kairos/transports/transport_context.h"

namespace kairos {

// IX1: each test leaves as many descriptors open as it found, whatever else it is about.
class DescriptorWatch : public testing::EmptyTestEventListener {
 private:
  void OnTestStart(const testing::TestInfo&) override { before_ = openFds(); }
  void OnTestEnd(const testing::TestInfo&) override {
    EXPECT_EQ(openedSince(before_), std::set<Fd>()) << "left open by the test";
  }

  std::set<Fd> before_;
};

inline const bool descriptorsAreWatched = [] {
  testing::UnitTest::GetInstance()->listeners().Append(new DescriptorWatch);
  return true;
}();

// An operation and its callback: counts the completions and does what it was given.
template <class Operation>
class Watched : public Operation {
 public:
  Watched() = default;
  explicit Watched(std::function<void()> then) : then_(std::move(then)) {}

  static void done(void* udata) {
    auto& self = *static_cast<Watched*>(udata);
    ++self.completions_;
    if (self.then_) self.then_();
  }

  std::size_t completions() const { return completions_; }
  void setThen(std::function<void()> then) { then_ = std::move(then); }

 private:
  std::size_t completions_ = 0;
  std::function<void()> then_;
};

using Read = Watched<ReadOperation>;
using Write = Watched<WriteOperation>;

inline std::string pattern(std::size_t size) {
  std::string bytes(size, '\0');
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * 31 + i / 253);
  return bytes;
}

// What a raw descriptor sends and receives; not the subject of a test.
inline void sendAll(Fd fd, std::string_view bytes) {
  ASSERT_EQ(::write(fd, bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
}

// What can be received now.
inline std::string receiveAll(Fd fd) {
  std::string all;
  char chunk[65536];
  for (ssize_t n; (n = ::read(fd, chunk, sizeof chunk)) > 0;) {
    all.append(chunk, static_cast<std::size_t>(n));
  }
  return all;
}

// Closed by this, a TCP socket resets its connection.
inline void resetOnClose(Fd fd) {
  const linger abort{1, 0};
  ASSERT_EQ(::setsockopt(fd, SOL_SOCKET, SO_LINGER, &abort, sizeof abort), 0);
}

// Streams on real descriptors and virtual time: a wait that nothing ends fails the test.
class StreamTest : public VirtualTimeTest {
 protected:
  StreamTransport adopt(UniqueFd fd) {
    StreamTransport stream;
    EXPECT_EQ(StreamTransport::adopt(context_, fd.get(), stream), std::error_code());
    fd.release();
    return stream;
  }

  // The near end is `stream_`.
  void connect(Pair ends) {
    stream_ = adopt(std::move(ends.near));
    far_ = std::move(ends.far);
  }

  // Until nothing is left to do.
  void settle() {
    while (poll() > 0) {
    }
  }

  void settleUntilDone(const detail::Operation& operation) {
    while (operation.isPending() && !HasFailure()) poll(Reactor::forever);
  }

  // What the far end receives meanwhile.
  std::string receiveUntilDone(const detail::Operation& operation) {
    std::string received;
    while (operation.isPending() && !HasFailure()) {
      poll();
      received += receiveAll(far_.get());
    }
    return received + receiveAll(far_.get());
  }

  static void ok(std::error_code error) { EXPECT_EQ(error, std::error_code()); }

  void readLine(Read& read, std::size_t limit = 65536) {
    ok(stream_.readLine(read, {.limit = limit}, Read::done, &read));
  }
  void readUntil(Read& read, std::string_view separator, std::size_t limit = 65536) {
    ok(stream_.readUntil(read, separator, {.limit = limit}, Read::done, &read));
  }
  void readOnce(Read& read) { ok(stream_.readOnce(read, Read::done, &read)); }
  void readExactly(Read& read, std::span<char> into) {
    ok(stream_.readExactly(read, into, Read::done, &read));
  }
  void readToEnd(Read& read, std::size_t limit = 65536) {
    ok(stream_.readToEnd(read, {.limit = limit}, Read::done, &read));
  }
  void write(Write& write, std::string_view bytes) {
    ok(stream_.write(write, bytes, Write::done, &write));
  }
  void shutdown(Write& write) { ok(stream_.shutdown(write, Write::done, &write)); }

  TransportContext context_{reactor_};
  StreamTransport stream_;
  UniqueFd far_;
};

}  // namespace kairos

#endif  // KAIROS_TESTS_TRANSPORTS_FIXTURE_H_
