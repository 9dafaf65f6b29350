// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TESTS_TRANSPORTS_STREAM_KINDS_H_
#define KAIROS_TESTS_TRANSPORTS_STREAM_KINDS_H_

#include <gtest/gtest.h>

#include <cstddef>
#include <ostream>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "kairos/reactor/simulation.h"
#include "kairos/tests/support/random_seed.h"
#include "kairos/tests/support/stream_seam.h"
#include "kairos/tests/transports/fixture.h"
#include "kairos/transports/subprocess_transport.h"
#include "kairos/transports/tls_stream.h"

// Connected streams of every kind there is, with the operations that all of them have: so that what
// holds for all is tested once, by the same words. IT22.

namespace kairos {

// An operation that fails the test when its callback runs inside a call of an End.
template <class Operation>
class Told : public Watched<Operation> {
 public:
  using Watched<Operation>::Watched;

  static void done(void* udata) {
    EXPECT_FALSE(isCalling) << "inside a call";
    Watched<Operation>::done(udata);
  }

  static inline bool isCalling = false;
};

// One end of a stream. What is written may take another way than what is read.
class End {
 public:
  End() = default;
  explicit End(StreamTransport&& both) : in_(std::move(both)) {}
  End(StreamTransport&& in, StreamTransport&& out)
      : in_(std::move(in)), out_(std::move(out)), hasOut_(true) {}
  explicit End(TlsStream&& tls) : in_(std::move(tls)) {}

  using Read = Told<ReadOperation>;
  using Write = Told<WriteOperation>;
  using Drain = Told<DrainOperation>;
  using Close = Told<CloseOperation>;

  std::error_code readOnce(Read& read) {
    return in([&](auto& stream) { return stream.readOnce(read, Read::done, &read); });
  }
  std::error_code readOnce(Read& read, std::span<char> into) {
    return in([&](auto& stream) { return stream.readOnce(read, into, Read::done, &read); });
  }
  std::error_code readExactly(Read& read, std::span<char> into) {
    return in([&](auto& stream) { return stream.readExactly(read, into, Read::done, &read); });
  }
  std::error_code readUntil(Read& read, std::string_view separator, ReadLimit limit = {}) {
    return in(
        [&](auto& stream) { return stream.readUntil(read, separator, limit, Read::done, &read); });
  }
  std::error_code readLine(Read& read, ReadLimit limit = {}) {
    return in([&](auto& stream) { return stream.readLine(read, limit, Read::done, &read); });
  }
  std::error_code readToEnd(Read& read, ReadLimit limit = {.limit = 1 << 26}) {
    return in([&](auto& stream) { return stream.readToEnd(read, limit, Read::done, &read); });
  }
  std::error_code consume(Read& read, std::size_t count) {
    return in([&](auto& stream) { return stream.consume(read, count, Read::done, &read); });
  }
  std::string_view peek() {
    return in([](auto& stream) { return stream.peek(); });
  }
  bool atEnd() {
    return in([](auto& stream) { return stream.atEnd(); });
  }
  bool cancel(Read& read) {
    return in([&](auto& stream) { return stream.cancel(read); });
  }

  std::error_code write(Write& write, std::string_view bytes) {
    return out([&](auto& stream) { return stream.write(write, bytes, Write::done, &write); });
  }
  std::error_code write(Write& write, std::span<const std::string_view> parts) {
    return out([&](auto& stream) { return stream.write(write, parts, Write::done, &write); });
  }
  std::error_code writeOwned(Write& write, std::string bytes) {
    return out([&](auto& stream) {
      return stream.writeOwned(write, std::move(bytes), Write::done, &write);
    });
  }
  std::error_code shutdown(Write& write) {
    return out([&](auto& stream) { return stream.shutdown(write, Write::done, &write); });
  }
  std::error_code closeAfterFlush(Write& write) {
    return out([&](auto& stream) { return stream.closeAfterFlush(write, Write::done, &write); });
  }
  std::size_t queuedBytes() {
    return out([](auto& stream) { return stream.queuedBytes(); });
  }
  bool isCongested() {
    return out([](auto& stream) { return stream.isCongested(); });
  }
  std::error_code setWriteMarks(const WriteMarks& marks) {
    return out([&](auto& stream) { return stream.setWriteMarks(marks); });
  }
  std::error_code waitUntilDrained(Drain& drain) {
    return out([&](auto& stream) { return stream.waitUntilDrained(drain, Drain::done, &drain); });
  }
  // For the close of what is written to.
  std::error_code waitUntilClosed(Close& close) {
    return out([&](auto& stream) { return stream.waitUntilClosed(close, Close::done, &close); });
  }
  template <class Operation>
  bool cancel(Told<Operation>& operation) {
    return out([&](auto& stream) { return stream.cancel(operation); });
  }

  void close() {
    out([](auto& stream) { stream.close(); });
    in([](auto& stream) { stream.close(); });
  }
  bool isOpen() {
    return in([](auto& stream) { return stream.isOpen(); });
  }
  // The descriptor that is read from.
  Fd fd() {
    return in([](auto& stream) { return stream.fd(); });
  }

  // What is written to is closed.
  bool isOutputOpen() {
    return out([](auto& stream) { return stream.isOpen(); });
  }
  // It is what is read from, too.
  bool isOne() const { return !hasOut_; }

  // What is read comes from the first, what is written goes to the second, which may be the same;
  // null: this is TLS.
  StreamTransport* input() { return std::get_if<StreamTransport>(&in_); }
  StreamTransport* output() { return hasOut_ ? &out_ : input(); }

 private:
  // While it lives, no callback may run.
  class Calling {
   public:
    Calling() { set(true); }
    ~Calling() { set(false); }

   private:
    static void set(bool on) {
      Read::isCalling = Write::isCalling = Drain::isCalling = Close::isCalling = on;
    }
  };

  template <class Call>
  std::invoke_result_t<Call, StreamTransport&> in(Call call) {
    const Calling calling;
    return std::visit(call, in_);
  }
  template <class Call>
  std::invoke_result_t<Call, StreamTransport&> out(Call call) {
    const Calling calling;
    return hasOut_ ? call(out_) : std::visit(call, in_);
  }

  std::variant<StreamTransport, TlsStream> in_;
  StreamTransport out_;
  bool hasOut_ = false;
};

struct Ends {
  End near;
  End far;
};

// Where streams are made, and how much the OS holds of them.
struct StreamStage {
  TransportContext& context;
  Simulation& simulation;
  std::vector<SubprocessTransport>& children;
  bool isSmall = false;  // hardly anything
};

struct StreamKind {
  const char* name;
  Ends (*make)(const StreamStage& stage);
  bool isTls = false;
  bool isSimulated = false;
  // Where to listen, if it can be connected to.
  Address (*place)() = nullptr;
  // Enough to see a stack that grows by a byte for each; for one kind as many as are promised.
  std::size_t manyReads = 50'000;
};

// A kind, on a backend of the reactor.
struct StreamCase {
  StreamKind kind;
  BackendKind backend;
};

inline std::ostream& operator<<(std::ostream& out, const StreamCase& each) {
  return out << each.kind.name << " on " << each.backend.name;
}

// All, or of some kinds.
std::vector<StreamCase> streamCases(bool (*isWanted)(const StreamKind& kind) = nullptr);
std::string streamCaseName(const testing::TestParamInfo<StreamCase>& info);

// Both ends of one stream in one loop, on real time or that of a simulation.
class StreamKindTest : public testing::TestWithParam<StreamCase> {
 protected:
  using Read = End::Read;
  using Write = End::Write;
  using Drain = End::Drain;
  using Close = End::Close;

  StreamKindTest();
  ~StreamKindTest() override;

  static const StreamKind& kind() { return GetParam().kind; }
  static void ok(std::error_code error) { EXPECT_EQ(error, std::error_code()) << error.message(); }

  // `near_` and `far_`, which have shaken hands where that is the custom. Faults begin before.
  void connect(bool isSmall = false, const StreamFaults& faults = {});

  std::size_t poll(Clock::duration timeout = Clock::duration::zero());
  // Until nothing is left to do at once.
  void settle() {
    while (poll() > 0) {
    }
  }
  template <class Reached>
  void pollUntil(Reached reached) {
    const auto start = Clock::now();
    while (!reached() && Clock::now() - start < patience && !HasFailure()) {
      poll(kind().isSimulated ? Reactor::forever : Clock::duration(patience));
    }
    EXPECT_TRUE(reached() || HasFailure()) << "in vain";
  }
  template <class... Operations>
  void pollUntilDone(const Operations&... operations) {
    pollUntil([&] { return !(operations.isPending() || ...); });
  }

  // Bytes of which no part looks like another.
  std::string randomText(std::size_t size);

  // Only a hang takes that long.
  static constexpr std::chrono::seconds patience{20};

  Random random_;
  Simulation simulation_{random_.engine()()};
  StreamSeam seam_{random_, simulation_};
  Reactor reactor_{makeReactor()};
  TransportContext context_{reactor_};
  std::vector<SubprocessTransport> children_;
  End near_;
  End far_;

 private:
  Reactor makeReactor() {
    return kind().isSimulated ? simulation_.makeReactor()
                              : detail::ReactorAccess::create(GetParam().backend.open());
  }
  void makeSecure(Ends ends);
};

// TLS over the streams of an end.
std::error_code makeClient(TransportContext& context, End& end, TlsStream& client);
std::error_code makeServer(TransportContext& context, End& end, TlsStream& server);

}  // namespace kairos

#endif  // KAIROS_TESTS_TRANSPORTS_STREAM_KINDS_H_
