// SPDX-License-Identifier: MIT OR Apache-2.0
#include <uv.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "kairos/bench/support/check.h"
#include "kairos/bench/support/descriptors.h"
#include "kairos/bench/workloads/all.h"

namespace kairos::bench {
namespace {

// libuv by uv_poll_t, one handle per descriptor for both directions, initialised when first used
// and then kept, which is favourable: uv_poll_init makes system calls of its own. Timers in whole
// milliseconds, rounded up, counted from libuv's cached time.
class Libuv {
 public:
  Libuv() { check(uv_loop_init(&loop_) == 0, "uv_loop_init"); }
  ~Libuv() {
    for (const int fd : opened_) {
      uv_close(reinterpret_cast<uv_handle_t*>(&handles_[fd].poll), nullptr);
    }
    for (uv_timer_t& timer : timers_) {
      uv_close(reinterpret_cast<uv_handle_t*>(&timer), nullptr);
    }
    uv_run(&loop_, UV_RUN_DEFAULT);
    check(uv_loop_close(&loop_) == 0, "uv_loop_close");
  }
  Libuv(const Libuv&) = delete;
  Libuv& operator=(const Libuv&) = delete;

  template <Callback callback>
  void addReader(int fd, void* udata) {
    PollHandle& handle = opened(fd);
    handle.reader = callback;
    handle.readerData = udata;
    start(handle, handle.writer == nullptr ? onReadable<callback> : onEither);
  }

  void removeReader(int fd) {
    handles_[fd].reader = nullptr;
    start(handles_[fd], onEither);
  }

  template <Callback callback>
  void addWriter(int fd, void* udata) {
    PollHandle& handle = opened(fd);
    handle.writer = callback;
    handle.writerData = udata;
    start(handle, onEither);
  }

  void removeWriter(int fd) {
    handles_[fd].writer = nullptr;
    start(handles_[fd], onEither);
  }

  using Deadline = std::uint64_t;
  static constexpr std::size_t handleBytes = 0;

  Deadline deadline(std::chrono::nanoseconds after) const {
    return static_cast<Deadline>(std::chrono::ceil<std::chrono::milliseconds>(after).count());
  }

  template <Callback callback>
  void reserveTimers(std::size_t slots) {
    check(timers_.empty(), "timers are reserved once");
    timers_.resize(slots);
    for (uv_timer_t& timer : timers_) {
      check(uv_timer_init(&loop_, &timer) == 0, "uv_timer_init");
    }
  }

  template <Callback callback>
  void addTimer(std::size_t slot, Deadline deadline, void* udata) {
    timers_[slot].data = udata;
    check(uv_timer_start(&timers_[slot], onTimer<callback>, deadline, 0) == 0, "uv_timer_start");
  }

  void removeTimer(std::size_t slot) { check(uv_timer_stop(&timers_[slot]) == 0, "uv_timer_stop"); }

  template <Callback callback>
  void refreshTimer(std::size_t slot, Deadline deadline, void* udata) {
    addTimer<callback>(slot, deadline, udata);
  }

  template <Callback callback>
  void defer(std::size_t slot, void* udata) {
    addTimer<callback>(slot, 0, udata);
  }

  void poll() { uv_run(&loop_, UV_RUN_NOWAIT); }
  void turn() { uv_run(&loop_, UV_RUN_ONCE); }
  void run() { uv_run(&loop_, UV_RUN_DEFAULT); }
  void stop() { uv_stop(&loop_); }

 private:
  struct PollHandle {
    uv_poll_t poll;
    Callback reader;
    void* readerData;
    Callback writer;
    void* writerData;
    bool open;
  };

  template <Callback callback>
  static void onReadable(uv_poll_t* poll, int, int) {
    callback(reinterpret_cast<PollHandle*>(poll)->readerData);
  }

  static void onEither(uv_poll_t* poll, int, int events) {
    const auto* handle = reinterpret_cast<PollHandle*>(poll);
    if ((events & UV_READABLE) != 0 && handle->reader != nullptr) {
      handle->reader(handle->readerData);
    }
    if ((events & UV_WRITABLE) != 0 && handle->writer != nullptr) {
      handle->writer(handle->writerData);
    }
  }

  template <Callback callback>
  static void onTimer(uv_timer_t* timer) {
    callback(timer->data);
  }

  PollHandle& opened(int fd) {
    PollHandle& handle = handles_[fd];
    if (!handle.open) [[unlikely]] {
      check(uv_poll_init(&loop_, &handle.poll, fd) == 0, "uv_poll_init");
      handle.open = true;
      opened_.push_back(fd);
    }
    return handle;
  }

  void start(PollHandle& handle, uv_poll_cb callback) {
    const int events = (handle.reader != nullptr ? int{UV_READABLE} : 0) |
                       (handle.writer != nullptr ? int{UV_WRITABLE} : 0);
    const int result =
        events == 0 ? uv_poll_stop(&handle.poll) : uv_poll_start(&handle.poll, events, callback);
    check(result == 0, "uv_poll_start or uv_poll_stop");
  }

  uv_loop_t loop_;
  DescriptorTable<PollHandle> handles_;
  std::vector<int> opened_;
  std::vector<uv_timer_t> timers_;
};

}  // namespace

void enrollLibuv() { enrollAll<Libuv>("libuv"); }

}  // namespace kairos::bench
