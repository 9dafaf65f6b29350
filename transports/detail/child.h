// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TRANSPORTS_DETAIL_CHILD_H_
#define KAIROS_TRANSPORTS_DETAIL_CHILD_H_

#include <sys/types.h>

#include <chrono>
#include <csignal>
#include <system_error>

#include "kairos/transports/detail/context.h"
#include "kairos/transports/detail/owned_fd.h"
#include "kairos/transports/subprocess_transport.h"

namespace kairos::detail {

// A child process from its start until it is reaped and its handle is gone. Its pidfd is watched
// all the time, since somebody has to reap it.
class Child final : public ContextMember, public OperationOwner {
 public:
  // How long the end of the context waits for one that it killed.
  static constexpr std::chrono::milliseconds lastWait{1000};

  explicit Child(Context& context) noexcept : context_(&context) { context.add(*this); }
  ~Child();

  // Takes over a process that runs. On error it is killed and reaped.
  std::error_code watch(pid_t pid, OwnedFd pidFd, bool leadsGroup) noexcept;

  std::error_code wait(ExitOperation& operation, Clock::duration timeout,
                       AsyncCallback callback) noexcept;
  bool cancel(ExitOperation& operation) noexcept;
  std::error_code signal(int number) noexcept;
  std::error_code signalGroup(int number) noexcept;
  std::error_code killAfter(Clock::duration delay) noexcept;
  void detach() noexcept { isDetached_ = true; }

  // Leaves the process, or kills it. Any number of times.
  void close() noexcept;
  bool isClosed() const noexcept { return isClosed_; }
  // The handle is gone: deletes this, now or when the process is reaped.
  void leave() noexcept;

  bool isRunning() const noexcept { return isRunning_; }
  pid_t pid() const noexcept { return pid_; }

  void forget(Operation& operation) noexcept override;
  void leaveContext() noexcept override;

 private:
  static void onEnded(void* udata);
  static void onTimeout(void* udata);
  static void onKillTime(void* udata);

  bool hasEnded() const noexcept;
  void tryToReap(int flags) noexcept;
  void killAndReap() noexcept;
  void ended(std::error_code error, const siginfo_t& status) noexcept;
  void stopTimer(TimerId& timer) noexcept;
  void finish(ExitOperation& operation, std::error_code error) noexcept;
  void finishAll(std::error_code error) noexcept;

  Context* context_;  // null: the context has ended
  pid_t pid_ = 0;
  OwnedFd pidFd_;
  bool isRunning_ = false;
  bool leadsGroup_ = false;
  bool isDetached_ = false;
  bool hasHandle_ = true;
  bool isClosed_ = false;
  TimerId killTimer_ = TimerId::none;
  ExitStatus status_;
  std::error_code error_;  // why there is no status
  IntrusiveList<Operation> waits_;
};

}  // namespace kairos::detail

#endif  // KAIROS_TRANSPORTS_DETAIL_CHILD_H_
