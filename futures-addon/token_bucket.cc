// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/futures-addon/token_bucket.h"

#include <algorithm>
#include <limits>

#include "kairos/futures-addon/detail/context_access.h"
#include "kairos/futures-addon/detail/deadline.h"
#include "kairos/futures-addon/error.h"

namespace kairos {
namespace {

// Ticks times tokens.
__extension__ using Product = unsigned __int128;

}  // namespace

TokenBucket::TokenBucket(FutureContext& context, const TokenBucketOptions& options)
    : core_(detail::ContextCoreAccess::of(context)),
      queue_(core_, *this),
      options_(options),
      level_{options.capacity, options.now(), 0} {
  const bool isPossible = options.capacity > 0 && options.period >= Clock::duration::zero();
  if (!isPossible) throw FutureError("A token bucket has a capacity, and a period or none.");
}

TokenBucket::~TokenBucket() {
  if (timer_ != TimerId::none) core_.reactor().removeTimer(timer_);
  queue_.keepGiven();
}

std::size_t TokenBucket::Awaiter::wanted() const noexcept { return wanted_; }

std::uint64_t TokenBucket::ticks() const noexcept {
  return static_cast<std::uint64_t>(options_.period.count());
}

// Of periods that are over, nothing counts but that the bucket is full. A clock that goes back
// brings nothing.
TokenBucket::Level TokenBucket::levelAt(Clock::time_point now) const noexcept {
  if (ticks() == 0 || now <= level_.since) return level_;
  const auto elapsed = static_cast<std::uint64_t>((now - level_.since).count());
  if (options_.refill == Refill::continuous) return levelAfter(elapsed, now);
  const std::uint64_t periods = elapsed / ticks();
  if (periods == 0) return level_;
  return {capacity(), level_.since + periods * options_.period, 0};
}

TokenBucket::Level TokenBucket::levelAfter(std::uint64_t elapsed,
                                           Clock::time_point now) const noexcept {
  const std::size_t room = capacity() - level_.tokens;
  const Product credit = Product{elapsed} * capacity() + level_.credit;
  if (elapsed >= ticks() || credit >= Product{room} * ticks()) return {capacity(), now, 0};
  const auto tokens = static_cast<std::size_t>(credit / ticks());
  return {level_.tokens + tokens, now, static_cast<std::uint64_t>(credit % ticks())};
}

// Requires that there are fewer now.
Clock::time_point TokenBucket::whenThereAre(std::size_t tokens) const noexcept {
  if (options_.refill == Refill::discrete) return detail::after(level_.since, options_.period);
  const Product missing = Product{tokens - level_.tokens} * ticks() - level_.credit;
  const Product wait = (missing + capacity() - 1) / capacity();
  return detail::after(level_.since, Clock::duration(static_cast<Clock::rep>(wait)));
}

std::size_t TokenBucket::available() const noexcept {
  return queue_.empty() ? levelAt(options_.now()).tokens : 0;
}

bool TokenBucket::tryConsume(std::size_t tokens) noexcept {
  if (!queue_.empty()) return false;
  refill();
  if (tokens > level_.tokens) return false;
  level_.tokens -= tokens;
  return true;
}

void TokenBucket::consume(TokenTurn& turn, std::size_t tokens, CallbackFunc callback, void* udata) {
  detail::TurnQueue::setCallback(turn, callback, udata);
  turn.wanted_ = tokens;
  turn.got_ = 0;
  queue_.add(turn);
  serve();
}

void TokenBucket::replenish(std::size_t tokens) noexcept {
  refill();
  add(tokens);
  serve();
}

void TokenBucket::reset() noexcept {
  level_ = {capacity(), options_.now(), 0};
  serve();
}

void TokenBucket::add(std::size_t tokens) noexcept {
  level_.tokens += std::min(tokens, capacity() - level_.tokens);
}

void TokenBucket::serve() noexcept {
  refill();
  handOut();
}

// There may be more for a moment than it holds.
void TokenBucket::handOut() noexcept {
  while (!queue_.empty() && serveFirst()) {
  }
  level_.tokens = std::min(level_.tokens, capacity());
  setTimer();
}

// False: it has to wait for more.
bool TokenBucket::serveFirst() noexcept {
  auto& turn = static_cast<TokenTurn&>(queue_.first());
  const std::size_t taken = std::min(level_.tokens, turn.wanted_ - turn.got_);
  level_.tokens -= taken;
  turn.got_ += taken;
  if (turn.got_ < turn.wanted_) return false;
  queue_.serveFirst();
  return true;
}

// Without memory for the timer, the next call makes up for it.
void TokenBucket::setTimer() noexcept {
  if (timer_ != TimerId::none) core_.reactor().removeTimer(timer_);
  timer_ = TimerId::none;
  if (queue_.empty() || ticks() == 0) return;
  const auto& turn = static_cast<const TokenTurn&>(queue_.first());
  const std::size_t missing = std::min(turn.wanted_ - turn.got_, capacity());
  timer_ = core_.reactor().addTimer(whenThereAre(missing), onTimer, this);
}

void TokenBucket::onTimer(void* udata) {
  auto& bucket = *static_cast<TokenBucket*>(udata);
  detail::ContextCore& core = bucket.core_;
  bucket.timer_ = TimerId::none;
  core.drainSoon();
  bucket.serve();
  core.drain();
}

void TokenBucket::left(detail::TurnQueue&, Turn& turn) noexcept {
  refill();
  const std::size_t got = static_cast<TokenTurn&>(turn).got_;
  const std::size_t room = std::numeric_limits<std::size_t>::max() - level_.tokens;
  level_.tokens += std::min(got, room);
  handOut();
}

void TokenBucket::takeBack(detail::TurnQueue& queue, Turn& turn) noexcept { left(queue, turn); }

}  // namespace kairos
