// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_FUTURES_ADDON_TOKEN_BUCKET_H_
#define KAIROS_FUTURES_ADDON_TOKEN_BUCKET_H_

#include <coroutine>
#include <cstddef>
#include <cstdint>

#include "kairos/futures-addon/detail/turn_awaiter.h"
#include "kairos/futures-addon/detail/turn_queue.h"
#include "kairos/futures-addon/future_context.h"
#include "kairos/futures-addon/turn.h"
#include "kairos/reactor/reactor.h"

namespace kairos {

// How tokens come back.
enum class Refill : std::uint8_t {
  continuous,  // one after the other, evenly
  discrete,    // all at once, at the end of each period
};

struct TokenBucketOptions {
  std::size_t capacity = 1;
  Clock::duration period{};  // in which an empty bucket is filled; zero: by replenish() alone
  Refill refill = Refill::continuous;
  // The reactor's clock, which is another one in a simulation.
  Clock::time_point (*now)() = Clock::now;
};

// One that takes tokens.
class TokenTurn : public Turn {
 public:
  TokenTurn() = default;
  ~TokenTurn() { forget(); }

 protected:
  explicit TokenTurn(std::size_t tokens) noexcept : wanted_(tokens) {}

 private:
  friend class TokenBucket;

  std::size_t wanted_ = 0;
  std::size_t got_ = 0;
};

// Limits a rate: what is done takes tokens, which come back with time. The bucket is full at first,
// and never more than that. Who wants more than there are waits for them, first come, first served:
// the first takes what comes until it has all, which may be more than the bucket holds. Cancelled,
// it leaves what it has to those behind it; of what they do not need, the bucket keeps what it can
// hold.
//
//   Thread      that of the context
//   Ownership   as AsyncLock, but whoever has its tokens goes on, though it is destroyed
//   Time        Clock, by options.now
//   Errors      The constructor throws FutureError: no capacity, or a negative period.
//   Cost        no allocation; one timer, while somebody waits
class TokenBucket final : private detail::TurnOwner {
 public:
  TokenBucket(FutureContext& context, const TokenBucketOptions& options);
  ~TokenBucket();

  std::size_t capacity() const noexcept { return options_.capacity; }
  // How many could be taken now. Changes nothing.
  std::size_t available() const noexcept;
  std::size_t waiters() const noexcept { return queue_.size(); }

  // All of `tokens` or, with false, none: there are fewer, or others wait.
  bool tryConsume(std::size_t tokens) noexcept;

  // `co_await bucket.consume(tokens);`
  auto consume(std::size_t tokens) noexcept {
    return AwaitCall<Awaiter, TokenBucket&, std::size_t>(*this, tokens);
  }
  // Calls `callback(udata)` when the tokens are taken.
  void consume(TokenTurn& turn, std::size_t tokens, CallbackFunc callback, void* udata);

  // Adds tokens; those that do not fit are lost.
  void replenish(std::size_t tokens) noexcept;

  // Full, and its period begins anew, as when it was made. Who waits goes on, as far as that is
  // enough.
  void reset() noexcept;

 private:
  class Awaiter final : public detail::TurnAwaiter<TokenTurn> {
   public:
    Awaiter(TokenBucket& bucket, std::size_t tokens) noexcept
        : detail::TurnAwaiter<TokenTurn>(tokens), bucket_(bucket) {}
    bool await_ready() noexcept { return bucket_.tryConsume(wanted()); }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> coroutine) noexcept {
      wait(coroutine, bucket_.queue_);
      bucket_.serve();
    }
    void await_resume() { finishOrThrow(); }

   private:
    std::size_t wanted() const noexcept;

    TokenBucket& bucket_;
  };
  // What there is, and since when it counts: a part of a token is in `credit`, in units of which
  // one token has as many as the period has ticks.
  struct Level {
    std::size_t tokens;
    Clock::time_point since;
    std::uint64_t credit;
  };

  static void onTimer(void* udata);
  void takeBack(detail::TurnQueue& queue, Turn& turn) noexcept override;
  void left(detail::TurnQueue& queue, Turn& turn) noexcept override;

  std::uint64_t ticks() const noexcept;
  Level levelAt(Clock::time_point now) const noexcept;
  Level levelAfter(std::uint64_t elapsed, Clock::time_point now) const noexcept;
  Clock::time_point whenThereAre(std::size_t tokens) const noexcept;
  void refill() noexcept { level_ = levelAt(options_.now()); }
  void add(std::size_t tokens) noexcept;
  void serve() noexcept;
  void handOut() noexcept;
  bool serveFirst() noexcept;
  void setTimer() noexcept;

  detail::ContextCore& core_;
  detail::TurnQueue queue_;
  const TokenBucketOptions options_;
  Level level_;
  TimerId timer_ = TimerId::none;
};

}  // namespace kairos

#endif  // KAIROS_FUTURES_ADDON_TOKEN_BUCKET_H_
