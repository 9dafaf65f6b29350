// SPDX-License-Identifier: MIT OR Apache-2.0
#include <ev.h>
#include <spawn.h>
#include <sys/wait.h>

#include <thread>
#include <vector>

#include "kairos/bench/support/check.h"
#include "kairos/bench/transports/local/cases.h"
#include "kairos/bench/transports/local/measure.h"
#include "kairos/bench/transports/servers/asio_types.h"

namespace kairos::bench {

// With its locks: posts come from another thread.
void postAsio(long count) {
  asio::io_context context(1);
  const auto work = asio::make_work_guard(context);
  long ran = 0;
  printNanoseconds(count, [&] {
    ran = 0;
    std::thread producer([&] {
      for (long i = 0; i < count; ++i) asio::post(context, [&ran] { ++ran; });
    });
    while (ran < count) context.run_one();
    producer.join();
  });
}

void touchLibev(long count) {
  struct ev_loop* const loop = ev_loop_new(EVBACKEND_EPOLL);
  check(loop != nullptr, "ev_loop_new");
  std::vector<ev_timer> watched(1000);
  for (ev_timer& each : watched) {
    ev_timer_init(
        &each, [](struct ev_loop*, ev_timer*, int) { failCheck("nothing is idle"); }, 0., 60.);
    ev_timer_again(loop, &each);
  }
  printNanoseconds(count, [&] {
    for (long done = 0; done < count; done += 1000) {
      for (ev_timer& each : watched) ev_timer_again(loop, &each);
      ev_run(loop, EVRUN_NOWAIT);
    }
  });
}

void spawnBare(long count) {
  char program[] = "/bin/true";
  char* arguments[] = {program, nullptr};
  printNanoseconds(count, [&] {
    for (long i = 0; i < count; ++i) {
      pid_t child = -1;
      int status = -1;
      check(::posix_spawn(&child, program, nullptr, nullptr, arguments, environ) == 0,
            "posix_spawn");
      check(::waitpid(child, &status, 0) == child && status == 0, "the child ends well");
    }
  });
}

}  // namespace kairos::bench
