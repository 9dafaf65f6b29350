// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/transports/thread_queue.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <memory>
#include <optional>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include "kairos/tests/support/descriptors.h"
#include "kairos/tests/transports/real_time_fixture.h"
#include "kairos/transports/error.h"

namespace kairos {
namespace {

using namespace std::chrono_literals;

using Post = Watched<PostOperation>;

class ThreadQueueTest : public RealTimeTransportTest {
 protected:
  ThreadQueueTest() {
    ok(ThreadQueue::open(context_, queue_));
    poster_ = queue_.poster();
  }
  void post(Post& post) { ok(poster_.post(post, Post::done, &post)); }

  ThreadQueue queue_;
  ThreadPoster poster_;
};

INSTANTIATE_TEST_SUITE_P(Backends, ThreadQueueTest, backends(), backendName);

TEST_P(ThreadQueueTest, RunsOnTheLoopsThreadInTheOrderPosted) {
  std::vector<int> order;
  std::thread::id ranOn;
  Post first([&] { order.push_back(1); });
  Post second([&] { order.push_back(2); });
  Post third([&] {
    order.push_back(3);
    ranOn = std::this_thread::get_id();
  });
  std::thread other([&] {
    post(first);
    post(second);
    post(third);
  });
  pollUntil([&] { return order.size() == 3; });
  other.join();
  EXPECT_EQ(order, (std::vector<int>{1, 2, 3}));
  EXPECT_EQ(ranOn, std::this_thread::get_id());
  EXPECT_FALSE(third.error);
}

TEST_P(ThreadQueueTest, RunsWhatIsPostedInOnePoll) {
  std::vector<Post> posts(100);
  for (Post& each : posts) post(each);
  EXPECT_EQ(posts.front().completions(), 0u);
  poll();
  for (const Post& each : posts) EXPECT_EQ(each.completions(), 1u);
}

// IW4: what a posted callback posts runs in a later poll, behind what others posted.
TEST_P(ThreadQueueTest, LetsAPostThatPostsItselfStarveNobody) {
  Post again;
  again.setThen([&] { post(again); });
  post(again);
  Pair ends = pair();
  Probe readable;
  addReader(ends.near.get(), readable);
  writeByte(ends.far.get());
  for (std::size_t polls = 1; polls <= 10; ++polls) {
    poll();
    EXPECT_EQ(again.completions(), polls);
    EXPECT_EQ(readable.runs(), polls);
  }
  reactor_.removeReader(ends.near.get());
  again.setThen([] {});
  settle();
}

TEST_P(ThreadQueueTest, SpreadsManyPostsOverPollsInOrder) {
  constexpr std::size_t count = 2 * TransportContext::completionsPerCallbackMax;
  std::vector<const Post*> order;
  std::vector<Post> posts(count);
  for (Post& each : posts) {
    each.setThen([&order, &each] { order.push_back(&each); });
    post(each);
  }
  Post last([&] { order.push_back(&last); });
  poll();
  EXPECT_LE(order.size(), std::size_t{TransportContext::completionsPerCallbackMax});
  post(last);
  settle();
  ASSERT_EQ(order.size(), count + 1);
  for (std::size_t i = 0; i < count; ++i) EXPECT_EQ(order[i], &posts[i]);
}

// IW1: nothing is lost, and the order of each thread is kept.
TEST_P(ThreadQueueTest, KeepsTheOrderOfEachOfManyThreads) {
  constexpr int threadCount = 4;
  constexpr int perThread = 5000;
  struct Producer {
    std::vector<PostOperation> operations = std::vector<PostOperation>(perThread);
    int arrived = 0;
  };
  std::vector<Producer> producers(threadCount);
  struct Message {
    Producer& producer;
    int number;
    std::thread::id loop;
    static void run(void* udata) {
      const std::unique_ptr<Message> self(static_cast<Message*>(udata));
      EXPECT_EQ(self->producer.arrived++, self->number);
      EXPECT_EQ(std::this_thread::get_id(), self->loop);
    }
  };
  std::vector<std::thread> threads;
  for (Producer& each : producers) {
    threads.emplace_back([&each, poster = poster_, loop = std::this_thread::get_id()] {
      for (int n = 0; n < perThread; ++n) {
        auto* const message = new Message{each, n, loop};
        ASSERT_FALSE(
            poster.post(each.operations[static_cast<std::size_t>(n)], Message::run, message));
      }
    });
  }
  const auto isComplete = [](const Producer& each) { return each.arrived == perThread; };
  pollUntil([&] { return std::all_of(producers.begin(), producers.end(), isComplete); });
  for (std::thread& each : threads) each.join();
  settle();
  EXPECT_TRUE(std::all_of(producers.begin(), producers.end(), isComplete)) << "none came twice";
}

// The user's memory is the user's again when the callback begins.
TEST_P(ThreadQueueTest, LetsACallbackFreeItsOperation) {
  struct Job {
    PostOperation operation;
    int& runs;
    static void run(void* udata) {
      const std::unique_ptr<Job> self(static_cast<Job*>(udata));
      ++self->runs;
    }
  };
  int runs = 0;
  std::thread other([&runs, poster = poster_] {
    for (int i = 0; i < 1000; ++i) {
      auto* const job = new Job{{}, runs};
      ASSERT_FALSE(poster.post(job->operation, Job::run, job));
    }
  });
  pollUntil([&] { return runs == 1000; });
  other.join();
}

TEST_P(ThreadQueueTest, EndsWhatHasNotRunWhenClosed) {
  std::vector<Post> posts(3);
  for (Post& each : posts) post(each);
  queue_.close();
  queue_.close();
  EXPECT_FALSE(queue_.isOpen());
  Post late;
  EXPECT_EQ(poster_.post(late, Post::done, &late), TransportError::closed);
  EXPECT_FALSE(late.isPending());
  EXPECT_EQ(posts[0].completions(), 0u) << "not inside the call";
  settle();
  for (const Post& each : posts) {
    EXPECT_EQ(each.completions(), 1u);
    EXPECT_EQ(each.error, TransportError::closed);
  }
  EXPECT_EQ(late.completions(), 0u);
}

TEST_P(ThreadQueueTest, EndsWhatHasNotRunWithTheContext) {
  Post posted;
  post(posted);
  endContext();
  EXPECT_EQ(posted.completions(), 1u);
  EXPECT_EQ(posted.error, TransportError::closed);
  EXPECT_FALSE(queue_.isOpen());
  EXPECT_EQ(poster_.post(posted, Post::done, &posted), TransportError::closed);
}

// A handle that outlives the context is that of a closed queue, and so are the posters.
TEST_P(ThreadQueueTest, IsOfNoMoreUseAfterTheContext) {
  Post second;
  ThreadQueue other;
  Post first([&] {
    EXPECT_FALSE(queue_.isOpen());
    EXPECT_EQ(poster_.post(second, Post::done, &second), TransportError::closed);
    EXPECT_EQ(ThreadQueue::open(context_, other), TransportError::closed);
    queue_.close();
  });
  post(first);
  endContext();
  EXPECT_EQ(first.completions(), 1u);
  EXPECT_FALSE(other.isOpen());
  EXPECT_EQ(queue_.poster().post(first, Post::done, &first), TransportError::notConnected);
  queue_.close();
  queue_ = ThreadQueue();
  EXPECT_EQ(poster_.post(first, Post::done, &first), TransportError::closed);
  EXPECT_EQ(first.completions() + second.completions(), 1u);
}

TEST_P(ThreadQueueTest, GivesNoPosterAfterTheContext) {
  endContext();
  Post post;
  EXPECT_EQ(queue_.poster().post(post, Post::done, &post), TransportError::notConnected);
}

TEST_P(ThreadQueueTest, IsClosedByACallbackOfItsOwn) {
  Post first([&] { queue_ = ThreadQueue(); });
  Post second;
  post(first);
  post(second);
  settle();
  EXPECT_EQ(second.completions(), 1u);
  EXPECT_FALSE(second.error) << "it came in time";
  EXPECT_EQ(poster_.post(first, Post::done, &first), TransportError::closed);
}

// IW5, IW1: each post runs, or is refused, whenever the queue is closed, or its context ends.
TEST_P(ThreadQueueTest, IsClosedWhileThreadsPost) {
  for (int round = 0; round < 40; ++round) {
    std::optional<TransportContext> context(std::in_place, reactor_);
    ThreadQueue queue;
    ok(ThreadQueue::open(*context, queue));
    constexpr std::size_t perThread = 1000;
    std::atomic<std::size_t> accepted{0};
    std::size_t ran = 0;
    std::vector<std::vector<PostOperation>> operations(2);
    std::vector<std::thread> threads;
    for (auto& own : operations) {
      own = std::vector<PostOperation>(perThread);
      threads.emplace_back([&own, &accepted, &ran, poster = queue.poster()] {
        for (PostOperation& each : own) {
          if (poster.post(
                  each, [](void* udata) { ++*static_cast<std::size_t*>(udata); }, &ran))
            return;
          ++accepted;
        }
      });
    }
    for (int polls = 0; polls < round / 2; ++polls) poll();
    if (round % 2 == 0) {
      queue = ThreadQueue();
    } else {
      context.reset();
    }
    for (std::thread& each : threads) each.join();
    settle();
    EXPECT_EQ(ran, accepted);
  }
}

const ThreadPoster* handlersPoster = nullptr;
Post* handlersPost = nullptr;

TEST_P(ThreadQueueTest, IsPostedToInASignalHandler) {
  struct sigaction before {};
  struct sigaction posting {};
  posting.sa_handler = [](int) {
    static_cast<void>(handlersPoster->post(*handlersPost, Post::done, handlersPost));
  };
  Post posted;
  handlersPoster = &poster_;
  handlersPost = &posted;
  ASSERT_EQ(::sigaction(SIGUSR1, &posting, &before), 0);
  ::raise(SIGUSR1);
  settle();
  EXPECT_EQ(posted.completions(), 1u);
  ::sigaction(SIGUSR1, &before, nullptr);
}

TEST_P(ThreadQueueTest, RefusesMisuse) {
  Post posted;
  EXPECT_EQ(poster_.post(posted, nullptr, nullptr), std::errc::invalid_argument);
  EXPECT_EQ(ThreadPoster().post(posted, Post::done, &posted), TransportError::notConnected);
  EXPECT_EQ(ThreadQueue().poster().post(posted, Post::done, &posted), TransportError::notConnected);
  EXPECT_FALSE(ThreadQueue().isOpen());
  post(posted);
  EXPECT_EQ(poster_.post(posted, Post::done, &posted), TransportError::busy);
  settle();
}

TEST_P(ThreadQueueTest, LeavesNothingBehind) {
  const std::set<Fd> before = openFds();
  {
    ThreadQueue queue;
    ok(ThreadQueue::open(context_, queue));
    const ThreadPoster poster = queue.poster();
    ThreadQueue moved = std::move(queue);
    EXPECT_TRUE(moved.isOpen());
    EXPECT_FALSE(queue.isOpen());
  }
  EXPECT_TRUE(openedSince(before).empty());
}

}  // namespace
}  // namespace kairos
