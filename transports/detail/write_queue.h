// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TRANSPORTS_DETAIL_WRITE_QUEUE_H_
#define KAIROS_TRANSPORTS_DETAIL_WRITE_QUEUE_H_

#include <cstddef>
#include <system_error>

#include "kairos/transports/detail/context.h"
#include "kairos/transports/detail/fd_io.h"
#include "kairos/transports/detail/stream_waits.h"
#include "kairos/transports/stream_operation.h"

namespace kairos::detail {

// The writes of a stream that the OS has not taken yet, in order. Knows no reactor and no
// callbacks: it completes operations, which others run.
class WriteQueue {
 public:
  // What a flush found at the head.
  enum class Next { nothing, wait, refused, starved, last, failed };

  // Parts, or bytes of a file, that go to the OS in one call; calls that one flush makes at most.
  static constexpr std::size_t partsMax = 64;
  static constexpr std::size_t fileBytesMax = std::size_t{2} << 20;
  static constexpr int callsPerFlushMax = 8;

  bool empty() const noexcept { return operations_.empty(); }
  // The first has nothing left, and is to be completed.
  bool headIsWritten() const noexcept { return !empty() && head().left_ == 0; }
  // Nothing would be lost with it.
  bool isIdle() const noexcept { return empty() && !error_ && !marksSet_ && waits_.empty(); }
  // Those of files are not counted: they are not in memory.
  std::size_t bytes() const noexcept { return bytes_; }
  // A close stays behind all else.
  void add(WriteOperation& operation) noexcept;
  void forget(WriteOperation& operation) noexcept;

  const WriteMarks& marks() const noexcept { return marks_; }
  void setMarks(const WriteMarks& marks) noexcept {
    marks_ = marks;
    marksSet_ = true;
  }

  StreamWaits& waits() noexcept { return waits_; }
  // Completes the waits for room, if there is room.
  void tellDrained(Context& context) noexcept;

  // Writes as much as the OS takes, within the bound, and completes what is done.
  //   wait      the OS takes no more now, or the bound is reached
  //   refused   as wait, and it took nothing
  //   starved   as wait, and it will not tell when it takes more
  //   last      all before a shutdown, or close, is written; takeLast() goes on
  //   failed    see error(); nothing was completed for it
  Next flush(Context& context, Fd fd, FdKind kind) noexcept;
  std::error_code error() const noexcept { return error_; }
  // The errno by which a write was told that the connection broke, or would have been; zero: none
  // was. For a stream that has ended.
  int loss(Fd fd) const noexcept;
  WriteOperation& takeLast() noexcept;
  // One was taken before.
  bool hasTakenLast() const noexcept { return hasTakenLast_; }
  // A shutdown, or close, is queued: nothing follows but more of them.
  bool endsWithLast() const noexcept { return endsWithLast(operations_); }
  static bool endsWithLast(const IntrusiveList<Operation>& writes) noexcept;

  // A write that has its result is no longer of the stream.
  static void complete(Context& context, WriteOperation& operation) noexcept {
    OperationAccess::disown(operation);
    context.complete(operation);
  }

  // Set while the OS is starved.
  TimerId& retry() noexcept { return retry_; }

  // Completes all with `error`.
  void failAll(Context& context, std::error_code error) noexcept;

 private:
  using Kind = WriteOperation::Kind;
  // What one call to the OS came to: it takes more, no more now, nothing at all.
  enum class Step { more, full, refused, starved, failed };

  WriteOperation& head() const noexcept {
    return static_cast<WriteOperation&>(operations_.front());
  }
  static std::size_t bytesOf(const WriteOperation& operation) noexcept;
  void addBeforeClose(WriteOperation& operation) noexcept;
  Next completeWritten(Context& context) noexcept;
  Step writeParts(Context& context, Fd fd, FdKind kind) noexcept;
  Step writeFile(Context& context, Fd fd, FdKind kind) noexcept;
  Step copyFile(Context& context, Fd fd, FdKind kind) noexcept;
  Step advanceFile(Context& context, std::size_t sent, std::size_t asked) noexcept;
  Step failFile(Context& context, std::error_code error) noexcept;
  Step stopped(const IoResult& result) noexcept;
  std::size_t gather(std::span<iovec> parts, std::size_t& count) const noexcept;
  void advance(Context& context, std::size_t written) noexcept;

  IntrusiveList<Operation> operations_;
  StreamWaits waits_;
  std::size_t bytes_ = 0;
  WriteMarks marks_;
  bool marksSet_ = false;
  bool fileWasCut_ = false;  // the last sendfile(2) took less than it was offered
  bool hasTakenLast_ = false;
  TimerId retry_ = TimerId::none;
  std::error_code error_;
};

}  // namespace kairos::detail

#endif  // KAIROS_TRANSPORTS_DETAIL_WRITE_QUEUE_H_
