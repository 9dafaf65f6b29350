// SPDX-License-Identifier: MIT OR Apache-2.0
// What hands things from thread to thread, with its threads' steps in every order.
#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <utility>
#include <vector>

#include "kairos/reactor/reactor.h"
#include "kairos/tests/interleaving/schedules.h"
#include "kairos/transports/error.h"
#include "kairos/transports/thread_async_event.h"
#include "kairos/transports/thread_queue.h"
#include "kairos/transports/transport_context.h"

namespace kairos {
namespace {

constexpr std::size_t preemptionsMax = 2;

// A loop that polls without waiting: what it does not find, nothing would wake it for.
struct Loop {
  Reactor reactor;
  TransportContext context{reactor};

  std::size_t poll() {
    Schedules::step();
    return reactor.poll(Clock::duration::zero()).callbacks;
  }
  void settle() {
    while (poll() > 0) {
    }
  }
};

// What the posts of two threads have come to, in the order of their callbacks.
struct Posts {
  struct Post : PostOperation {
    static void done(void* udata) {
      auto& post = *static_cast<Post*>(udata);
      post.all->done.push_back(&post);
    }

    Posts* all = nullptr;
    std::error_code refusal;
  };

  Posts() {
    for (auto& thread : of) {
      for (Post& post : thread) post.all = this;
    }
  }
  void postThoseOf(std::size_t thread, ThreadPoster poster) {
    for (Post& post : of[thread]) post.refusal = poster.post(post, Post::done, &post);
  }

  // Each that was not refused has been called back once, and those of a thread in their order.
  bool areWell() const {
    std::size_t accepted = 0;
    for (const auto& thread : of) {
      std::size_t before = 0;
      for (const Post& post : thread) {
        if (post.refusal) continue;
        ++accepted;
        const std::size_t place = placeOf(post);
        if (place == 0 || place < before) return false;
        before = place;
      }
    }
    return done.size() == accepted;
  }
  // From 1, 0 if there is none.
  std::size_t placeOf(const Post& post) const {
    for (std::size_t i = 0; i < done.size(); ++i) {
      if (done[i] == &post) return i + 1;
    }
    return 0;
  }

  std::array<std::array<Post, 2>, 2> of;
  std::vector<const Post*> done;
};

// IW1, IW2: each post runs once, in the order of its thread, and none is forgotten by a loop that
// waits.
TEST(ThreadInterleavingTest, EachPostRunsOnce) {
  Schedules schedules(preemptionsMax);
  while (schedules.next() && !HasFailure()) {
    Loop loop;
    ThreadQueue queue;
    ASSERT_FALSE(ThreadQueue::open(loop.context, queue));
    Posts posts;
    const ThreadPoster poster = queue.poster();
    schedules.run({[&] {
                     loop.poll();
                     loop.poll();
                   },
                   [&] { posts.postThoseOf(0, poster); }, [&] { posts.postThoseOf(1, poster); }});
    loop.settle();
    EXPECT_EQ(posts.done.size(), 4U) << schedules.describe();
    EXPECT_TRUE(posts.areWell()) << schedules.describe();
  }
  EXPECT_GT(schedules.count(), 100U);
}

// IW5: refused, or run once, though the queue is closed meanwhile, and gone for all but its
// posters.
TEST(ThreadInterleavingTest, APostToAQueueThatClosesIsRefusedOrRuns) {
  Schedules schedules(preemptionsMax);
  while (schedules.next() && !HasFailure()) {
    Loop loop;
    ThreadQueue queue;
    ASSERT_FALSE(ThreadQueue::open(loop.context, queue));
    Posts posts;
    std::array<ThreadPoster, 2> posters{queue.poster(), queue.poster()};
    schedules.run({[&] {
                     loop.poll();
                     queue.close();
                   },
                   [&] { posts.postThoseOf(0, std::move(posters[0])); },
                   [&] { posts.postThoseOf(1, std::move(posters[1])); }});
    loop.settle();
    EXPECT_TRUE(posts.areWell()) << schedules.describe();
    for (const auto& thread : posts.of) {
      for (const auto& post : thread) {
        EXPECT_TRUE(!post.refusal || post.refusal == TransportError::closed);
      }
    }
  }
  EXPECT_GT(schedules.count(), 100U);
}

// Waits again and again, and notes what it saw of what the others had done before they told it.
struct Watcher : EventOperation {
  static void done(void* udata) {
    auto& watcher = *static_cast<Watcher*>(udata);
    watcher.seen = watcher.told;
    if (!watcher.error) watcher.wait();
  }
  void wait() {
    if (event.wait(*context, *this, done, this)) ++refusals;
  }

  TransportContext* context = nullptr;
  ThreadAsyncEvent event;
  std::array<int, 2> told{};  // by each of two threads
  std::array<int, 2> seen{};
  int refusals = 0;
};

// IW2: whoever waits sees the last that was done before a notify.
TEST(ThreadInterleavingTest, TheLastNotifyIsSeen) {
  Schedules schedules(preemptionsMax);
  while (schedules.next() && !HasFailure()) {
    Loop loop;
    Watcher watcher;
    watcher.context = &loop.context;
    ASSERT_FALSE(ThreadAsyncEvent::open(watcher.event));
    watcher.wait();
    const auto tellTwice = [&watcher](std::size_t thread) {
      for (int i = 1; i <= 2; ++i) {
        watcher.told[thread] = i;
        watcher.event.notify();
      }
    };
    schedules.run({[&] {
                     loop.poll();
                     loop.poll();
                   },
                   [&] { tellTwice(0); }, [&] { tellTwice(1); }});
    loop.settle();
    EXPECT_EQ(watcher.seen, (std::array<int, 2>{2, 2})) << schedules.describe();
    EXPECT_EQ(watcher.refusals, 0);
  }
  EXPECT_GT(schedules.count(), 100U);
}

// IW5
TEST(ThreadInterleavingTest, AnEventThatClosesEndsWhoWaits) {
  Schedules schedules(preemptionsMax);
  while (schedules.next() && !HasFailure()) {
    Loop loop;
    Watcher watcher;
    watcher.context = &loop.context;
    ASSERT_FALSE(ThreadAsyncEvent::open(watcher.event));
    watcher.wait();
    schedules.run({[&] {
                     loop.poll();
                     loop.poll();
                   },
                   [&] { watcher.event.notify(); }, [&] { watcher.event.close(); }});
    loop.settle();
    EXPECT_FALSE(watcher.isPending()) << schedules.describe();
    EXPECT_TRUE(watcher.error == TransportError::closed || watcher.refusals == 1);
  }
  EXPECT_GT(schedules.count(), 50U);
}

}  // namespace
}  // namespace kairos
