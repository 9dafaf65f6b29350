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
#include <array>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kairos/tests/transports/history.h"
#include "kairos/transports/stream_transport.h"

namespace kairos {
namespace {

constexpr std::size_t fileBytes = 300000;
constexpr std::size_t connections = 3;

enum class Kind { read, write, drain, close };

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

// An operation, and whose it is.
struct StreamStep : Step {
  StreamStep(Kind what, Channel& of) : kind(what), channel(of) {}
  const detail::Operation& operation() const override {
    if (kind == Kind::drain) return drain;
    if (kind == Kind::close) return close;
    return kind == Kind::read ? static_cast<const detail::Operation&>(read) : write;
  }

  const Kind kind;
  Channel& channel;
  ReadOperation read;
  WriteOperation write;
  DrainOperation drain;
  CloseOperation close;
  Sent* sent = nullptr;
  std::string buffer;
  std::vector<std::string_view> parts;
};

class StreamHistory final : public History {
 public:
  StreamHistory(Random& random, BackendKind backend) : History(random, backend) {
    file_.resize(fileBytes);
    for (char& byte : file_) byte = static_cast<char>(random_.below(256));
    fileFd_ = UniqueFd(::memfd_create("history", MFD_CLOEXEC));
    EXPECT_EQ(::write(fileFd_.get(), file_.data(), file_.size()),
              static_cast<ssize_t>(file_.size()));
    for (std::size_t i = 0; i < connections; ++i) connect(i);
  }

 private:
  // ---- What is there

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
    heal();
    ok(StreamTransport::adopt(context_, ends.near.release(), near.stream));
    ok(StreamTransport::adopt(context_, ends.far.release(), far.stream));
  }

  StreamStep& newStep(Kind kind, Channel& channel) {
    return add(std::make_unique<StreamStep>(kind, channel));
  }

  // ---- What is done

  void act() override {
    End& end = ends_[random_.below(ends_.size())];
    switch (random_.below(24)) {
      case 0:
        return cancelOne(end);
      case 1:
        if (Step* const step = anyStep()) forget(*step);
        return;
      case 2:
        return random_.oneIn(4) ? waitUntilClosed(end) : waitUntilDrained(end);
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
    if (!isEnding() && !ends_[2 * index].stream.isOpen() && !ends_[2 * index + 1].stream.isOpen()) {
      connect(index);
    }
  }

  void cancelOne(End& end) {
    auto* const step = static_cast<StreamStep*>(anyStep());
    if (step == nullptr) return;
    if (step->kind == Kind::read) cancelled(*step, end.stream.cancel(step->read));
    if (step->kind == Kind::write) cancelled(*step, end.stream.cancel(step->write));
    if (step->kind == Kind::drain) cancelled(*step, end.stream.cancel(step->drain));
    if (step->kind == Kind::close) cancelled(*step, end.stream.cancel(step->close));
  }

  void waitUntilDrained(End& end) {
    StreamStep& step = newStep(Kind::drain, *end.out);
    start(step, [&](CallbackFunc done, void* udata) {
      return end.stream.waitUntilDrained(step.drain, done, udata);
    });
  }

  void waitUntilClosed(End& end) {
    StreamStep& step = newStep(Kind::close, *end.out);
    start(step, [&](CallbackFunc done, void* udata) {
      return end.stream.waitUntilClosed(step.close, done, udata);
    });
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
    StreamStep& step = newStep(Kind::read, *end.in);
    start(step,
          [&](CallbackFunc done, void* udata) { return startRead(end.stream, step, done, udata); });
  }

  std::error_code startRead(StreamTransport& stream, StreamStep& step, CallbackFunc done,
                            void* udata) {
    const std::size_t size = someSize();
    switch (random_.below(6)) {
      case 0:
        step.buffer.resize(size);
        return stream.readExactly(step.read, step.buffer, done, udata);
      case 1:
        step.buffer.resize(size + 1);
        return stream.readOnce(step.read, step.buffer, done, udata);
      case 2:
        return stream.readUntil(step.read, "ab", {.limit = 2 + size}, done, udata);
      case 3:
        return stream.consume(step.read, size, done, udata);
      case 4:
        return stream.readMessage(step.read, sizeOf, {.limit = 1 + size}, done, udata);
      default:
        return stream.readOnce(step.read, done, udata);
    }
  }

  static MessageSize sizeOf(void*, std::string_view bytes) {
    if (bytes.size() < 2) return {};
    return {.size = 1 + static_cast<unsigned char>(bytes[1]) * std::size_t{100}};
  }

  void write(End& end) {
    if (!end.mayWrite) return;
    end.out->sent.emplace_back();
    StreamStep& step = newStep(Kind::write, *end.out);
    step.sent = &end.out->sent.back();
    start(step, [&](CallbackFunc done, void* udata) { return startWrite(end, step, done, udata); });
  }

  std::error_code startWrite(End& end, StreamStep& step, CallbackFunc done, void* udata) {
    StreamTransport& stream = end.stream;
    const std::size_t offset = random_.below(fileBytes);
    const std::size_t size = std::min(someSize(), fileBytes - offset);
    step.sent->bytes = file_.substr(offset, size);
    step.buffer = step.sent->bytes;
    switch (random_.below(4)) {
      case 0:
        return stream.write(step.write, step.buffer, done, udata);
      case 1:
        return stream.writeOwned(step.write, step.sent->bytes, done, udata);
      case 2:
        for (std::string_view rest = step.buffer; !rest.empty();) {
          step.parts.push_back(rest.substr(0, random_.below(2 + size / 45)));
          rest.remove_prefix(step.parts.back().size());
        }
        return stream.write(step.write, step.parts, done, udata);
      default:
        return stream.writeFile(step.write, {.file = fileFd_.get(), .offset = offset, .size = size},
                                done, udata);
    }
  }

  void shutdown(End& end) {
    if (!end.mayWrite) return;
    end.out->sent.emplace_back();
    StreamStep& step = newStep(Kind::write, *end.out);
    step.sent = &end.out->sent.back();
    step.sent->isEnd = true;
    const bool closes = random_.oneIn(2);
    if (closes) end.in->isCut = true;
    start(step, [&](CallbackFunc done, void* udata) {
      return closes ? end.stream.closeAfterFlush(step.write, done, udata)
                    : end.stream.shutdown(step.write, done, udata);
    });
  }

  // ---- What comes of it

  void onDone(Step& each) override {
    auto& step = static_cast<StreamStep&>(each);
    if (step.kind == Kind::read) take(step);
    if (step.kind == Kind::write) written(step);
    if (step.kind == Kind::close && !step.close.error) closed(step);
  }

  void onForgotten(Step& each) override {
    auto& step = static_cast<StreamStep&>(each);
    if (step.sent != nullptr) {
      step.sent->isOver = true;
      step.sent->passed = step.write.bytes;
    }
    if (step.kind == Kind::read && step.isPending()) take(step);
  }

  static void take(StreamStep& step) {
    const ReadOperation& read = step.read;
    Channel& channel = step.channel;
    if (!read.error && read.atEnd) channel.isEnded = true;
    const bool isIntoOwn = !step.buffer.empty();
    const std::string_view data = isIntoOwn ? step.buffer : read.data;
    for (std::size_t i = 0; i < read.bytes; ++i) {
      channel.received.push_back(i < data.size() ? static_cast<unsigned char>(data[i])
                                                 : Channel::skipped);
    }
  }

  // By then another may be there instead.
  void closed(const StreamStep& step) const {
    for (const End& end : ends_) EXPECT_FALSE(end.out == &step.channel && end.stream.isOpen());
  }

  // In order: what was written before is over too.
  static void written(StreamStep& step) {
    step.sent->passed = step.write.bytes;
    step.sent->isOver = true;
    if (step.write.error) return;
    EXPECT_EQ(step.write.bytes, step.sent->bytes.size());
    if (step.sent->isEnd) return;
    for (const Sent& each : step.channel.sent) {
      if (&each == step.sent) break;
      ASSERT_TRUE(each.isOver);
    }
  }

  // ---- What must hold

  bool mayGoOn() override {
    return std::any_of(steps().begin(), steps().end(), [this](const auto& each) {
      return each->isPending() && mayGoOn(static_cast<const StreamStep&>(*each));
    });
  }

  bool mayGoOn(const StreamStep& step) const {
    return std::any_of(ends_.begin(), ends_.end(), [&step](const End& end) {
      if (step.kind == Kind::read && end.in == &step.channel) {
        return isReady(end.stream.fd(), POLLIN);
      }
      return step.kind == Kind::write && end.out == &step.channel &&
             isReady(end.stream.fd(), POLLOUT);
    });
  }

  static bool isReady(Fd fd, short events) {
    pollfd asked{fd, events, 0};
    return ::poll(&asked, 1, 0) > 0;
  }

  void check() override {
    for (Channel& channel : channels_) {
      if (isEnding()) channel.isCut = true;
      check(channel);
    }
  }

  void check(const Channel& channel) const {
    const std::string passed = channel.passed();
    std::size_t inFlight = 0;
    for (const auto& each : steps()) {
      const auto& step = static_cast<const StreamStep&>(*each);
      if (step.kind == Kind::write && step.isPending() && &step.channel == &channel) ++inFlight;
    }
    if (inFlight > 0) return;
    ASSERT_LE(channel.received.size(), passed.size()) << "more than was written";
    for (std::size_t i = 0; i < channel.received.size(); ++i) {
      if (channel.received[i] == Channel::skipped) continue;
      if (channel.received[i] != static_cast<unsigned char>(passed[i])) FAIL() << "at " << i;
    }
    if (channel.isCut || !channel.isEnded) return;
    ASSERT_EQ(channel.received.size(), passed.size()) << "the end comes before the rest";
  }

  void dropAll() override {
    for (End& end : ends_) end.stream = StreamTransport();
  }

  std::string file_;
  UniqueFd fileFd_;
  std::deque<Channel> channels_;
  std::array<End, 2 * connections> ends_;
};

class StreamHistoryTest : public testing::TestWithParam<BackendKind> {};

// T02, T36, T58, T59, T134
TEST_P(StreamHistoryTest, LosesNothingAndEndsEachOperationOnce) {
  playHistories<StreamHistory>(GetParam(), 10, 100);
}

INSTANTIATE_TEST_SUITE_P(Backends, StreamHistoryTest, backends(), backendName);

}  // namespace
}  // namespace kairos
