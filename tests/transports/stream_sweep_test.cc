// SPDX-License-Identifier: MIT OR Apache-2.0
// Each allocation, and each system call, of a conversation fails once, or from then on: all that
// was started ends exactly once, what arrives is what was sent, nothing is leaked, nothing hangs.
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "kairos/tests/support/allocations.h"
#include "kairos/tests/transports/faults.h"
#include "kairos/tests/transports/fixture.h"

namespace kairos {
namespace {

constexpr std::size_t largeBytes = 400000;
constexpr std::size_t fileBytes = 100000;
constexpr std::size_t smallBytes = 100;

// An operation of the conversation, which starts the next one when it went well; else all ends.
template <class Operation>
struct Turn : Operation {
  static void done(void* udata) {
    auto& self = *static_cast<Turn*>(udata);
    ++self.completions;
    if (self.error && self.error != TransportError::closed) self.end(self.all);
    if (!self.error && self.next != nullptr) self.next(self.all);
  }

  std::size_t starts = 0;
  std::size_t completions = 0;
  void (*next)(void* all) = nullptr;
  void (*end)(void* all) = nullptr;
  void* all = nullptr;
};

// Near sends a line, much, two files, and closes; far answers the line and reads all.
class Conversation {
 public:
  Conversation(Fd nearFd, Fd farFd, Fd file) : file_(file) {
    const bool isNearOpen = adopt(nearFd, near_);
    isOpen_ = adopt(farFd, far_) && isNearOpen;
    if (!isOpen_) return;
    lineRead_.next = [](void* all) { self(all).readBody(); };
    answerRead_.next = [](void* all) { self(all).readMore(); };
    bodyRead_.next = [](void* all) { self(all).readEnd(); };
    count(far_.readLine(lineRead_, {}, lineRead_.done, begin(lineRead_)), lineRead_);
    count(near_.readUntil(answerRead_, ";", {}, answerRead_.done, begin(answerRead_)), answerRead_);
    count(far_.write(answer_, "answer;", answer_.done, begin(answer_)), answer_);
    count(near_.write(line_, "line\n", line_.done, begin(line_)), line_);
    count(near_.write(large_, text(), large_.done, begin(large_)), large_);
    count(near_.waitUntilDrained(drain_, drain_.done, begin(drain_)), drain_);
    count(near_.waitUntilClosed(closed_, closed_.done, begin(closed_)), closed_);
    count(near_.writeFile(files_[0], {.file = file_, .size = fileBytes}, files_[0].done,
                          begin(files_[0])),
          files_[0]);
    count(near_.writeFile(files_[1], {.file = file_, .size = smallBytes}, files_[1].done,
                          begin(files_[1])),
          files_[1]);
    count(near_.closeAfterFlush(end_, end_.done, begin(end_)), end_);
  }

  static std::string& text() {
    static std::string bytes = pattern(largeBytes);
    return bytes;
  }
  // Where the body is received; nothing here may allocate while allocations fail.
  static std::vector<char>& body() {
    static std::vector<char> bytes(largeBytes + fileBytes + smallBytes);
    return bytes;
  }

  // False: it hangs, longer than the OS may want it to pause.
  bool run() {
    for (int polls = 0; polls < 1000 && isPending(); ++polls) {
      if (reactor_.poll(Clock::duration::zero()).callbacks > 0) continue;
      if (reactor_.poll(std::chrono::milliseconds(20)).callbacks == 0) break;
    }
    return !isPending();
  }

  void close() {
    near_.close();
    far_.close();
  }

  // Whatever has happened, this ends it.
  void finish() {
    close();
    for (int polls = 0; polls < 10; ++polls) (void)reactor_.poll(Clock::duration::zero());
  }

  bool isComplete() const { return isOpen_ && endRead_.atEnd && !endRead_.error && !end_.error; }

  void expectAllToHaveEndedOnce() const {
    each([](const auto& turn) {
      EXPECT_FALSE(turn.isPending());
      EXPECT_EQ(turn.completions, turn.starts);
    });
  }

  void expectWhatWasSent() const {
    const std::string sent = text() + text().substr(0, fileBytes) + text().substr(0, smallBytes);
    EXPECT_TRUE(sent.starts_with(bodyRead_.data) || bodyRead_.data.empty());
    EXPECT_TRUE(!isComplete() || bodyRead_.bytes == sent.size());
  }

  // Which errors the operations have.
  template <class Visit>
  void eachError(Visit visit) const {
    each([&](const auto& turn) {
      if (turn.error) visit(turn.error);
    });
  }

 private:
  static Conversation& self(void* all) { return *static_cast<Conversation*>(all); }

  bool adopt(Fd fd, StreamTransport& stream) {
    if (!StreamTransport::adopt(context_, fd, stream)) return true;
    ::close(fd);
    return false;
  }

  template <class Operation>
  void* begin(Turn<Operation>& turn) {
    turn.all = this;
    turn.end = [](void* all) { self(all).close(); };
    return &turn;
  }

  // What a start call refuses has not begun.
  template <class Operation>
  static void count(std::error_code refused, Turn<Operation>& turn) {
    if (!refused) ++turn.starts;
  }

  void readBody() {
    count(far_.readExactly(bodyRead_, body(), bodyRead_.done, begin(bodyRead_)), bodyRead_);
  }
  void readEnd() { count(far_.readOnce(endRead_, endRead_.done, begin(endRead_)), endRead_); }
  // Waits beside the writes, so that both directions are watched.
  void readMore() { count(near_.readOnce(more_, more_.done, begin(more_)), more_); }

  bool isPending() const {
    bool any = false;
    each([&](const auto& turn) { any = any || turn.isPending(); });
    return any;
  }

  template <class Visit>
  void each(Visit visit) const {
    visit(lineRead_);
    visit(bodyRead_);
    visit(endRead_);
    visit(answerRead_);
    visit(more_);
    visit(answer_);
    visit(line_);
    visit(large_);
    visit(drain_);
    visit(files_[0]);
    visit(files_[1]);
    visit(end_);
    visit(closed_);
  }

  const Fd file_;
  Reactor reactor_;
  TransportContext context_{reactor_};
  StreamTransport near_;
  StreamTransport far_;
  bool isOpen_ = false;
  Turn<ReadOperation> lineRead_, bodyRead_, endRead_, answerRead_, more_;
  Turn<WriteOperation> answer_, line_, large_, end_;
  std::array<Turn<WriteOperation>, 2> files_;
  Turn<DrainOperation> drain_;
  Turn<CloseOperation> closed_;
};

class StreamSweepTest : public testing::Test {
 protected:
  StreamSweepTest() : file_(::memfd_create("kairos", MFD_CLOEXEC)) {
    sendAll(file_.get(), Conversation::text());
    Conversation::body();
  }

  // `Guard` makes the fault while it lives.
  template <class Guard, class Check>
  void converse(Guard& guard, Check check) {
    Pair ends = pair();
    const AllocationCount memory;
    {
      guard.arm(true);
      Conversation conversation(ends.near.release(), ends.far.release(), file_.get());
      EXPECT_TRUE(conversation.run() || guard.mayHang());
      guard.arm(false);
      conversation.finish();
      conversation.expectAllToHaveEndedOnce();
      conversation.expectWhatWasSent();
      check(conversation);
    }
    EXPECT_EQ(memory.bytes(), 0);
  }

  // How often it happened, from the first moment to the last.
  template <class MakeGuard, class Check>
  std::size_t sweep(MakeGuard makeGuard, Check check) {
    return sweepFaults(makeGuard, [&](auto& guard) { converse(guard, check); });
  }

  UniqueFd file_;
};

TEST_F(StreamSweepTest, SurvivesTheWantOfMemory) {
  for (const std::size_t times : {std::size_t{1}, always}) {
    const std::size_t moments =
        sweep([times](std::size_t nth) { return std::make_unique<NoMemory>(nth, times); },
              [](const Conversation&) {});
    EXPECT_GE(moments, 5u);
  }
}

// Nobody sees these.
TEST_F(StreamSweepTest, ConcealsInterruptionsAndFalseReadiness) {
  for (const CallFault& row :
       {CallFault{SystemCall::recv, EINTR}, CallFault{SystemCall::recv, EAGAIN},
        CallFault{SystemCall::send, EINTR}, CallFault{SystemCall::send, EAGAIN},
        CallFault{SystemCall::sendfile, EINTR}, CallFault{SystemCall::sendfile, EAGAIN},
        CallFault{SystemCall::sendfile, EINVAL}, CallFault{SystemCall::pread, EINTR},
        CallFault{SystemCall::sendmsg, EINTR}, CallFault{SystemCall::sendmsg, EAGAIN},
        CallFault{SystemCall::send, ENOBUFS}, CallFault{SystemCall::sendmsg, ENOBUFS},
        CallFault{SystemCall::sendfile, ENOBUFS}}) {
    SCOPED_TRACE(testing::Message() << row);
    const std::size_t moments = sweep(
        [&row](std::size_t nth) { return std::make_unique<FailedCall>(row, nth, std::size_t{1}); },
        [](const Conversation& conversation) { EXPECT_TRUE(conversation.isComplete()); });
    // Whether parts are gathered depends on what the OS takes.
    EXPECT_TRUE(moments > 0 || row.call == SystemCall::sendmsg);
  }
}

// Somebody does, as they are, or by what comes of them.
TEST_F(StreamSweepTest, ReportsErrorsOfTheOs) {
  for (const CallFault& row :
       {CallFault{SystemCall::recv, ETIMEDOUT}, CallFault{SystemCall::send, ETIMEDOUT},
        CallFault{SystemCall::sendfile, ETIMEDOUT}, CallFault{SystemCall::pread, EIO},
        CallFault{SystemCall::epollCtl, ENOMEM}, CallFault{SystemCall::epollCtl, ENOSPC},
        CallFault{SystemCall::fcntl, EBADF}, CallFault{SystemCall::fstat, ENOMEM}}) {
    for (const std::size_t times : {std::size_t{1}, always}) {
      SCOPED_TRACE(testing::Message() << row);
      const std::error_code expected(row.error, std::generic_category());
      const std::size_t moments = sweep(
          [&](std::size_t nth) { return std::make_unique<FailedCall>(row, nth, times); },
          [&](const Conversation& conversation) {
            conversation.eachError([&](std::error_code error) {
              const auto condition = error.default_error_condition();
              EXPECT_TRUE(condition == expected.default_error_condition() ||
                          error == TransportError::closed || error == TransportError::incomplete ||
                          error == TransportError::shutDown || error == std::errc::broken_pipe ||
                          error == std::errc::operation_canceled ||
                          error == std::errc::connection_reset)
                  << error.message();
            });
          });
      EXPECT_GE(moments, 1u);
    }
  }
}

}  // namespace
}  // namespace kairos
