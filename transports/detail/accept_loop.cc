// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/transports/detail/accept_loop.h"

#include <utility>

#include "kairos/transports/detail/listener.h"

namespace kairos::detail {

class AcceptLoop::Continuation {
 public:
  explicit Continuation(AcceptLoop& loop) noexcept : loop_(&loop) { loop.continuation_ = this; }
  ~Continuation() {
    if (loop_ == nullptr) return;
    loop_->continuation_ = nullptr;
    if (loop_->isRunning()) loop_->acceptNext();
  }
  Continuation(const Continuation&) = delete;
  Continuation& operator=(const Continuation&) = delete;

  void drop() noexcept { loop_ = nullptr; }

 private:
  AcceptLoop* loop_;
};

AcceptLoop::~AcceptLoop() {
  if (continuation_ != nullptr) continuation_->drop();
}

// In a callback, which has closed the server, it begins when that has returned.
void AcceptLoop::start(AcceptOperation& operation, AsyncCallback callback) noexcept {
  OperationAccess::begin(operation, *this, callback);
  operation.stream = StreamTransport();
  operation.peer = Address();
  shown_ = &operation;
  callback_ = callback;
  isStopping_ = false;
  if (continuation_ == nullptr) acceptNext();
}

void AcceptLoop::acceptNext() noexcept {
  if (isStopping_) return end(std::make_error_code(std::errc::operation_canceled));
  if (!next_.has_value()) next_.emplace();
  listener_.acceptFor(*next_, {onAccepted, this});
}

void AcceptLoop::onAccepted(void* udata) { static_cast<AcceptLoop*>(udata)->show(); }

void AcceptLoop::show() {
  if (Listener::isEnd(next_->error)) return end(next_->error);
  shown_->error = next_->error;
  shown_->stream = std::move(next_->stream);
  shown_->peer = next_->peer;
  const Continuation continuation(*this);
  callback_.function(callback_.udata);
}

bool AcceptLoop::stop() noexcept {
  if (!isRunning() || isStopping_) return false;
  isStopping_ = true;
  if (listener_.isWaiting()) acceptNext();
  return true;
}

void AcceptLoop::end(std::error_code error) noexcept {
  if (!isRunning()) return;
  AcceptOperation& operation = *shown_;
  forget(operation);
  OperationAccess::disown(operation);
  operation.error = error;
  operation.stream = StreamTransport();
  listener_.complete(operation);
}

void AcceptLoop::forget(Operation&) noexcept {
  shown_ = nullptr;
  next_.reset();
}

}  // namespace kairos::detail
