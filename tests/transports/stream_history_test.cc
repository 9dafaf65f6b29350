// SPDX-License-Identifier: MIT OR Apache-2.0
// Random histories of streams: everything that a user may do to them, in callbacks and outside.
// What was received is compared with what was written, each operation has one end, and nobody is
// left waiting for what is there.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kairos/tests/conformance/fixture.h"
#include "kairos/tests/support/descriptors.h"
#include "kairos/tests/support/random_seed.h"
#include "kairos/transports/stream_transport.h"
#include "kairos/transports/transport_context.h"

namespace kairos {
namespace {

constexpr std::size_t fileBytes = 300000;
constexpr std::size_t connections = 3;

enum class Kind { read, write, drain };

// What was given to a write, and how much of it counts as sent.
struct Sent {
  std::string bytes;
  std::size_t passed = 0;
  bool isOver = false;
  bool isEnd = false;  // shutdown() or closeAfterFlush()
};

// One direction of a connection. Of bytes that were skipped nothing is known.
struct Channel {
  static constexpr int skipped = -1;

  std::deque<Sent> sent;
  std::vector<int> received;
  bool isEnded = false;  // by the reader's end
  bool isCut = false;    // the reader may lack something

  std::string passed() const {
    std::string all;
    for (const Sent& each : sent) all.append(each.bytes, 0, each.passed);
    return all;
  }
};

struct End {
  StreamTransport stream;
  Channel* in = nullptr;
  Channel* out = nullptr;
  bool mayRead = true;
  bool mayWrite = true;
};

class History;

// An operation under way, or over, and whose it is.
struct Step {
  explicit Step(History& of, Kind what) : history(of), kind(what) {}

  History& history;
  const Kind kind;
  ReadOperation read;
  WriteOperation write;
  DrainOperation drain;
  Channel* channel = nullptr;
  Sent* sent = nullptr;
  std::string buffer;
  std::vector<std::string_view> parts;
  bool isStarted = false;

  bool isPending() const { return read.isPending() || write.isPending() || drain.isPending(); }
};

class History {
 public:
  History(Random& random, BackendKind backend)
      : random_(random), reactor_(detail::ReactorAccess::create(backend.open())) {
    file_.resize(fileBytes);
    for (char& byte : file_) byte = static_cast<char>(random_.below(256));
    fileFd_ = UniqueFd(::memfd_create("history", MFD_CLOEXEC));
    EXPECT_EQ(::write(fileFd_.get(), file_.data(), file_.size()),
              static_cast<ssize_t>(file_.size()));
    context_.emplace(reactor_);
    for (std::size_t i = 0; i < connections; ++i) connect(i);
  }

  void run(int steps) {
    for (int i = 0; i < steps && !testing::Test::HasFailure(); ++i) {
      act();
      if (random_.oneIn(3)) poll();
      if (random_.oneIn(100)) settle();
    }
    settle();
    finish();
  }

 private:
  friend struct Step;

  // ---- What is there

  static void ok(std::error_code error) { ASSERT_EQ(error, std::error_code()); }

  void connect(std::size_t index) {
    const std::size_t kind = random_.below(3);
    Pair ends = kind == 0 ? pair() : kind == 1 ? tcpPair() : pipePair();
    channels_.emplace_back();
    Channel& there = channels_.back();
    channels_.emplace_back();
    Channel& back = channels_.back();
    End& near = ends_[2 * index];
    End& far = ends_[2 * index + 1];
    near.in = far.out = &there;
    near.out = far.in = &back;
    near.mayWrite = far.mayRead = kind != 2;
    ok(StreamTransport::adopt(*context_, ends.near.release(), near.stream));
    ok(StreamTransport::adopt(*context_, ends.far.release(), far.stream));
  }

  Step& newStep(Kind kind, Channel& channel) {
    steps_.push_back(std::make_unique<Step>(*this, kind));
    steps_.back()->channel = &channel;
    return *steps_.back();
  }

  // A refused call has touched nothing, and nothing comes of it.
  void started(Step& step, std::error_code error) {
    isStarting_ = false;
    step.isStarted = !error;
    EXPECT_EQ(step.isPending(), !error);
    if (!error) return;
    EXPECT_TRUE(isEnding_ || error == TransportError::busy || error == TransportError::queueFull ||
                error == TransportError::notConnected)
        << error.message();
    forget(step);
  }

  void forget(Step& step) {
    if (step.sent != nullptr) {
      step.sent->isOver = true;
      step.sent->passed = step.write.bytes;
    }
    if (step.kind == Kind::read && step.isPending()) take(step);
    const auto at = std::find_if(steps_.begin(), steps_.end(),
                                 [&step](const auto& each) { return each.get() == &step; });
    std::swap(*at, steps_.back());
    steps_.pop_back();
  }

  // ---- What is done

  void act() {
    End& end = ends_[random_.below(ends_.size())];
    switch (random_.below(24)) {
      case 0:
        return cancelOne(end);
      case 1:
        if (!steps_.empty()) forget(*steps_[random_.below(steps_.size())]);
        return;
      case 2:
        return waitUntilDrained(end);
      case 3:
        return setMarks(end);
      case 4: {
        StreamTransport moved = std::move(end.stream);
        end.stream = std::move(moved);
        return;
      }
      case 5:
        return endOne(end);
      default:
        return random_.oneIn(2) ? read(end) : write(end);
    }
  }

  void endOne(End& end) {
    if (!random_.oneIn(8)) return;
    switch (random_.below(5)) {
      case 0:
        return shutdown(end);
      case 1:
        end.in->isCut = true;
        return end.stream.shutdownRead();
      case 2:
        end.in->isCut = true;
        return end.stream.close();
      case 3:
        end.in->isCut = true;
        end.stream = StreamTransport();
        break;
      default:
        break;
    }
    const auto index = static_cast<std::size_t>(&end - ends_.data()) / 2;
    if (!isEnding_ && !ends_[2 * index].stream.isOpen() && !ends_[2 * index + 1].stream.isOpen()) {
      connect(index);
    }
  }

  void cancelOne(End& end) {
    if (steps_.empty()) return;
    Step& step = *steps_[random_.below(steps_.size())];
    if (step.kind == Kind::read) end.stream.cancel(step.read);
    if (step.kind == Kind::write) end.stream.cancel(step.write);
    if (step.kind == Kind::drain) end.stream.cancel(step.drain);
  }

  void waitUntilDrained(End& end) {
    Step& step = newStep(Kind::drain, *end.out);
    isStarting_ = true;
    started(step, end.stream.waitUntilDrained(step.drain, done, &step));
  }

  void setMarks(End& end) {
    const std::size_t low = random_.below(100000);
    const std::size_t high = low + 1 + random_.below(100000);
    static_cast<void>(
        end.stream.setWriteMarks({.high = high, .low = low, .cap = high + random_.below(1000000)}));
  }

  std::size_t someSize() {
    static constexpr std::size_t bounds[] = {2, 20, 300, 20000, 70000, 400000};
    return random_.below(bounds[random_.below(std::size(bounds))]);
  }

  void read(End& end) {
    if (!end.mayRead) return;
    Step& step = newStep(Kind::read, *end.in);
    isStarting_ = true;
    started(step, startRead(end.stream, step));
  }

  std::error_code startRead(StreamTransport& stream, Step& step) {
    const std::size_t size = someSize();
    switch (random_.below(6)) {
      case 0:
        step.buffer.resize(size);
        return stream.readExactly(step.read, step.buffer, done, &step);
      case 1:
        step.buffer.resize(size + 1);
        return stream.readOnce(step.read, step.buffer, done, &step);
      case 2:
        return stream.readUntil(step.read, "ab", {.limit = 2 + size}, done, &step);
      case 3:
        return stream.consume(step.read, size, done, &step);
      case 4:
        return stream.readMessage(step.read, sizeOf, {.limit = 1 + size}, done, &step);
      default:
        return stream.readOnce(step.read, done, &step);
    }
  }

  static MessageSize sizeOf(void*, std::string_view bytes) {
    if (bytes.size() < 2) return {};
    return {.size = 1 + static_cast<unsigned char>(bytes[1]) * std::size_t{100}};
  }

  void write(End& end) {
    if (!end.mayWrite) return;
    end.out->sent.emplace_back();
    Step& step = newStep(Kind::write, *end.out);
    step.sent = &end.out->sent.back();
    isStarting_ = true;
    started(step, startWrite(end, step));
  }

  std::error_code startWrite(End& end, Step& step) {
    StreamTransport& stream = end.stream;
    const std::size_t offset = random_.below(fileBytes);
    const std::size_t size = std::min(someSize(), fileBytes - offset);
    step.sent->bytes = file_.substr(offset, size);
    step.buffer = step.sent->bytes;
    switch (random_.below(4)) {
      case 0:
        return stream.write(step.write, step.buffer, done, &step);
      case 1:
        return stream.writeOwned(step.write, step.sent->bytes, done, &step);
      case 2:
        for (std::string_view rest = step.buffer; !rest.empty();) {
          step.parts.push_back(rest.substr(0, random_.below(2 + size / 45)));
          rest.remove_prefix(step.parts.back().size());
        }
        return stream.write(step.write, step.parts, done, &step);
      default:
        return stream.writeFile(step.write, {.file = fileFd_.get(), .offset = offset, .size = size},
                                done, &step);
    }
  }

  void shutdown(End& end) {
    if (!end.mayWrite) return;
    end.out->sent.emplace_back();
    Step& step = newStep(Kind::write, *end.out);
    step.sent = &end.out->sent.back();
    step.sent->isEnd = true;
    isStarting_ = true;
    const bool closes = random_.oneIn(2);
    if (closes) end.in->isCut = true;
    started(step, closes ? end.stream.closeAfterFlush(step.write, done, &step)
                         : end.stream.shutdown(step.write, done, &step));
  }

  // ---- What comes of it

  static void done(void* udata) {
    auto& step = *static_cast<Step*>(udata);
    step.history.onDone(step);
  }

  void onDone(Step& step) {
    ASSERT_FALSE(isStarting_) << "inside the call that started it";
    ASSERT_TRUE(std::exchange(step.isStarted, false)) << "twice";
    ASSERT_FALSE(step.isPending());
    if (step.kind == Kind::read) take(step);
    if (step.kind == Kind::write) written(step);
    if (isSettling_) return;
    if (random_.oneIn(3)) forget(step);
    for (std::size_t left = random_.below(4); left > 0; --left) act();
    if (!isEnding_ && random_.oneIn(50)) throw 1;
  }

  void take(Step& step) {
    const ReadOperation& read = step.read;
    Channel& channel = *step.channel;
    if (!read.error && read.atEnd) channel.isEnded = true;
    const bool isIntoOwn = !step.buffer.empty();
    const std::string_view data = isIntoOwn ? step.buffer : read.data;
    for (std::size_t i = 0; i < read.bytes; ++i) {
      channel.received.push_back(i < data.size() ? static_cast<unsigned char>(data[i])
                                                 : Channel::skipped);
    }
  }

  // In order: what was written before is over too.
  void written(Step& step) {
    step.sent->passed = step.write.bytes;
    step.sent->isOver = true;
    if (step.write.error) return;
    EXPECT_EQ(step.write.bytes, step.sent->bytes.size());
    if (step.sent->isEnd) return;
    for (const Sent& each : step.channel->sent) {
      if (&each == step.sent) break;
      ASSERT_TRUE(each.isOver);
    }
  }

  std::size_t poll() {
    try {
      const PollResult result = reactor_.poll(Clock::duration::zero());
      EXPECT_EQ(result.error, std::error_code());
      return result.callbacks;
    } catch (int) {
      return 1;
    }
  }

  // ---- What must hold

  void settle() {
    isSettling_ = true;
    int polls = 0;
    bool isStuck = false;
    do {
      while (poll() > 0 && polls < 20000) ++polls;
      isStuck = mayGoOn();
    } while (isStuck && poll() > 0);
    EXPECT_LT(polls, 20000) << "spins";
    EXPECT_FALSE(isStuck) << "a read or a write waits";
    isSettling_ = false;
    for (Channel& channel : channels_) check(channel);
  }

  // TCP may bring something at any moment, which a poll finds then.
  bool mayGoOn() const {
    return std::any_of(steps_.begin(), steps_.end(), [this](const auto& step) {
      return step->isPending() && std::any_of(ends_.begin(), ends_.end(), [&](const End& end) {
               return step->kind == Kind::read ? end.in == step->channel && isReady(end, POLLIN)
                      : step->kind == Kind::write
                          ? end.out == step->channel && isReady(end, POLLOUT)
                          : false;
             });
    });
  }

  static bool isReady(const End& end, short events) {
    pollfd asked{end.stream.fd(), events, 0};
    return ::poll(&asked, 1, 0) > 0;
  }

  void check(Channel& channel) {
    const std::string passed = channel.passed();
    std::size_t inFlight = 0;
    for (const auto& step : steps_) {
      if (step->kind == Kind::write && step->isPending() && step->channel == &channel) ++inFlight;
    }
    if (inFlight > 0) return;
    ASSERT_LE(channel.received.size(), passed.size()) << "more than was written";
    for (std::size_t i = 0; i < channel.received.size(); ++i) {
      if (channel.received[i] == Channel::skipped) continue;
      ASSERT_EQ(channel.received[i], static_cast<unsigned char>(passed[i])) << "at " << i;
    }
    if (channel.isCut || !channel.isEnded) return;
    ASSERT_EQ(channel.received.size(), passed.size()) << "the end comes before the rest";
  }

  void finish() {
    isEnding_ = true;
    if (random_.oneIn(2)) {
      for (End& end : ends_) end.stream = StreamTransport();
    }
    context_.reset();
    for (const auto& step : steps_) EXPECT_FALSE(step->isStarted) << "never";
    for (Channel& channel : channels_) channel.isCut = true;
    for (Channel& channel : channels_) check(channel);
  }

  Random& random_;
  std::string file_;
  UniqueFd fileFd_;
  Reactor reactor_;
  std::optional<TransportContext> context_;
  std::deque<Channel> channels_;
  std::vector<std::unique_ptr<Step>> steps_;
  std::array<End, 2 * connections> ends_;
  bool isStarting_ = false;
  bool isSettling_ = false;
  bool isEnding_ = false;
};

class StreamHistoryTest : public testing::TestWithParam<BackendKind> {};

// T02, T36, T58, T59, T134
TEST_P(StreamHistoryTest, LosesNothingAndEndsEachOperationOnce) {
  Random random;
  const auto before = openFds();
  for (int i = 0; i < 10 && !HasFailure(); ++i) {
    History history(random, GetParam());
    history.run(historySteps(100));
  }
  EXPECT_EQ(openedSince(before), std::set<Fd>());
}

INSTANTIATE_TEST_SUITE_P(Backends, StreamHistoryTest, backends(), backendName);

}  // namespace
}  // namespace kairos
