// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TRANSPORTS_SIGNAL_SET_H_
#define KAIROS_TRANSPORTS_SIGNAL_SET_H_

#include <sys/types.h>

#include <csignal>
#include <initializer_list>
#include <memory>
#include <system_error>

#include "kairos/reactor/reactor.h"
#include "kairos/transports/operation.h"
#include "kairos/transports/transport_context.h"

namespace kairos {

namespace detail {
class SignalReader;
}  // namespace detail

struct SignalOperation : detail::Operation {
  SignalOperation() = default;
  ~SignalOperation() { abandon(); }

  int number = 0;    // the signal that came, unless there is an error
  int code = 0;      // where from, as si_code of sigaction(2): SI_USER, SI_KERNEL, ...
  pid_t sender = 0;  // process and user that sent it, if one did
  uid_t senderUser = 0;
  int value = 0;  // of sigqueue(3)
  int child = 0;  // SIGCHLD: how the child in `sender` ended, as si_status
};

// Signals that arrive as completions of operations instead of interrupting a thread. While they are
// in the set, they are blocked in its thread, and neither handlers nor default actions see them.
//
//   Thread      That of the context's reactor, whose signal mask is changed, and no other's. A
//               signal for the whole process goes to any thread that does not block it: open the
//               set before other threads are started, which then inherit the mask, or block these
//               signals in all of them. A fork(2) by hand inherits the mask too; the children of a
//               SubprocessTransport begin with an empty one.
//               The mask is put back as it was found. So a signal is for one context of a thread:
//               with sets in two, the one that was opened first would unblock it under the other,
//               and the next such signal may end the program; else close them in the opposite
//               order.
//   Ownership   A handle: moved, not copied.
//   Errors      as StreamTransport. From open() and add(), which change nothing then:
//               invalid_argument  there is no such signal, or it cannot be blocked (SIGKILL, ...)
//               file_exists       it is in this set, or in another on the context
//   Callbacks   see operation.h. A signal that comes again before it was taken comes once, as
//               signal(7) has it; real-time signals are queued.
//   Cost        one read(2) for up to eight signals
class SignalSet {
 public:
  // Empty: to be opened.
  SignalSet() noexcept;
  // As close().
  ~SignalSet();
  SignalSet(SignalSet&& other) noexcept;
  SignalSet& operator=(SignalSet&& other) noexcept;

  [[nodiscard]] static std::error_code open(TransportContext& context,
                                            std::initializer_list<int> signals,
                                            SignalSet& result) noexcept;

  [[nodiscard]] std::error_code add(int signal) noexcept;

  // Undoes add(): the signal is unblocked, unless the thread blocked it before. What came of it and
  // was not reported goes with it, so that no default action strikes late; if it was blocked
  // before, it stays pending. An operation that is done, and has not called back yet, tells of it
  // nevertheless. False: it is not in the set.
  bool remove(int signal) noexcept;

  // The next signal that came since the set was opened. One wait at a time.
  [[nodiscard]] std::error_code wait(SignalOperation& operation, CallbackFunc callback,
                                     void* udata) noexcept;

  // Ends it with operation_canceled. False: it is not pending here, or is done.
  bool cancel(SignalOperation& operation) noexcept;

  // Removes all signals. What is pending ends with TransportError::closed; so does the end of the
  // context. Any number of times.
  void close() noexcept;
  bool isOpen() const noexcept;

 private:
  std::unique_ptr<detail::SignalReader> reader_;
};

}  // namespace kairos

#endif  // KAIROS_TRANSPORTS_SIGNAL_SET_H_
