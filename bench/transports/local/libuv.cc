// SPDX-License-Identifier: MIT OR Apache-2.0
#include <uv.h>

#include "kairos/bench/support/check.h"
#include "kairos/bench/transports/local/cases.h"
#include "kairos/bench/transports/local/measure.h"

namespace kairos::bench {

void wakeLibuv(long count) {
  uv_loop_t loop;
  uv_async_t event;
  check(uv_loop_init(&loop) == 0, "uv_loop_init");
  check(uv_async_init(&loop, &event, [](uv_async_t*) {}) == 0, "uv_async_init");
  printNanoseconds(count, [&] {
    for (long i = 0; i < count; ++i) uv_async_send(&event);
  });
}

void spawnLibuv(long count) {
  uv_loop_t loop;
  check(uv_loop_init(&loop) == 0, "uv_loop_init");
  char program[] = "/bin/true";
  char* arguments[] = {program, nullptr};
  uv_process_options_t options{};
  options.file = program;
  options.args = arguments;
  options.exit_cb = [](uv_process_t* process, std::int64_t status, int) {
    check(status == 0, "the child ends well");
    uv_close(reinterpret_cast<uv_handle_t*>(process), nullptr);
  };
  printNanoseconds(count, [&] {
    for (long i = 0; i < count; ++i) {
      uv_process_t child;
      check(uv_spawn(&loop, &child, &options) == 0, "uv_spawn");
      uv_run(&loop, UV_RUN_DEFAULT);
    }
  });
}

}  // namespace kairos::bench
