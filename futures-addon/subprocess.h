// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_FUTURES_ADDON_SUBPROCESS_H_
#define KAIROS_FUTURES_ADDON_SUBPROCESS_H_

#include <system_error>

#include "kairos/futures-addon/detail/transport_awaiter.h"
#include "kairos/futures-addon/transport_call.h"
#include "kairos/reactor/reactor.h"
#include "kairos/transports/subprocess_transport.h"

namespace kairos {

namespace detail {

struct ExitCall : BasicCall {
  using Target = SubprocessTransport;
  using Operation = ExitOperation;

  std::error_code start(SubprocessTransport& process, ExitOperation& operation,
                        AsyncCallback done) const noexcept {
    if (timeout == Reactor::forever) return process.wait(operation, done.function, done.udata);
    return process.wait(operation, timeout, done.function, done.udata);
  }
  static ExitStatus result(const ExitOperation& operation) noexcept { return operation.status; }

  Clock::duration timeout;
};

}  // namespace detail

// Waits for the end of a process and gives its ExitStatus: see transports/subprocess_transport.h,
// and transport_call.h. The process does not end when this is cancelled, or late: timed_out.
inline auto waitForExit(SubprocessTransport& process,
                        Clock::duration timeout = Reactor::forever) noexcept {
  return TransportCall(process, detail::ExitCall{{}, timeout});
}

}  // namespace kairos

#endif  // KAIROS_FUTURES_ADDON_SUBPROCESS_H_
