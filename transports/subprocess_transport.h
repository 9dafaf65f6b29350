// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TRANSPORTS_SUBPROCESS_TRANSPORT_H_
#define KAIROS_TRANSPORTS_SUBPROCESS_TRANSPORT_H_

#include <sys/types.h>

#include <memory>
#include <system_error>

#include "kairos/reactor/reactor.h"
#include "kairos/transports/operation.h"
#include "kairos/transports/stream_transport.h"
#include "kairos/transports/subprocess_options.h"
#include "kairos/transports/transport_context.h"

namespace kairos {

namespace detail {
class Child;
class Context;
struct SpawnPlan;
}  // namespace detail

// How a process ended: with a code, or by a signal.
struct ExitStatus {
  int code = -1;   // 0 to 255; -1: a signal ended it
  int signal = 0;  // 0: none did
  bool hasDumpedCore = false;

  bool isSuccess() const noexcept { return code == 0; }
  friend bool operator==(const ExitStatus&, const ExitStatus&) = default;
};

struct ExitOperation : detail::Operation {
  ExitOperation() = default;
  ~ExitOperation() { abandon(); }

  ExitStatus status;  // unless there is an error

 private:
  friend class detail::Child;

  detail::Child* child_ = nullptr;
  TimerId timer_ = TimerId::none;
};

// A child process. Its end and the ends of its output are independent: what it has written can be
// read after it ended, and a grandchild may hold the pipes open long after that.
//
//   Thread      that of the context's reactor
//   Ownership   A handle: moved, not copied. Owns the process: closing kills one that runs, unless
//               it is detached; the context reaps it. At the end of the context children that are
//               not detached are killed and reaped, for which it waits up to a second.
//   Errors      as StreamTransport. From start(), synchronously, whatever step failed, also in the
//               child: no_such_file_or_directory, permission_denied, ... Nothing is left of it.
//               no_child_process  in operations: somebody else has taken the status, by waitpid(2)
//                                 for any child or by ignoring SIGCHLD
//   Callbacks   see operation.h. No handler for SIGCHLD, which is the program's as before.
//   Cost        start(): as vfork(2), independent of the size of this process; its thread is
//               stopped meanwhile. One descriptor until the process has ended.
class SubprocessTransport {
 public:
  // Empty: to be assigned to.
  SubprocessTransport() noexcept;
  // As close().
  ~SubprocessTransport();
  SubprocessTransport(SubprocessTransport&& other) noexcept;
  SubprocessTransport& operator=(SubprocessTransport&& other) noexcept;

  // Runs a program. When it returns, that has begun. Needs Linux 5.4.
  //   failed    which step failed; may be null
  [[nodiscard]] static std::error_code start(TransportContext& context,
                                             const SubprocessOptions& options,
                                             SubprocessTransport& result,
                                             SpawnStep* failed = nullptr) noexcept;

  // Of the streams that are redirected to pipes; else empty. They may be moved away.
  StreamTransport& input() noexcept { return input_; }
  StreamTransport& output() noexcept { return output_; }
  StreamTransport& error() noexcept { return error_; }

  // The callback runs when the process has ended. Any number of waits, also after that; after a
  // close they end with TransportError::closed.
  [[nodiscard]] std::error_code wait(ExitOperation& operation, CallbackFunc callback,
                                     void* udata) noexcept;
  // The same with timed_out in the operation if it runs longer, which leaves the process alone.
  // Zero and less end the wait in the next poll; Reactor::forever is no limit.
  [[nodiscard]] std::error_code wait(ExitOperation& operation, Clock::duration timeout,
                                     CallbackFunc callback, void* udata) noexcept;

  // Ends it with operation_canceled. False: it is not pending here, or is done.
  bool cancel(ExitOperation& operation) noexcept;

  // Sends a signal to the process, never to another that has got its number.
  //   Errors    no_such_process: it has ended; TransportError::closed; what kill(2) says
  [[nodiscard]] std::error_code signal(int number) noexcept;
  [[nodiscard]] std::error_code terminate() noexcept;
  [[nodiscard]] std::error_code kill() noexcept;
  [[nodiscard]] std::error_code suspend() noexcept;
  [[nodiscard]] std::error_code resume() noexcept;

  // The same to its process group, which may outlive it.
  //   Errors    invalid_argument: it has no group of its own; no_such_process: the group has
  //             ended, or cannot be told from another any more (before Linux 6.9: the process has)
  [[nodiscard]] std::error_code signalGroup(int number) noexcept;

  // Kills it if it runs that long from now; the last call counts, and Reactor::forever is never.
  //   Errors    not_enough_memory; no_such_process; TransportError::closed
  [[nodiscard]] std::error_code killAfter(Clock::duration delay) noexcept;

  // From now on closing leaves the process running. The context reaps it as long as it lives.
  void detach() noexcept;

  // Closes the streams too. What is pending ends with TransportError::closed. Any number of times.
  void close() noexcept;
  bool isOpen() const noexcept;
  bool isRunning() const noexcept;
  // Its number, which may be another's after it ended; 0 when closed or empty.
  pid_t pid() const noexcept;

 private:
  // The child stays with the context until it is reaped.
  struct Leave {
    void operator()(detail::Child* child) const noexcept;
  };

  std::error_code launch(detail::Context& context, const SubprocessOptions& options,
                         detail::SpawnPlan& plan) noexcept;

  StreamTransport input_;
  StreamTransport output_;
  StreamTransport error_;
  std::unique_ptr<detail::Child, Leave> child_;
};

}  // namespace kairos

#endif  // KAIROS_TRANSPORTS_SUBPROCESS_TRANSPORT_H_
