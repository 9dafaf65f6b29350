// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TRANSPORTS_TRANSPORT_CONTEXT_H_
#define KAIROS_TRANSPORTS_TRANSPORT_CONTEXT_H_

#include "kairos/reactor/reactor.h"

namespace kairos {

namespace detail {
class Context;
struct ContextAccess;
}  // namespace detail

// What the transports on one reactor share: the queue of what is done, and buffers to read into.
//
//   Thread      that of the reactor
//   Ownership   Borrows the reactor, and is destroyed before it. Transports that are still open
//               then are closed: what is pending on them ends with TransportError::closed (waits
//               for a close: with success), its callbacks run inside the destructor and must not
//               throw, and what they start is refused. Must not be destroyed inside a callback.
//   Callbacks   At most completionsPerCallbackMax operations complete in one callback of the
//               reactor; the rest follow in the next poll.
//   Memory      keeps up to 16 free buffers of 16 KiB, which streams take while they hold bytes; if
//               there are datagrams, also two of a MiB to receive those into
class TransportContext {
 public:
  static constexpr int completionsPerCallbackMax = 256;

  explicit TransportContext(Reactor& reactor) noexcept;
  ~TransportContext();
  TransportContext(const TransportContext&) = delete;
  TransportContext& operator=(const TransportContext&) = delete;

 private:
  friend struct detail::ContextAccess;

  // Null: there was no memory for it. Good until all callbacks of the end have run.
  detail::Context* const context_;
};

}  // namespace kairos

#endif  // KAIROS_TRANSPORTS_TRANSPORT_CONTEXT_H_
