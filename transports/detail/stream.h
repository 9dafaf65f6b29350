// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TRANSPORTS_DETAIL_STREAM_H_
#define KAIROS_TRANSPORTS_DETAIL_STREAM_H_

#include <cstddef>
#include <string_view>
#include <system_error>

#include "kairos/transports/detail/context.h"
#include "kairos/transports/detail/fd_io.h"
#include "kairos/transports/detail/read_side.h"
#include "kairos/transports/detail/refusal.h"
#include "kairos/transports/detail/registration.h"
#include "kairos/transports/detail/write_queue.h"
#include "kairos/transports/stream_operation.h"

namespace kairos::detail {

// What a StreamTransport is, behind its handle: the descriptor, and when it is watched.
//
// The reader is registered from the first read on, and stays so from one read to the next; when
// something comes that no read waits for, it goes, so that an unread stream wakes nobody. The
// writer is registered while bytes are queued.
//
// An idle stream has neither a buffer nor a queue of writes.
class Stream final : public ContextMember, public OperationOwner {
 public:
  Stream(Context& context, Fd fd, FdKind kind) noexcept;
  ~Stream();

  // The open file is one of the context's BorrowedFiles.
  void giveBackOnClose() noexcept { isBorrowed_ = true; }

  // The operations are described; these begin them.
  void startRead(ReadOperation& operation, AsyncCallback callback) noexcept;
  void startWrite(WriteOperation& operation, AsyncCallback callback) noexcept;
  // Whether a read may begin, before it is described.
  Refusal mayRead(const ReadOperation& operation) const noexcept {
    return reading_ != nullptr ? Refusal::busy : mayStart(operation);
  }
  // An empty queue takes a write of any size, which is the user's memory anyway.
  Refusal mayWrite(const Operation& operation, std::size_t bytes) const noexcept {
    if (const Refusal refusal = mayStart(operation)) return refusal;
    return queuedBytes() > 0 && !hasRoom(bytes) ? Refusal::queueFull : Refusal::none;
  }

  bool cancel(ReadOperation& operation) noexcept;
  bool cancel(WriteOperation& operation) noexcept;
  void shutdownRead() noexcept;
  void close() noexcept;

  Fd fd() const noexcept { return fd_; }
  const ReadSide& readSide() const noexcept { return readSide_; }
  bool isShutDown() const noexcept { return shutdownStarted_; }
  std::error_code failure() const noexcept;

  std::size_t queuedBytes() const noexcept { return writes_ != nullptr ? writes_->bytes() : 0; }
  WriteMarks marks() const noexcept { return writes_ != nullptr ? writes_->marks() : WriteMarks{}; }
  std::error_code setMarks(const WriteMarks& marks) noexcept;
  void startWait(DrainOperation& operation, AsyncCallback callback) noexcept;
  bool cancel(DrainOperation& operation) noexcept { return cancelWait(operation); }
  void startWait(CloseOperation& operation, AsyncCallback callback) noexcept;
  bool cancel(CloseOperation& operation) noexcept { return cancelWait(operation); }

  void forget(Operation& operation) noexcept override;
  void leaveContext() noexcept override;

 private:
  static void onReadable(void* udata);
  static void onWritable(void* udata);
  static void onRetry(void* udata);

  Refusal mayStart(const Operation& operation) const noexcept {
    if (operation.isPending()) return Refusal::busy;
    return context_ == nullptr || context_->isEnding() ? Refusal::closed : Refusal::none;
  }
  bool hasRoom(std::size_t bytes) const noexcept;
  // A read waits for more.
  bool isReading() const noexcept { return reading_ != nullptr && !reading_->isLinked(); }
  void readSome() noexcept;
  void readNothing() noexcept;
  void serveRead() noexcept;
  void finishRead(std::error_code error) noexcept;
  void endRead() noexcept;
  void watchReading() noexcept;
  void unwatchReading() noexcept { registration_.removeReader(context_->reactor(), fd_); }

  std::error_code writeError() const noexcept;
  bool mayWriteAtOnce(const WriteOperation& operation) const noexcept;
  void writeAtOnce(WriteOperation& operation) noexcept;
  void queueRest(WriteOperation& operation, int error) noexcept;
  void queueWrite(WriteOperation& operation) noexcept;
  bool makeQueue() noexcept;
  void dropQueue() noexcept;
  void flush(bool wasWoken) noexcept;
  void failWrites(std::error_code error) noexcept;
  void finishLast() noexcept;
  void afterWrites() noexcept;
  void afterWithdrawal() noexcept;
  template <class Wait>
  bool cancelWait(Wait& operation) noexcept {
    if (writes_ == nullptr || !writes_->waits().cancel(*context_, operation)) return false;
    if (writes_->isIdle()) dropQueue();
    return true;
  }
  void watchWriting() noexcept;
  void unwatchWriting() noexcept { registration_.removeWriter(context_->reactor(), fd_); }
  WatchedFd watched() noexcept { return {context_->reactor(), fd_, onReadable, onWritable, this}; }
  void endWakeUp() noexcept {
    if (registration_.mustAsk()) lookAtWatches();
  }
  void lookAtWatches() noexcept;
  void wake() noexcept;
  void retryLater() noexcept;
  void stopRetrying() noexcept;
  void closeFd() noexcept;

  // In an order that leaves no gaps: there may be very many idle streams.
  Context* context_;                  // null: the context has ended
  ReadOperation* reading_ = nullptr;  // pending
  WriteQueue* writes_ = nullptr;      // in a block of the context's; null: nothing is queued
  [[no_unique_address]] ReadSide readSide_;
  Registration registration_;
  FdKind kind_ : 2;
  bool shutdownStarted_ : 1 = false;
  bool closesAfterFlush_ : 1 = false;
  bool isBorrowed_ : 1 = false;
  bool closed_ : 1 = false;
  Fd fd_;  // -1: closed
};

}  // namespace kairos::detail

#endif  // KAIROS_TRANSPORTS_DETAIL_STREAM_H_
