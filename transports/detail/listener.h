// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TRANSPORTS_DETAIL_LISTENER_H_
#define KAIROS_TRANSPORTS_DETAIL_LISTENER_H_

#include <chrono>
#include <system_error>

#include "kairos/transports/detail/accept_loop.h"
#include "kairos/transports/detail/bound_path.h"
#include "kairos/transports/detail/context.h"
#include "kairos/transports/stream_server.h"

namespace kairos::detail {

// What a StreamServer is, behind its handle. The reader is registered while an accept waits, and
// until a newcomer comes that none waits for; while accepting rests, a timer is.
class Listener final : public ContextMember, public OperationOwner {
 public:
  static constexpr std::chrono::milliseconds firstPause{10};
  static constexpr std::chrono::milliseconds longestPause{60};
  // Newcomers that gave up before they were accepted, in one attempt.
  static constexpr int skippedMax = 64;

  Listener(Context& context, Fd fd, const ServerOptions& options) noexcept;
  ~Listener();

  void own(BoundPath path) noexcept { path_ = path; }
  std::error_code accept(AcceptOperation& operation, AsyncCallback callback) noexcept;
  std::error_code start(AcceptOperation& operation, AsyncCallback callback) noexcept;
  bool stop() noexcept { return loop_.stop(); }
  bool cancel(AcceptOperation& operation) noexcept;
  void close() noexcept;
  Fd fd() const noexcept { return fd_; }

  void forget(Operation& operation) noexcept override;
  void leaveContext() noexcept override;

  // For the loop.
  void acceptFor(AcceptOperation& operation, AsyncCallback callback) noexcept;
  void complete(AcceptOperation& operation) noexcept { context_->complete(operation); }
  bool isWaiting() const noexcept { return accepting_ != nullptr && !accepting_->isLinked(); }
  // After this error no accept will succeed.
  static bool isEnd(std::error_code error) noexcept;

 private:
  static void onAcceptable(void* udata);
  static void onPauseOver(void* udata);

  std::error_code mayAccept(const AcceptOperation& operation) const noexcept;
  void tryToAccept() noexcept;
  int acceptOne(Fd& connection) noexcept;
  void welcome(Fd connection) noexcept;
  void failed(int error) noexcept;
  void pause(std::error_code reason) noexcept;
  void finish(std::error_code error) noexcept;
  void watch() noexcept;
  void unwatch() noexcept;

  Context* context_;  // null: the context has ended
  Fd fd_;             // -1: closed
  bool noDelay_;
  bool readerAdded_ = false;
  bool isPauseReported_ = false;
  TimerId pauseTimer_ = TimerId::none;
  std::chrono::milliseconds pause_ = firstPause;
  AcceptOperation* accepting_ = nullptr;
  BoundPath path_;
  AcceptLoop loop_{*this};
};

}  // namespace kairos::detail

#endif  // KAIROS_TRANSPORTS_DETAIL_LISTENER_H_
