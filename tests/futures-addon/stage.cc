// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/tests/futures-addon/stage.h"

#include <set>
#include <system_error>

#include "kairos/tests/support/allocations.h"
#include "kairos/tests/support/descriptors.h"

namespace kairos {

Stage::Stage(VirtualTime::Open open, bool isVirtual, Blow blow, int at)
    : time_(open),
      reactor_(detail::ReactorAccess::create(isVirtual ? time_.open() : open())),
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
  EXPECT_TRUE(root_.finished());
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

// What waits for the root alone is cancelled when that has gone.
bool Stage::goOn() {
  const PollResult result = reactor_.poll(std::chrono::seconds(10));
  EXPECT_EQ(result.error, std::error_code());
  if (result.callbacks > 0 || !root_.finished()) return result.callbacks > 0;
  bool isAsked = false;
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

namespace {

// Whether it was hit.
bool play(const StageScenario& scenario, VirtualTime::Open open, bool isVirtual, Blow blow,
          int at) {
  Stage stage(open, isVirtual, blow, at);
  scenario.start(stage);
  stage.run();
  if (!::testing::Test::HasFailure() && blow <= Blow::cancelInTheNextPoll) scenario.check(stage);
  return stage.wasHit();
}

}  // namespace

int sweep(const StageScenario& scenario, VirtualTime::Open open, bool isVirtual) {
  constexpr int stepsMax = 1000;
  int blows = 0;
  for (const Blow blow : allBlows) {
    for (int at = 1; at < stepsMax; ++at) {
      SCOPED_TRACE(testing::Message()
                   << scenario.name << ", blow " << static_cast<int>(blow) << " at step " << at);
      const std::set<Fd> fdsBefore = openFds();
      const AllocationCount memoryBefore;
      const bool wasHit = play(scenario, open, isVirtual, blow, at);
      if (::testing::Test::HasFailure()) return blows;
      EXPECT_EQ(memoryBefore.bytes(), 0);
      EXPECT_EQ(openFds(), fdsBefore);
      if (!wasHit) break;
      ++blows;
    }
  }
  return blows;
}

}  // namespace kairos
