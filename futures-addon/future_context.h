// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_FUTURES_ADDON_FUTURE_CONTEXT_H_
#define KAIROS_FUTURES_ADDON_FUTURE_CONTEXT_H_

#include <cstddef>
#include <exception>

#include "kairos/futures-addon/source_location.h"
#include "kairos/futures-addon/waiter.h"
#include "kairos/reactor/reactor.h"

namespace kairos {

namespace detail {
class ContextCore;
struct ContextCoreAccess;
}  // namespace detail

// What the futures on one reactor share: the queue of callbacks and coroutines that are ready to
// run, and memory that is used again.
//
// A tick is one drain of that queue, in the order in which they became ready; what is added during
// a drain runs in the next one. A deferred call of the reactor drains it, and so does the callback
// of a sleep, a limit or a bucket that has finished something, when its work is done.
//
//   Thread      that of the reactor, of which making this is a use, for all that is made on it
//   Ownership   Borrows the reactor, and is destroyed before it. Futures that are pending then, and
//               that somebody waits for, are cancelled and what waits runs, inside the destructor,
//               where it must not throw. A Promise that nobody waits for stays as it is: it may be
//               finished and read, and is cancelled when it is awaited. A coroutine that still
//               waits after that (for a transport, or a noCancel) is cancelled where it stands: its
//               frame goes with the last Future of it. Work that starts new work again and again is
//               refused it in the end (FutureError). Finished futures stay readable. Must not be
//               destroyed inside a callback.
//   Errors      The constructor and all that makes futures throw std::bad_alloc.
//   Memory      keeps up to 1 MiB of freed blocks of each size
class FutureContext {
 public:
  explicit FutureContext(Reactor& reactor);
  ~FutureContext();
  FutureContext(const FutureContext&) = delete;
  FutureContext& operator=(const FutureContext&) = delete;

  Reactor& reactor() const noexcept;

  // Calls `callback(udata)` in the next tick, never inside this call.
  //   Errors    FutureError: no callback, or `waiter` waits already
  void callSoon(CallbackFunc callback, void* udata);
  void callSoon(Waiter& waiter, CallbackFunc callback, void* udata);

  // Something is ready to run, somebody waits for a future, or a sleep or a coroutine goes on.
  bool hasPendingOperations() const noexcept;

  // An error that nobody looked at, and of which future. Only during the callback below.
  struct UnhandledError {
    std::exception_ptr error;
    SourceLocation created;
  };

  // Calls `callback(udata)` for each failed future whose last handle went before anyone read it,
  // and each that was handed to asyncCheck. Without one, the error is thrown out of
  // Reactor::poll() as if by a callback.
  void setUnhandledErrorCallback(CallbackFunc callback, void* udata) noexcept;
  UnhandledError unhandledError() const;

  // Of futures, frames and callbacks: those in use. Zero when all have gone.
  std::size_t liveBlocks() const noexcept;

 private:
  friend struct detail::ContextCoreAccess;

  detail::ContextCore* core_;
};

}  // namespace kairos

#endif  // KAIROS_FUTURES_ADDON_FUTURE_CONTEXT_H_
