// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TRANSPORTS_DETAIL_ACCEPT_LOOP_H_
#define KAIROS_TRANSPORTS_DETAIL_ACCEPT_LOOP_H_

#include <optional>
#include <system_error>

#include "kairos/transports/operation.h"
#include "kairos/transports/stream_server.h"

namespace kairos::detail {

class Listener;

// Accepts on and on, by accepts of its own: the user's operation is pending all the time, and shows
// what each of them brought.
class AcceptLoop final : public OperationOwner {
 public:
  explicit AcceptLoop(Listener& listener) noexcept : listener_(listener) {}
  // The listener has ended the loop before.
  ~AcceptLoop();

  void start(AcceptOperation& operation, AsyncCallback callback) noexcept;
  // After what is accepted already was shown. False: it is stopped, or does not run.
  bool stop() noexcept;
  // At once, if it runs.
  void end(std::error_code error) noexcept;
  bool isRunning() const noexcept { return shown_ != nullptr; }
  bool shows(const AcceptOperation& operation) const noexcept { return shown_ == &operation; }

  // The user's operation was destroyed.
  void forget(Operation& operation) noexcept override;

 private:
  // Goes on when the callback has returned or thrown, unless it has destroyed the loop.
  class Continuation;

  static void onAccepted(void* udata);
  void acceptNext() noexcept;
  void show();

  Listener& listener_;
  std::optional<AcceptOperation> next_;
  AcceptOperation* shown_ = nullptr;  // the user's; null: it does not run
  bool isStopping_ = false;
  AsyncCallback callback_{};
  Continuation* continuation_ = nullptr;  // while the callback runs
};

}  // namespace kairos::detail

#endif  // KAIROS_TRANSPORTS_DETAIL_ACCEPT_LOOP_H_
