// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TRANSPORTS_DETAIL_STREAM_H_
#define KAIROS_TRANSPORTS_DETAIL_STREAM_H_

#include <cstddef>
#include <string_view>
#include <system_error>

#include "kairos/transports/detail/context.h"
#include "kairos/transports/detail/fd_io.h"
#include "kairos/transports/detail/read_side.h"
#include "kairos/transports/detail/write_queue.h"
#include "kairos/transports/operation.h"

namespace kairos::detail {

// What a StreamTransport is, behind its handle: the descriptor, and when it is watched.
//
// The reader is registered from the first read on, and stays so from one read to the next; when
// something comes that no read waits for, it goes, so that an unread stream wakes nobody. The
// writer is registered while bytes are queued.
class Stream final : public ContextMember, public OperationOwner {
 public:
  Stream(Context& context, Fd fd, FdKind kind) noexcept;
  ~Stream();

  // The operations are described; these begin them.
  void startRead(ReadOperation& operation, AsyncCallback callback) noexcept;
  void startWrite(WriteOperation& operation, AsyncCallback callback) noexcept;
  // Whether a read may begin, before it is described.
  std::error_code mayRead(const ReadOperation& operation) const noexcept;
  std::error_code mayWrite(const WriteOperation& operation) const noexcept;

  bool cancel(ReadOperation& operation) noexcept;
  bool cancel(WriteOperation& operation) noexcept;
  void shutdownRead() noexcept;
  void close() noexcept;

  Fd fd() const noexcept { return fd_; }
  const ReadSide& readSide() const noexcept { return readSide_; }
  std::size_t queuedBytes() const noexcept { return writes_.bytes(); }

  void forget(Operation& operation) noexcept override;
  void leaveContext() noexcept override;

 private:
  static void onReadable(void* udata);
  static void onWritable(void* udata);

  std::error_code mayStart(const Operation& operation) const noexcept;
  // A read waits for more.
  bool isReading() const noexcept { return reading_ != nullptr && !reading_->isLinked(); }
  void readSome() noexcept;
  void serveRead() noexcept;
  void finishRead(std::error_code error) noexcept;
  std::error_code watchReading() noexcept;
  void unwatchReading() noexcept;

  std::error_code writeError() const noexcept;
  void flush() noexcept;
  void shutDown() noexcept;
  void watchWriting() noexcept;
  void unwatchWriting() noexcept;
  void closeFd() noexcept;

  Context* context_;  // null: the context has ended
  Fd fd_;             // -1: closed
  FdKind kind_;
  bool readerAdded_ = false;
  bool writerAdded_ = false;
  bool shutdownStarted_ = false;
  bool closed_ = false;
  ReadOperation* reading_ = nullptr;  // pending
  ReadSide readSide_;
  WriteQueue writes_;
};

}  // namespace kairos::detail

#endif  // KAIROS_TRANSPORTS_DETAIL_STREAM_H_
