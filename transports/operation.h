// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TRANSPORTS_OPERATION_H_
#define KAIROS_TRANSPORTS_OPERATION_H_

#include <cstdint>
#include <system_error>

#include "kairos/reactor/reactor.h"
#include "kairos/transports/detail/intrusive_list.h"

// What the I/O that is in flight is kept in, and what it did. The user owns these objects and
// reaches them through `udata`; a transport links them in its queues and allocates nothing.
//
//   Ownership   The user's. An object stays where it is while it is pending; destroyed then, it is
//               forgotten: its callback does not run. What it has got by then, bytes or datagrams
//               that were read, a connection, goes with it; an event or a signal is for the next
//               who waits. To lose nothing, cancel it and let the callback come. It may be used
//               again as soon as its callback has begun, for the next operation of the same or
//               another transport.
//   Callbacks   A start call that returns an error has touched nothing. One that returns none is
//               followed by exactly one callback, never inside the call, in the order in which the
//               operations were done: in the same poll, after the running callback has returned,
//               when started in a callback of a transport; else in the next poll.

namespace kairos {

namespace detail {

class Context;
class Operation;

// What has to know when an operation of its own is delivered or destroyed.
class OperationOwner {
 public:
  virtual void forget(Operation& operation) noexcept = 0;

 protected:
  ~OperationOwner() = default;
};

// What a context knows of a transport: that it has to be ended first.
class ContextMember : public ListNode {
 public:
  // Completes all that is pending and uses the context no more. Runs no callback.
  virtual void leaveContext() noexcept = 0;

 protected:
  ~ContextMember() = default;
};

class Operation : public ListNode {
 public:
  // Between a start call that succeeded and the callback.
  bool isPending() const noexcept { return state_ != State::idle; }

  std::error_code error;

 protected:
  Operation() = default;
  ~Operation() = default;

  // First in the destructor of each kind, while the operation is still whole.
  void abandon() noexcept {
    if (owner_ != nullptr) owner_->forget(*this);
    unlink();
  }

 private:
  friend class Context;
  friend struct OperationAccess;
  enum class State : std::uint8_t { idle, waiting, completing };

  AsyncCallback callback_{};
  OperationOwner* owner_ = nullptr;
  State state_ = State::idle;
};

// What a transport does with the operations it was given; Context::complete() ends them.
struct OperationAccess {
  static void* udataOf(const Operation& operation) noexcept { return operation.callback_.udata; }

  // Clears what an earlier use left.
  static void begin(Operation& operation, OperationOwner& owner, AsyncCallback callback) noexcept {
    begin(operation, owner, callback, {});
  }
  // With an error that says success, to copy: making one calls into the C++ library.
  static void begin(Operation& operation, OperationOwner& owner, AsyncCallback callback,
                    const std::error_code& success) noexcept {
    operation.error = success;
    operation.callback_ = callback;
    operation.owner_ = &owner;
    operation.state_ = Operation::State::waiting;
  }

  // It was begun, and nothing will come of it.
  static void withdraw(Operation& operation) noexcept {
    operation.owner_ = nullptr;
    operation.state_ = Operation::State::idle;
  }

  // The owner does not want to hear of it any more.
  static void disown(Operation& operation) noexcept { operation.owner_ = nullptr; }

  // It is begun and has no result yet.
  static bool isWaiting(const Operation& operation) noexcept {
    return operation.state_ == Operation::State::waiting;
  }
  static bool isWaiting(const Operation& operation, const OperationOwner& owner) noexcept {
    return isWaiting(operation) && operation.owner_ == &owner;
  }
};

}  // namespace detail

}  // namespace kairos

#endif  // KAIROS_TRANSPORTS_OPERATION_H_
