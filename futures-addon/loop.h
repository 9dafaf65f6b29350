// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_FUTURES_ADDON_LOOP_H_
#define KAIROS_FUTURES_ADDON_LOOP_H_

#include <memory>
#include <utility>

#include "kairos/futures-addon/future.h"
#include "kairos/futures-addon/future_context.h"
#include "kairos/futures-addon/run.h"
#include "kairos/futures-addon/sleep.h"
#include "kairos/reactor/reactor.h"
#include "kairos/transports/transport_context.h"

namespace kairos {

// A reactor with the contexts of both layers above it: all that a program with one loop needs.
//
//   Thread      that which makes it; stop() may be called from any thread and any signal handler
//   Ownership   Destroyed, it ends the transports first and then the futures, as their contexts do.
//   Errors      The constructor throws what those of its parts do.
class Loop {
 public:
  Loop() = default;
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  Reactor& reactor() noexcept { return reactor_; }
  FutureContext& futureContext() noexcept { return futures_; }
  TransportContext& transportContext() noexcept { return transports_; }

  // See run.h.
  void run() { runForever(futures_, stop_); }
  void stop() noexcept { stop_.request(); }
  template <class T>
  T waitFor(const Future<T>& future) {
    return kairos::waitFor(futures_, future);
  }
  template <class T>
  T waitFor(Future<T>&& future) {
    return kairos::waitFor(futures_, std::move(future));
  }
  bool drain(Clock::duration limit) { return kairos::drain(futures_, limit); }
  bool hasPendingOperations() const noexcept { return futures_.hasPendingOperations(); }

 private:
  Reactor reactor_;
  StopSource stop_;  // what the end of the others runs may ask it
  FutureContext futures_{reactor_};
  TransportContext transports_{reactor_};
};

// The loop of this thread, made when it is first asked for, destroyed when the thread ends.
Loop& threadLoop();

// Replaces it; nullptr: the next threadLoop() makes another.
//   Errors    FutureError: something is pending on its futures. What a coroutine without a context
//             awaits of its transports is not known there, and ends with the loop.
void setThreadLoop(std::unique_ptr<Loop> loop);

// On the loop of this thread.
inline Future<void> sleepAsync(Clock::duration duration,
                               SourceLocation created = SourceLocation::current()) {
  return sleepAsync(threadLoop().futureContext(), duration, created);
}
template <class T>
T waitFor(const Future<T>& future) {
  return threadLoop().waitFor(future);
}
template <class T>
T waitFor(Future<T>&& future) {
  return threadLoop().waitFor(std::move(future));
}
inline void runForever() { threadLoop().run(); }

}  // namespace kairos

#endif  // KAIROS_FUTURES_ADDON_LOOP_H_
