// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/tests/transports/history.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace kairos {

using std::chrono::milliseconds;

Step::~Step() = default;

History::History(Random& random, BackendKind backend)
    : random_(random),
      time_(backend.open),
      reactor_(detail::ReactorAccess::create(time_.open())),
      contextsLife_(std::in_place, reactor_) {}

History::~History() = default;

void History::run(int steps) {
  for (int i = 0; i < steps && !testing::Test::HasFailure(); ++i) {
    act();
    if (random_.oneIn(20)) disturb();
    if (random_.oneIn(3)) poll();
    if (random_.oneIn(100)) settle();
  }
  settle();
  finish();
}

// What happens to a loop whatever its user does.
void History::disturb() {
  switch (random_.below(3)) {
    case 0:
      return time_.interruptNextWait();
    case 1:
      return time_.advance(milliseconds(random_.below(100)));
    default:
      sawFaults_ = true;
      return time_.failAddition(std::errc::no_space_on_device);
  }
}

void History::enter(std::unique_ptr<Step> step) {
  step->ticket_ = &tickets_.emplace_back(*this, step.get());
  steps_.push_back(std::move(step));
}

bool History::started(Step& step, std::error_code error) {
  step.isStarted_ = !error;
  EXPECT_EQ(step.isPending(), !error);
  if (!error) return true;
  EXPECT_TRUE(isEnding_ || error == TransportError::busy || error == TransportError::queueFull ||
              error == TransportError::notConnected)
      << error.message();
  forget(step);
  return false;
}

void History::cancelled(Step& step, bool answer) {
  if (!answer) return;
  EXPECT_TRUE(step.isPending());
  EXPECT_FALSE(std::exchange(step.isCancelled_, true)) << "cancelled twice";
}

void History::forget(Step& step) {
  onForgotten(step);
  step.ticket_->step = nullptr;
  const auto at = std::find_if(steps_.begin(), steps_.end(),
                               [&step](const auto& each) { return each.get() == &step; });
  std::swap(*at, steps_.back());
  steps_.pop_back();
}

Step* History::anyStep() {
  return steps_.empty() ? nullptr : steps_[random_.below(steps_.size())].get();
}

void History::onCompletion(void* udata) {
  const auto& ticket = *static_cast<Step::Ticket*>(udata);
  ASSERT_NE(ticket.step, nullptr) << "after it was destroyed";
  ticket.history.completed(*ticket.step);
}

void History::completed(Step& step) {
  ++completions_;
  ASSERT_FALSE(isStarting_) << "inside the call that started it";
  ASSERT_TRUE(std::exchange(step.isStarted_, step.isPending())) << "twice";
  ASSERT_TRUE(step.isLoop() || !step.isPending());
  if (!step.isPending() && step.isCancelled()) {
    EXPECT_EQ(step.error(), std::errc::operation_canceled);
  }
  onDone(step);
  if (isSettling_) return;
  if (random_.oneIn(3)) forget(step);
  for (std::size_t left = random_.below(4); left > 0; --left) act();
  if (!isEnding_ && random_.oneIn(50)) throw 1;
}

std::size_t History::poll(Clock::duration timeout) {
  time_.forget();
  try {
    const PollResult result = reactor_.poll(timeout);
    EXPECT_EQ(result.error, std::error_code());
    return result.callbacks;
  } catch (int) {
    return 1;
  }
}

// Timers of the transports run too. Some do so for ever, as long as a peer has no room; then
// nothing completes in many polls.
void History::settle() {
  constexpr int pollsMax = 20000;
  constexpr int enough = 64;
  isSettling_ = true;
  heal();
  calm();
  Clock::duration timeout{};
  int polls = 0;
  for (int quiet = 0; polls < pollsMax && (quiet < enough || mayGoOn()); ++polls) {
    const std::size_t before = completions_;
    const bool isIdle = poll(timeout) == 0;
    timeout = isIdle ? milliseconds(50) : milliseconds(0);
    quiet = completions_ > before ? 0 : quiet + (isIdle ? enough / 8 : 1);
  }
  EXPECT_LT(polls, pollsMax) << "spins, or waits for what is there";
  isSettling_ = false;
  for (const auto& step : steps_) EXPECT_FALSE(step->isPending() && step->isCancelled());
  if (steps_.empty()) tickets_.clear();
  check();
}

void History::finish() {
  isEnding_ = true;
  calm();
  if (random_.oneIn(2)) dropAll();
  contextsLife_.reset();
  for (const auto& step : steps_) EXPECT_FALSE(step->isStarted_) << "never";
  check();
}

}  // namespace kairos
