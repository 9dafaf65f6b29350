// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/transports/thread_queue.h"

#include <cassert>
#include <new>
#include <utility>

#include "kairos/transports/detail/queue_state.h"
#include "kairos/transports/error.h"

namespace kairos {
namespace detail {

// Once it is on the stack the operation is the loop's, which may run and free it at any moment.
std::error_code QueueState::post(PostOperation& operation, AsyncCallback callback) noexcept {
  if (operation.isPending()) return TransportError::busy;
  PostOperation* below = top_.load(std::memory_order_acquire);
  if (below == &closed_) return TransportError::closed;
  OperationAccess::begin(operation, *this, callback);
  do {
    if (below == &closed_) {
      OperationAccess::withdraw(operation);
      return TransportError::closed;
    }
    operation.next_ = below;
  } while (!top_.compare_exchange_weak(below, &operation, std::memory_order_acq_rel,
                                       std::memory_order_acquire));
  if (below == nullptr) event_.notify();
  return {};
}

void QueueState::deliver(Context& context) noexcept {
  complete(context, top_.exchange(nullptr, std::memory_order_acq_rel), {});
}

void QueueState::close(Context& context) noexcept {
  PostOperation* const newest = top_.exchange(&closed_, std::memory_order_acq_rel);
  complete(context, newest, TransportError::closed);
}

void QueueState::complete(Context& context, PostOperation* newest, std::error_code error) noexcept {
  PostOperation* oldest = nullptr;
  while (newest != nullptr) {
    PostOperation* const below = std::exchange(newest->next_, oldest);
    oldest = std::exchange(newest, below);
  }
  while (oldest != nullptr) {
    PostOperation& operation = *std::exchange(oldest, oldest->next_);
    OperationAccess::disown(operation);
    operation.error = error;
    context.complete(operation);
  }
}

void QueueState::forget(Operation&) noexcept {
  assert(false && "A PostOperation is destroyed on its way to another thread.");
}

std::error_code QueueReceiver::start() noexcept {
  return state_->event().wait(context_, wait_, onEvent, this);
}

void QueueReceiver::close() noexcept {
  if (!state_->isClosed()) state_->close(*ContextAccess::of(context_));
}

// The callbacks run after this has returned, and may destroy the receiver. What ends the wait is
// the end of the context; started again in its callback it cannot fail otherwise.
void QueueReceiver::onEvent(void* udata) {
  auto& receiver = *static_cast<QueueReceiver*>(udata);
  if (receiver.wait_.error || receiver.start()) return receiver.close();
  receiver.state_->deliver(*ContextAccess::of(receiver.context_));
}

}  // namespace detail

// ---- ThreadPoster

ThreadPoster::ThreadPoster() noexcept = default;
ThreadPoster::~ThreadPoster() = default;
ThreadPoster::ThreadPoster(const ThreadPoster& other) noexcept = default;
ThreadPoster::ThreadPoster(ThreadPoster&& other) noexcept = default;
ThreadPoster& ThreadPoster::operator=(const ThreadPoster& other) noexcept = default;
ThreadPoster& ThreadPoster::operator=(ThreadPoster&& other) noexcept = default;
ThreadPoster::ThreadPoster(const detail::Held<detail::QueueState>& state) noexcept
    : state_(state) {}

std::error_code ThreadPoster::post(PostOperation& operation, CallbackFunc callback,
                                   void* udata) const noexcept {
  if (callback == nullptr) return std::make_error_code(std::errc::invalid_argument);
  if (!state_) return TransportError::notConnected;
  return state_->post(operation, {callback, udata});
}

// ---- ThreadQueue

ThreadQueue::ThreadQueue() noexcept = default;
ThreadQueue::~ThreadQueue() = default;
ThreadQueue::ThreadQueue(ThreadQueue&& other) noexcept = default;
ThreadQueue& ThreadQueue::operator=(ThreadQueue&& other) noexcept = default;

std::error_code ThreadQueue::open(TransportContext& context, ThreadQueue& result) noexcept {
  const detail::Context* const inner = detail::ContextAccess::of(context);
  if (inner == nullptr) return std::make_error_code(std::errc::not_enough_memory);
  if (inner->isEnding()) return TransportError::closed;
  ThreadAsyncEvent event;
  if (const auto error = ThreadAsyncEvent::open(event)) return error;
  const detail::Held state(new (std::nothrow) detail::QueueState(std::move(event)));
  if (!state) return std::make_error_code(std::errc::not_enough_memory);
  std::unique_ptr<detail::QueueReceiver> made(new (std::nothrow)
                                                  detail::QueueReceiver(context, state));
  if (!made) return std::make_error_code(std::errc::not_enough_memory);
  if (const auto error = made->start()) return error;
  result.receiver_ = std::move(made);
  return {};
}

ThreadPoster ThreadQueue::poster() const noexcept {
  return isOpen() ? ThreadPoster(receiver_->state()) : ThreadPoster();
}

void ThreadQueue::close() noexcept { receiver_.reset(); }

bool ThreadQueue::isOpen() const noexcept { return receiver_ && !receiver_->state()->isClosed(); }

}  // namespace kairos
