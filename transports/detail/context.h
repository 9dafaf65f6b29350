// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TRANSPORTS_DETAIL_CONTEXT_H_
#define KAIROS_TRANSPORTS_DETAIL_CONTEXT_H_

#include <cstdint>
#include <memory>
#include <system_error>
#include <utility>

#include "kairos/reactor/reactor.h"
#include "kairos/transports/detail/buffer_pool.h"
#include "kairos/transports/detail/intrusive_list.h"
#include "kairos/transports/operation.h"
#include "kairos/transports/transport_context.h"

namespace kairos::detail {

// For the queues of streams that have something queued.
using QueuePool = BlockPool<112, 64>;

// What the transports of one kind share, besides the rest. It goes with the context.
class ContextShare {
 public:
  virtual ~ContextShare() = default;
};

// What a TransportContext is, behind its header.
//
// Transports do their I/O in callbacks of the reactor, or in start calls, and put what is done into
// the queue of completions; they run no callback themselves. So user code never runs inside a
// transport, which may be destroyed by any callback.
class Context {
 public:
  explicit Context(Reactor& reactor) noexcept;
  ~Context();
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  Reactor& reactor() noexcept { return reactor_; }
  BufferPool& pool() noexcept { return pool_; }
  QueuePool& queuePool() noexcept { return queuePool_; }

  // Null until the first transport of its kind sets it.
  ContextShare* datagrams() const noexcept { return datagrams_.get(); }
  void setDatagrams(std::unique_ptr<ContextShare> share) noexcept { datagrams_ = std::move(share); }

  ContextShare* borrowedFiles() const noexcept { return borrowedFiles_.get(); }
  void setBorrowedFiles(std::unique_ptr<ContextShare> share) noexcept {
    borrowedFiles_ = std::move(share);
  }

  void add(ContextMember& member) noexcept { members_.pushBack(member); }

  // A bit for each signal that a SignalSet has, that of signal 1 being the lowest.
  std::uint64_t& signals() noexcept { return signals_; }

  // The start calls are refused from now on.
  bool isEnding() const noexcept { return ending_; }

  // What an operation begins with.
  const std::error_code& success() const noexcept { return success_; }

  // The operation has its result: its callback will run.
  void complete(Operation& operation) noexcept {
    operation.unlink();
    operation.state_ = Operation::State::completing;
    done_.pushBack(operation);
    if (!dispatching_) deliverLater();
  }

  // Does `work` of a transport, in a callback of the reactor, then runs the callbacks of what is
  // done. `work` runs no callback of the user's.
  template <class Work>
  void dispatch(Work work) {
    const DispatchScope scope(*this);
    work();
    deliver();
  }

 private:
  // What remains when a callback throws, or by the budget, follows in the next poll.
  class DispatchScope {
   public:
    explicit DispatchScope(Context& context) : context_(context) { context_.dispatching_ = true; }
    ~DispatchScope() {
      context_.dispatching_ = false;
      if (!context_.done_.empty()) context_.deliverLater();
    }
    DispatchScope(const DispatchScope&) = delete;
    DispatchScope& operator=(const DispatchScope&) = delete;

   private:
    Context& context_;
  };

  void endMembers() noexcept;
  void deliver();
  void deliverFirst();
  void deliverLater() noexcept;
  static void onDeferred(void* udata);

  Reactor& reactor_;
  const std::error_code success_;
  BufferPool pool_;
  QueuePool queuePool_;
  std::unique_ptr<ContextShare> datagrams_;
  std::unique_ptr<ContextShare> borrowedFiles_;
  IntrusiveList<Operation> done_;
  IntrusiveList<ContextMember> members_;
  TimerId timer_ = TimerId::none;
  std::uint64_t signals_ = 0;
  bool dispatching_ = false;
  bool ending_ = false;
};

struct ContextAccess {
  // nullptr: there was no memory for it.
  static Context* of(TransportContext& context) noexcept { return context.context_; }
};

}  // namespace kairos::detail

#endif  // KAIROS_TRANSPORTS_DETAIL_CONTEXT_H_
