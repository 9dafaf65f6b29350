// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_FUTURES_ADDON_SIGNALS_H_
#define KAIROS_FUTURES_ADDON_SIGNALS_H_

#include <sys/types.h>

#include <system_error>

#include "kairos/futures-addon/detail/transport_awaiter.h"
#include "kairos/futures-addon/transport_call.h"
#include "kairos/transports/signal_set.h"

namespace kairos {

// A signal that came: see SignalOperation, which has the same fields.
struct ReceivedSignal {
  int number = 0;
  int code = 0;
  pid_t sender = 0;
  uid_t senderUser = 0;
  int value = 0;
  int child = 0;
};

namespace detail {

struct SignalCall : BasicCall {
  using Target = SignalSet;
  using Operation = SignalOperation;

  std::error_code start(SignalSet& signals, SignalOperation& operation,
                        AsyncCallback done) const noexcept {
    return signals.wait(operation, done.function, done.udata);
  }
  static ReceivedSignal result(const SignalOperation& operation) noexcept {
    return {operation.number,     operation.code,  operation.sender,
            operation.senderUser, operation.value, operation.child};
  }
};

}  // namespace detail

// Gives the next ReceivedSignal: see transports/signal_set.h, and transport_call.h.
inline auto nextSignal(SignalSet& signals) noexcept {
  return TransportCall(signals, detail::SignalCall{});
}

}  // namespace kairos

#endif  // KAIROS_FUTURES_ADDON_SIGNALS_H_
