// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/tests/futures-addon/stage.h"

#include <set>
#include <span>
#include <system_error>

#include "kairos/tests/support/allocations.h"

namespace kairos {

namespace {

// A backend that has the memory that it needs: its own tests take that away from it.
class AssuredBackend final : public detail::Backend {
 public:
  explicit AssuredBackend(std::unique_ptr<detail::Backend> real) : real_(std::move(real)) {}

  std::error_code watch(Fd fd, std::uint64_t token, detail::Interest from,
                        detail::Interest to) noexcept override {
    const MemoryAssured assured;
    return real_->watch(fd, token, from, to);
  }
  std::span<const detail::Ready> wait(Clock::duration limit,
                                      std::error_code& error) noexcept override {
    const MemoryAssured assured;
    return real_->wait(limit, error);
  }
  Clock::time_point now() noexcept override { return real_->now(); }
  std::unique_ptr<detail::Backend> openAnother() noexcept override {
    const MemoryAssured assured;
    auto another = real_->openAnother();
    if (another == nullptr) return nullptr;
    return std::make_unique<AssuredBackend>(std::move(another));
  }

 private:
  const std::unique_ptr<detail::Backend> real_;
};

detail::OpenResult assured(detail::OpenResult opened) {
  return {std::make_unique<AssuredBackend>(std::move(opened.backend)), opened.error};
}

}  // namespace

Stage::Stage(VirtualTime::Open open, bool isVirtual, Blow blow, int at)
    : time_(open),
      reactor_(detail::ReactorAccess::create(assured(isVirtual ? time_.open() : open()))),
      ownedFutures_(std::make_unique<FutureContext>(reactor_)),
      ownedTransports_(std::make_unique<TransportContext>(reactor_)),
      futures_(ownedFutures_.get()),
      transports_(ownedTransports_.get()),
      blow_(blow),
      at_(at) {
  futures_->setUnhandledErrorCallback(onUnhandled, nullptr);
}

Stage::~Stage() {
  const bool hasFutures = ownedFutures_ != nullptr;
  end();
  EXPECT_EQ(open_, 0) << "scopes that are open";
  if (hasFutures) {
    while (futures_->hasPendingOperations() && goOn()) {
    }
    EXPECT_EQ(futures_->liveBlocks(), 0U);
  }
  if (hasFutures && ownedTransports_ != nullptr) {
    PollResult last;  // of what ends by itself: a process that was left alone
    while (!last.error) last = reactor_.poll(Reactor::forever);
    EXPECT_EQ(last.error, std::errc::resource_deadlock_would_occur);
  }
}

// The last handles go.
void Stage::end() {
  EXPECT_TRUE(isRootFinished());
  root_ = Future<>();
  for (const Future<>& other : others_) EXPECT_TRUE(other.finished());
  others_.clear();
}

void Stage::step() {
  if (++steps_ == at_) strike();
}

void Stage::strike() {
  if (blow_ == Blow::cancelAtOnce && root_.isValid()) return root_.cancelSoon();
  if (blow_ == Blow::cancelInTheNextTick && root_.isValid()) {
    return futures_->callSoon(inTheNextTick_, onTick, this);
  }
  mustStrike_ = true;
}

void Stage::setRoot(Future<> root) {
  root_ = std::move(root);
  if (blow_ == Blow::cancelAtOnce && std::exchange(mustStrike_, false)) root_.cancelSoon();
}

void Stage::strikeBetweenPolls() {
  if (!std::exchange(mustStrike_, false)) return;
  if (blow_ <= Blow::cancelInTheNextPoll) return root_.cancelSoon();
  isOver_ = true;
  if (blow_ != Blow::endFutures) ownedTransports_.reset();
  if (blow_ != Blow::endTransports) ownedFutures_.reset();
}

// What waits for others that have gone, or could not be started, is cancelled.
bool Stage::goOn() {
  const PollResult result = reactor_.poll(std::chrono::seconds(10));
  EXPECT_EQ(result.error, std::error_code());
  if (result.callbacks > 0) return true;
  bool isAsked = !isRootFinished() && root_.tryCancel();
  wasStuck_ = wasStuck_ || isAsked;
  for (Future<>& other : others_) isAsked = other.tryCancel() || isAsked;
  return isAsked;
}

void Stage::run() {
  strikeBetweenPolls();
  while (ownedFutures_ != nullptr && futures_->hasPendingOperations()) {
    ASSERT_TRUE(goOn()) << "nothing can finish it";
    if (::testing::Test::HasFailure()) return;
    strikeBetweenPolls();
  }
}

void Stage::add(Future<> other) {
  const MemoryAssured assured;
  others_.push_back(std::move(other));
}

void expectInOrder(const Stage& stage, const std::string& letters, char root) {
  std::string expected;
  std::size_t left = 0;
  for (const char letter : stage.log) left += letter == root ? 1 : 0;
  for (const char letter : letters) {
    if (letter != root || left > 0) expected += letter;
    if (letter == root && left > 0) --left;
  }
  EXPECT_EQ(stage.log, expected);
}

}  // namespace kairos
