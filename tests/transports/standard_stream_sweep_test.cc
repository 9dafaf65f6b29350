// SPDX-License-Identifier: MIT OR Apache-2.0
// Each allocation, and each system call, of streams on descriptors that others share, such as
// standard input and output, fails in turn.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>

#include "kairos/tests/support/unique_fd.h"
#include "kairos/tests/transports/scene.h"
#include "kairos/transports/stream_transport.h"

namespace kairos {
namespace {

bool isBlocking(Fd fd) { return (::fcntl(fd, F_GETFL) & O_NONBLOCK) == 0; }

// Two streams write into copies of one end of a pipe, which others have too.
class SharedScene : public Scene {
 public:
  explicit SharedScene(const Stage& stage) : Scene(stage) {
    Fd ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return;
    ofReader_ = UniqueFd(ends[0]);
    ofWriters_ = UniqueFd(ends[1]);
    const bool isBegun =
        adopt(ofReader_.get(), reader_) && adopt(ofWriters_.get(), writers_[0]) &&
        adopt(ofWriters_.get(), writers_[1]) &&
        read_.begin([this](auto... with) { return reader_.readExactly(read_, into_, with...); }) &&
        write(writes_[0], writers_[0], "1") && write(writes_[1], writers_[1], "2");
    if (!isBegun) close();
  }

  void close() {
    reader_.close();
    for (StreamTransport& writer : writers_) writer.close();
  }

  void expectSuccess() const {
    EXPECT_TRUE(isWell());
    EXPECT_EQ(read_.data, "12");
  }

 protected:
  void expectAsBefore() const {
    EXPECT_TRUE(isBlocking(ofReader_.get()));
    EXPECT_TRUE(isBlocking(ofWriters_.get()));
  }

 private:
  bool adopt(Fd fd, StreamTransport& stream) {
    UniqueFd copy(::dup(fd));
    const bool isAdopted = !note(StreamTransport::adopt(context(), copy.get(), stream));
    if (isAdopted) copy.release();
    return isAdopted;
  }
  bool write(Act<WriteOperation>& write, StreamTransport& stream, std::string_view bytes) {
    return write.begin([&](auto... with) { return stream.write(write, bytes, with...); });
  }
  void onDone(std::error_code error) {
    if (error) close();
  }
  bool mayFollow(std::error_code error) const override {
    return Scene::mayFollow(error) || error == std::errc::broken_pipe ||
           error == TransportError::incomplete;
  }

  UniqueFd ofReader_;
  UniqueFd ofWriters_;
  StreamTransport reader_;
  StreamTransport writers_[2];
  char into_[2] = {};
  Act<ReadOperation> read_{*this, [this] { onDone(read_.error); }};
  Act<WriteOperation> writes_[2]{Act<WriteOperation>(*this, [this] { onDone(writes_[0].error); }),
                                 Act<WriteOperation>(*this, [this] { onDone(writes_[1].error); })};
};

// Whatever has failed once, for others it is as it was.
class RestoredScene : public SharedScene {
 public:
  using SharedScene::SharedScene;
  ~RestoredScene() { expectAsBefore(); }
};

TEST(StandardStreamSweepTest, SurvivesTheWantOfMemory) { sweepAllocations<RestoredScene>(4); }

// T136
TEST(StandardStreamSweepTest, ReportsErrorsOfTheOs) {
  const auto errors = {CallFault{SystemCall::fcntl, EPERM}, CallFault{SystemCall::fstat, ENOMEM},
                       CallFault{SystemCall::epollCtl, ENOMEM},
                       CallFault{SystemCall::epollAdd, ENOSPC}};
  sweepCalls<RestoredScene>(errors, 1);
  sweepCalls<SharedScene>(errors, always);
}

// Where kcmp(2) is not allowed; all files count as one then.
TEST(StandardStreamSweepTest, NeedsNoComparisonOfFiles) {
  sweepCalls<RestoredScene>({{SystemCall::byNumber, EPERM}});
}

}  // namespace
}  // namespace kairos
