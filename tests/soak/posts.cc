// SPDX-License-Identifier: MIT OR Apache-2.0
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <thread>
#include <vector>

#include "kairos/reactor/reactor.h"
#include "kairos/tests/soak/programs.h"
#include "kairos/transports/thread_queue.h"
#include "kairos/transports/transport_context.h"

namespace kairos::soak {
namespace {

constexpr std::size_t threads = 4;
constexpr std::size_t inFlight = 256;  // of one thread
constexpr std::uint64_t postsPerLife = 20'000;

class Producer;

struct Post {
  PostOperation operation;
  Producer* producer = nullptr;
  std::uint64_t number = 0;
  std::atomic<bool> isFree{true};
};

// A thread that posts numbers, which have to come in order, each once.
class Producer {
 public:
  explicit Producer(ThreadPoster poster) : poster_(std::move(poster)) {}

  void start() {
    thread_ = std::thread([this] { post(); });
  }
  void join() { thread_.join(); }

  std::uint64_t received() const { return received_; }
  std::uint64_t wrong() const { return wrong_; }

 private:
  static void onPost(void* udata) {
    auto& post = *static_cast<Post*>(udata);
    Producer& producer = *post.producer;
    if (post.number != producer.received_ || post.operation.error) ++producer.wrong_;
    ++producer.received_;
    post.isFree.store(true, std::memory_order_release);
  }

  void post() {
    for (std::uint64_t number = 0; number < postsPerLife; ++number) {
      Post& post = posts_[number % inFlight];
      while (!post.isFree.load(std::memory_order_acquire)) std::this_thread::yield();
      post.isFree.store(false, std::memory_order_relaxed);
      post.producer = this;
      post.number = number;
      if (poster_.post(post.operation, onPost, &post)) ++wrong_;
    }
  }

  ThreadPoster poster_;
  std::array<Post, inFlight> posts_;
  std::uint64_t received_ = 0;  // on the loop's thread
  std::uint64_t wrong_ = 0;
  std::thread thread_;
};

// A loop and its queue from beginning to end.
void live(Figures& figures) {
  Reactor reactor;
  TransportContext context(reactor);
  ThreadQueue queue;
  if (ThreadQueue::open(context, queue)) {
    ++figures.errors;
    return;
  }
  std::vector<std::unique_ptr<Producer>> producers;
  for (std::size_t i = 0; i < threads; ++i) {
    producers.push_back(std::make_unique<Producer>(queue.poster()));
  }
  for (const auto& each : producers) each->start();
  const Budget patience(60);
  const auto received = [&] {
    std::uint64_t all = 0;
    for (const auto& each : producers) all += each->received();
    return all;
  };
  while (received() < threads * postsPerLife && !patience.isOver()) {
    reactor.poll(std::chrono::milliseconds(100));
  }
  for (const auto& each : producers) each->join();
  figures.ok += received();
  figures.lost += threads * postsPerLife - received();
  for (const auto& each : producers) figures.corrupt += each->wrong();
}

}  // namespace

Figures posts(const Budget& budget) {
  Figures figures{.name = "posts"};
  live(figures);
  figures.fdsBefore = openDescriptors(::getpid());
  figures.rssBefore = residentKilobytes(::getpid());
  int lives = 1;
  for (; !budget.isOver(); ++lives) live(figures);
  figures.fdsAfter = openDescriptors(::getpid());
  figures.rssAfter = residentKilobytes(::getpid());
  char text[100];
  std::snprintf(text, sizeof text, "%d queues opened and closed, %.0f ns for a post", lives,
                budget.spent() * 1e9 / static_cast<double>(figures.ok));
  figures.more = text;
  return figures;
}

}  // namespace kairos::soak
