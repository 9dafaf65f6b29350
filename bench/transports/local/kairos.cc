// SPDX-License-Identifier: MIT OR Apache-2.0
#include <array>
#include <chrono>
#include <cstddef>
#include <thread>
#include <vector>

#include "kairos/bench/support/check.h"
#include "kairos/bench/transports/local/cases.h"
#include "kairos/bench/transports/local/measure.h"
#include "kairos/reactor/reactor.h"
#include "kairos/transports/idle_limit.h"
#include "kairos/transports/subprocess_transport.h"
#include "kairos/transports/thread_async_event.h"
#include "kairos/transports/thread_queue.h"
#include "kairos/transports/transport_context.h"

namespace kairos::bench {

void wakeKairos(long count) {
  Reactor reactor;
  TransportContext context(reactor);
  ThreadAsyncEvent event;
  check(!ThreadAsyncEvent::open(event), "open");
  printNanoseconds(count, [&] {
    for (long i = 0; i < count; ++i) event.notify();
  });
}

void postKairos(long count) {
  Reactor reactor;
  TransportContext context(reactor);
  ThreadQueue queue;
  check(!ThreadQueue::open(context, queue), "open");
  std::vector<PostOperation> posts(static_cast<std::size_t>(count));
  long ran = 0;
  const auto onPost = [](void* udata) { ++*static_cast<long*>(udata); };
  printNanoseconds(count, [&] {
    ran = 0;
    std::thread producer([&, poster = queue.poster()] {
      for (PostOperation& each : posts) check(!poster.post(each, onPost, &ran), "post");
    });
    while (ran < count) check(!reactor.poll(Reactor::forever).error, "poll");
    producer.join();
  });
}

void touchKairos(long count) {
  Reactor reactor;
  TransportContext context(reactor);
  IdleLimit limit(context, std::chrono::seconds(60));
  std::vector<IdleOperation> watched(1000);
  for (IdleOperation& each : watched) {
    check(!limit.watch(
              each, [](void*) { failCheck("nothing is idle"); }, nullptr),
          "watch");
  }
  printNanoseconds(count, [&] {
    for (long done = 0; done < count; done += 1000) {
      for (IdleOperation& each : watched) each.touch();
      check(!reactor.poll(Clock::duration::zero()).error, "poll");
    }
  });
}

void spawnKairos(long count) {
  Reactor reactor;
  TransportContext context(reactor);
  const std::array<const char*, 1> arguments{"/bin/true"};
  SubprocessOptions options;
  options.arguments = arguments;
  printNanoseconds(count, [&] {
    for (long i = 0; i < count; ++i) {
      SubprocessTransport child;
      ExitOperation exit;
      check(!SubprocessTransport::start(context, options, child), "start");
      check(!child.wait(
                exit, [](void*) {}, nullptr),
            "wait");
      while (exit.isPending()) check(!reactor.poll(Reactor::forever).error, "poll");
      check(exit.status.isSuccess(), "the child ends well");
    }
  });
}

}  // namespace kairos::bench
