// SPDX-License-Identifier: MIT OR Apache-2.0
// What the OS refuses to events, queues between threads, and sets of signals.
#include <gtest/gtest.h>
#include <pthread.h>

#include <cerrno>
#include <csignal>
#include <optional>
#include <set>

#include "kairos/tests/support/allocations.h"
#include "kairos/tests/support/descriptors.h"
#include "kairos/tests/support/system_calls.h"
#include "kairos/tests/transports/fixture.h"
#include "kairos/transports/signal_set.h"
#include "kairos/transports/thread_async_event.h"
#include "kairos/transports/thread_queue.h"

namespace kairos {
namespace {

using Event = Watched<EventOperation>;
using Signal = Watched<SignalOperation>;

bool isBlocked(int signal) {
  sigset_t mask;
  EXPECT_EQ(::pthread_sigmask(SIG_BLOCK, nullptr, &mask), 0);
  return ::sigismember(&mask, signal) == 1;
}

class EventFaultTest : public StreamTest {
 protected:
  std::error_code wait(Event& event) { return event_.wait(context_, event, Event::done, &event); }
  ThreadAsyncEvent event_;
};

INSTANTIATE_TEST_SUITE_P(Backends, EventFaultTest, backends(), backendName);

TEST_P(EventFaultTest, OpensNothingWithoutADescriptor) {
  const std::set<Fd> before = openFds();
  failCalls(SystemCall::eventfd, EMFILE);
  EXPECT_EQ(ThreadAsyncEvent::open(event_), std::errc::too_many_files_open);
  EXPECT_FALSE(event_.isOpen());
  ThreadQueue queue;
  failCalls(SystemCall::eventfd, EMFILE);
  EXPECT_EQ(ThreadQueue::open(context_, queue), std::errc::too_many_files_open);
  failCalls(SystemCall::fcntl, EMFILE);
  EXPECT_EQ(ThreadQueue::open(context_, queue), std::errc::too_many_files_open);
  time_.failWatch(std::errc::no_space_on_device);
  EXPECT_EQ(ThreadQueue::open(context_, queue), std::errc::no_space_on_device);
  EXPECT_FALSE(queue.isOpen());
  EXPECT_TRUE(openedSince(before).empty());
}

TEST_P(EventFaultTest, RefusesAWaitThatCannotBeRegistered) {
  ok(ThreadAsyncEvent::open(event_));
  const std::set<Fd> before = openFds();
  Event waiting;
  failCalls(SystemCall::fcntl, EMFILE);
  EXPECT_EQ(wait(waiting), std::errc::too_many_files_open);
  time_.failWatch(std::errc::no_space_on_device);
  EXPECT_EQ(wait(waiting), std::errc::no_space_on_device);
  EXPECT_FALSE(waiting.isPending());
  EXPECT_EQ(openedSince(before), std::set<Fd>());
  ok(wait(waiting));
  event_.notify();
  settle();
  EXPECT_EQ(waiting.completions(), 1u);
}

TEST_P(EventFaultTest, OpensNoSetWithoutADescriptor) {
  const std::set<Fd> before = openFds();
  SignalSet set;
  failCalls(SystemCall::signalfd, EMFILE);
  EXPECT_EQ(SignalSet::open(context_, {SIGUSR1}, set), std::errc::too_many_files_open);
  for (const std::size_t earlier : {1u, 2u}) {
    failCalls(SystemCall::signalfd, ENODEV, 1, earlier);
    EXPECT_EQ(SignalSet::open(context_, {SIGUSR1, SIGUSR2}, set), std::errc::no_such_device);
    EXPECT_FALSE(isBlocked(SIGUSR1));
    EXPECT_FALSE(isBlocked(SIGUSR2));
  }
  EXPECT_TRUE(openedSince(before).empty());
  ok(SignalSet::open(context_, {SIGUSR1, SIGUSR2}, set));
}

TEST_P(EventFaultTest, ReportsThatASetCannotBeWatched) {
  SignalSet set;
  ok(SignalSet::open(context_, {SIGUSR1}, set));
  time_.failWatch(std::errc::no_space_on_device);
  Signal waiting;
  ok(set.wait(waiting, Signal::done, &waiting));
  settle();
  EXPECT_EQ(waiting.error, std::errc::no_space_on_device);
  ::raise(SIGUSR1);
  ok(set.wait(waiting, Signal::done, &waiting));
  settle();
  EXPECT_EQ(waiting.number, SIGUSR1);
}

// On the real backend, which allocates nothing here.
TEST(EventMemoryTest, IsReportedWhenItRunsOut) {
  Reactor reactor;
  TransportContext context(reactor);
  const std::set<Fd> before = openFds();
  const auto isRefused = [](std::size_t nth, auto open) {
    const OutOfMemory outOfMemory(nth, 1);
    const std::error_code error = open();
    EXPECT_EQ(outOfMemory.happened(), error == std::errc::not_enough_memory);
    return outOfMemory.happened();
  };
  {
    ThreadAsyncEvent event;
    EXPECT_TRUE(isRefused(1, [&] { return ThreadAsyncEvent::open(event); }));
    SignalSet set;
    EXPECT_TRUE(isRefused(1, [&] { return SignalSet::open(context, {SIGUSR1}, set); }));
    ThreadQueue queue;
    std::size_t nth = 1;
    while (isRefused(nth, [&] { return ThreadQueue::open(context, queue); })) ++nth;
    EXPECT_GE(nth, 4u);
    EXPECT_TRUE(queue.isOpen());
  }
  EXPECT_FALSE(isBlocked(SIGUSR1));
  EXPECT_TRUE(openedSince(before).empty());
}

TEST(EventMemoryTest, IsReportedByAContextThatFoundNone) {
  Reactor reactor;
  std::optional<TransportContext> context;
  {
    const OutOfMemory outOfMemory;
    context.emplace(reactor);
  }
  const std::set<Fd> before = openFds();
  ThreadQueue queue;
  EXPECT_EQ(ThreadQueue::open(*context, queue), std::errc::not_enough_memory);
  ThreadAsyncEvent event;
  ASSERT_FALSE(ThreadAsyncEvent::open(event));
  Event waiting;
  EXPECT_EQ(event.wait(*context, waiting, Event::done, &waiting), std::errc::not_enough_memory);
  SignalSet set;
  EXPECT_EQ(SignalSet::open(*context, {SIGUSR1}, set), std::errc::not_enough_memory);
  event = ThreadAsyncEvent();
  EXPECT_TRUE(openedSince(before).empty());
}

// Waking a loop, and posting to it, allocate nothing and register nothing anew.
TEST(EventCostTest, IsOneWakeUpWithoutAllocation) {
  Reactor reactor;
  TransportContext context(reactor);
  ThreadQueue queue;
  ASSERT_FALSE(ThreadQueue::open(context, queue));
  const ThreadPoster poster = queue.poster();
  Watched<PostOperation> posted;
  const auto post = [&] {
    ASSERT_FALSE(poster.post(posted, Watched<PostOperation>::done, &posted));
    while (posted.isPending()) reactor.poll(Reactor::forever);
  };
  post();
  const SystemCallCount calls;
  const AllocationCount allocations;
  for (int i = 0; i < 100; ++i) post();
  EXPECT_EQ(posted.completions(), 101u);
  EXPECT_EQ(calls.waits(), 100u);
  EXPECT_EQ(calls[SystemCall::epollCtl], 0u);
  EXPECT_EQ(allocations.allocations(), 0u);
}

}  // namespace
}  // namespace kairos
