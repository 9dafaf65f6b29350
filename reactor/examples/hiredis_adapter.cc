// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/reactor/examples/hiredis_adapter.h"

#include <sys/time.h>

#include <chrono>
#include <system_error>

#include "kairos/reactor/examples/watched_fd.h"

namespace kairos::examples {
namespace {

// The hooks that hiredis calls, with an Adapter as their argument.
class Adapter {
 public:
  Adapter(Reactor& reactor, redisAsyncContext& context)
      : reactor_(reactor),
        context_(context),
        watched_(reactor, context.c.fd, onReadable, onWritable, this) {}

  ~Adapter() {
    reactor_.removeTimer(timer_);
    reactor_.removeTimer(refusal_);
  }

  Adapter(const Adapter&) = delete;
  Adapter& operator=(const Adapter&) = delete;

  static void addRead(void* self) { of(self).settle(of(self).watched_.watchReads(true)); }
  static void delRead(void* self) { of(self).settle(of(self).watched_.watchReads(false)); }
  static void addWrite(void* self) { of(self).settle(of(self).watched_.watchWrites(true)); }
  static void delWrite(void* self) { of(self).settle(of(self).watched_.watchWrites(false)); }
  // Maybe in the middle of onReadable or onWritable, which must not touch the adapter afterwards.
  static void cleanup(void* self) { delete &of(self); }

  // Each call replaces the deadline of the last.
  template <typename Context>
  static void scheduleTimer(void* self, timeval delay) {
    Adapter& adapter = of(self);
    adapter.reactor_.removeTimer(adapter.timer_);
    adapter.timer_ = adapter.reactor_.addTimer(
        std::chrono::seconds(delay.tv_sec) + std::chrono::microseconds(delay.tv_usec),
        onTimer<Context>, self);
    if (adapter.timer_ == TimerId::none) {
      adapter.settle(std::make_error_code(std::errc::not_enough_memory));
    }
  }

 private:
  static Adapter& of(void* self) { return *static_cast<Adapter*>(self); }

  static void onReadable(void* self) { redisAsyncHandleRead(&of(self).context_); }
  static void onWritable(void* self) { redisAsyncHandleWrite(&of(self).context_); }
  static void onRefused(void* self) { redisAsyncFree(&of(self).context_); }

  template <typename Context>
  static void onTimer(void* self) {
    Context* const context = &of(self).context_;
    redisAsyncHandleTimeout(context);
  }

  // hiredis cannot be told inside a hook that something failed, so that has to wait.
  void settle(std::error_code error) {
    if (!error) return;
    reactor_.removeTimer(refusal_);
    refusal_ = reactor_.addTimer(Clock::duration::zero(), onRefused, this);
  }

  Reactor& reactor_;
  redisAsyncContext& context_;
  WatchedFd watched_;
  TimerId timer_ = TimerId::none;
  TimerId refusal_ = TimerId::none;
};

// hiredis has timeouts since version 1.0. What depends on a template argument is looked up only
// where it exists.
template <typename Context>
void attachTimer(Context& context) {
  if constexpr (requires { context.ev.scheduleTimer; }) {
    context.ev.scheduleTimer = &Adapter::scheduleTimer<Context>;
  }
}

}  // namespace

void attach(Reactor& reactor, redisAsyncContext& context) {
  context.ev.data = new Adapter(reactor, context);
  context.ev.addRead = &Adapter::addRead;
  context.ev.delRead = &Adapter::delRead;
  context.ev.addWrite = &Adapter::addWrite;
  context.ev.delWrite = &Adapter::delWrite;
  context.ev.cleanup = &Adapter::cleanup;
  attachTimer(context);
}

}  // namespace kairos::examples
