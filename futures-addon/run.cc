// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/futures-addon/run.h"

#include <system_error>

namespace kairos {
namespace {

void pollOnce(Reactor& reactor) {
  const PollResult result = reactor.poll(Reactor::forever);
  if (result.error) throw std::system_error(result.error, "waiting for a future");
}

}  // namespace

namespace detail {

void runUntilFinished(FutureContext& context, const FutureBase& future) {
  if (future.finished()) return;
  FutureBase handle = future;
  handle.attach(context);
  Waiter waiter;
  handle.addCallback(
      waiter, [](void*) {}, nullptr);
  while (waiter.isWaiting()) pollOnce(context.reactor());
}

}  // namespace detail
}  // namespace kairos
