// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TRANSPORTS_DETAIL_SIGNAL_READER_H_
#define KAIROS_TRANSPORTS_DETAIL_SIGNAL_READER_H_

#include <sys/signalfd.h>

#include <array>
#include <csignal>
#include <cstddef>
#include <system_error>

#include "kairos/transports/detail/context.h"
#include "kairos/transports/signal_set.h"

namespace kairos::detail {

// What a SignalSet is, behind its handle. The reader is registered from the first wait on, and
// until a signal comes that none waits for.
class SignalReader final : public ContextMember, public OperationOwner {
 public:
  SignalReader(Context& context, Fd fd) noexcept;
  ~SignalReader();

  std::error_code add(int signal) noexcept;
  bool remove(int signal) noexcept;
  std::error_code wait(SignalOperation& operation, AsyncCallback callback) noexcept;
  bool cancel(SignalOperation& operation) noexcept;
  void close() noexcept;
  bool isOpen() const noexcept { return fd_ >= 0; }

  void forget(Operation& operation) noexcept override;
  void leaveContext() noexcept override;

 private:
  static void onReadable(void* udata);

  bool isWaiting() const noexcept { return waiting_ != nullptr && !waiting_->isLinked(); }
  void receive() noexcept;
  bool serve() noexcept;
  void finish(std::error_code error) noexcept;
  std::error_code watch() noexcept;
  void unwatch() noexcept;
  void dropReceived(int signal) noexcept;

  Context* context_;  // null: the context has ended
  Fd fd_;             // -1: closed
  bool readerAdded_ = false;
  SignalOperation* waiting_ = nullptr;  // pending
  sigset_t signals_;
  sigset_t blockedBefore_;  // of these: by somebody else
  std::size_t next_ = 0;    // of what was received and not reported
  std::size_t end_ = 0;
  std::array<signalfd_siginfo, 8> received_;
};

}  // namespace kairos::detail

#endif  // KAIROS_TRANSPORTS_DETAIL_SIGNAL_READER_H_
