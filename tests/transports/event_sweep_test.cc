// SPDX-License-Identifier: MIT OR Apache-2.0
// Each allocation, and each system call, of events, queues between threads, and sets of signals
// fails in turn.
#include <gtest/gtest.h>
#include <pthread.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <utility>

#include "kairos/tests/transports/scene.h"
#include "kairos/transports/signal_set.h"
#include "kairos/transports/thread_async_event.h"
#include "kairos/transports/thread_queue.h"

namespace kairos {
namespace {

using namespace std::chrono_literals;

// Two wait for an event, one after the other; then a wait that blocks gets one.
class EventScene : public Scene {
 public:
  explicit EventScene(const Stage& stage) : Scene(stage) {
    if (note(ThreadAsyncEvent::open(event_))) return;
    await(first_);
    event_.notify();
  }

  void close() { event_.close(); }

  void expectSuccess() const {
    EXPECT_TRUE(isWell());
    EXPECT_TRUE(isDone_);
  }

 private:
  void await(Act<EventOperation>& operation) {
    const bool isBegun =
        operation.begin([&](auto... with) { return event_.wait(context(), operation, with...); });
    if (!isBegun) close();
  }
  void onFirst() {
    if (first_.error) return close();
    await(second_);
    event_.notify();
  }
  void onSecond() {
    if (second_.error) return close();
    event_.notify();
    isDone_ = !note(event_.waitSync(1h));
  }

  ThreadAsyncEvent event_;
  Act<EventOperation> first_{*this, [this] { onFirst(); }};
  Act<EventOperation> second_{*this, [this] { onSecond(); }};
  bool isDone_ = false;
};

// One posts to the queue, and each of three posts the next.
class QueueScene : public Scene {
 public:
  explicit QueueScene(const Stage& stage) : Scene(stage) {
    if (note(ThreadQueue::open(context(), queue_))) return;
    poster_ = queue_.poster();
    post();
  }

  void close() { queue_.close(); }

  void expectSuccess() const {
    EXPECT_TRUE(isWell());
    EXPECT_EQ(posted_, posts_.size());
  }

 private:
  void post() {
    if (posted_ == posts_.size()) return;
    Act<PostOperation>& operation = posts_[posted_++];
    operation.begin([&](auto... with) { return poster_.post(operation, with...); });
  }

  ThreadQueue queue_;
  ThreadPoster poster_;
  std::array<Act<PostOperation>, 3> posts_{Act<PostOperation>(*this, [this] { post(); }),
                                           Act<PostOperation>(*this, [this] { post(); }),
                                           Act<PostOperation>(*this, [this] { post(); })};
  std::size_t posted_ = 0;
};

bool isBlocked(int signal) {
  sigset_t mask;
  EXPECT_EQ(::pthread_sigmask(SIG_BLOCK, nullptr, &mask), 0);
  return ::sigismember(&mask, signal) == 1;
}

// Two signals, the second one of a kind that was added late.
class SignalScene : public Scene {
 public:
  explicit SignalScene(const Stage& stage) : Scene(stage) {
    if (note(SignalSet::open(context(), {SIGUSR1}, set_))) return;
    ::raise(SIGUSR1);
    await(first_);
  }

  // None is pending then that would end the program, and none is blocked.
  void close() {
    set_.close();
    EXPECT_FALSE(isBlocked(SIGUSR1) || isBlocked(SIGUSR2));
  }

  void expectSuccess() const {
    EXPECT_TRUE(isWell());
    EXPECT_EQ(first_.number, SIGUSR1);
    EXPECT_EQ(second_.number, SIGUSR2);
  }

 private:
  void await(Act<SignalOperation>& operation) {
    if (!operation.begin([&](auto... with) { return set_.wait(operation, with...); })) close();
  }
  void onFirst() {
    if (first_.error || note(set_.add(SIGUSR2))) return close();
    ::raise(SIGUSR2);
    await(second_);
  }

  SignalSet set_;
  Act<SignalOperation> first_{*this, [this] { onFirst(); }};
  Act<SignalOperation> second_{*this};
};

TEST(EventSweepTest, SurvivesTheWantOfMemory) {
  sweepAllocations<EventScene>(2);
  sweepAllocations<QueueScene>(3);
  sweepAllocations<SignalScene>(2);
}

TEST(EventSweepTest, ReportsErrorsOfTheOs) {
  sweepCalls<EventScene>({{SystemCall::eventfd, EMFILE},
                          {SystemCall::fcntl, EMFILE},
                          {SystemCall::epollCtl, ENOMEM},
                          {SystemCall::epollCtl, ENOSPC}});
  sweepCalls<QueueScene>(
      {{SystemCall::eventfd, ENFILE}, {SystemCall::fcntl, EMFILE}, {SystemCall::epollCtl, ENOSPC}});
  sweepCalls<SignalScene>({{SystemCall::signalfd, EMFILE},
                           {SystemCall::epollCtl, ENOMEM},
                           {SystemCall::epollCtl, ENOSPC}});
}

}  // namespace
}  // namespace kairos
