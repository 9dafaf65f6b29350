// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/transports/detail/write_queue.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <span>
#include <string_view>

#include "kairos/transports/error.h"

namespace kairos::detail {
namespace {

// The connection broke. The OS says so once, to whatever call comes first.
bool isLoss(int error) {
  switch (error) {
    case ECONNRESET:
    case ECONNABORTED:
    case ETIMEDOUT:
    case EHOSTUNREACH:
    case ENETUNREACH:
    case ENETDOWN:
      return true;
    default:
      return false;
  }
}

// Of the stream, so that reading the file would not help.
bool isOfPeer(int error) { return isLoss(error) || error == EPIPE || error == ENOTCONN; }

}  // namespace

std::size_t WriteQueue::bytesOf(const WriteOperation& operation) noexcept {
  return operation.isOfMemory() ? operation.left_ : 0;
}

void WriteQueue::add(WriteOperation& operation) noexcept {
  if (operation.kind_ == Kind::shutdown) return addBeforeClose(operation);
  operations_.pushBack(operation);
  bytes_ += bytesOf(operation);
}

// An end, which has nothing to write, may be asked for after a close.
void WriteQueue::addBeforeClose(WriteOperation& operation) noexcept {
  operations_.forEach([&](Operation& each) {
    const bool isClose = static_cast<const WriteOperation&>(each).kind_ == Kind::close;
    if (isClose) each.insertBefore(operation);
    return !isClose;
  });
  if (!operation.isLinked()) operations_.pushBack(operation);
}

void WriteQueue::forget(WriteOperation& operation) noexcept {
  bytes_ -= bytesOf(operation);
  operation.unlink();
}

WriteQueue::Next WriteQueue::flush(Context& context, Fd fd, FdKind kind) noexcept {
  for (int calls = 0;; ++calls) {
    const Next next = completeWritten(context);
    if (next != Next::wait || calls == callsPerFlushMax) return next;
    switch (head().isOfMemory() ? writeParts(context, fd, kind) : writeFile(context, fd, kind)) {
      case Step::more:
        break;
      case Step::full:
        return completeWritten(context);
      case Step::refused:
        return calls == 0 ? Next::refused : Next::wait;
      case Step::starved:
        return Next::starved;
      case Step::failed:
        return Next::failed;
    }
  }
}

// What it means that nothing was written.
WriteQueue::Step WriteQueue::stopped(const IoResult& result) noexcept {
  if (result.wouldBlock()) return Step::refused;
  if (result.isStarved()) return Step::starved;
  error_ = systemError(result.error);
  return Step::failed;
}

WriteQueue::Step WriteQueue::writeParts(Context& context, Fd fd, FdKind kind) noexcept {
  std::array<iovec, partsMax> parts;
  std::size_t count = 0;
  const std::size_t offered = gather(parts, count);
  const IoResult result = writeOnce(fd, kind, std::span(parts).first(count));
  if (result.error != 0) return stopped(result);
  advance(context, result.bytes);
  return result.bytes < offered ? Step::full : Step::more;
}

// Takes from the head what has nothing left.
WriteQueue::Next WriteQueue::completeWritten(Context& context) noexcept {
  while (!operations_.empty()) {
    if (head().left_ > 0) return Next::wait;
    if (head().isLast()) return Next::last;
    complete(context, head());
  }
  return Next::nothing;
}

// Returns the bytes of the parts, up to what is not in memory.
std::size_t WriteQueue::gather(std::span<iovec> parts, std::size_t& count) const noexcept {
  std::size_t offered = 0;
  operations_.forEach([&](Operation& each) {
    const auto& operation = static_cast<const WriteOperation&>(each);
    if (!operation.isOfMemory()) return false;
    std::size_t left = operation.left_;
    for (std::size_t index = 0; left > 0 && count < parts.size(); ++index) {
      const std::string_view part = operation.part(index);
      if (!part.empty()) parts[count++] = toIovec(part);
      left -= part.size();
    }
    offered += operation.left_ - left;
    return count < parts.size();
  });
  return offered;
}

void WriteQueue::advance(Context& context, std::size_t written) noexcept {
  bytes_ -= written;
  while (written > 0) {
    WriteOperation& operation = head();
    if (operation.left_ == 0) {
      complete(context, operation);
      continue;
    }
    const std::size_t count = std::min(operation.part(0).size(), written);
    operation.advance(count);
    written -= count;
  }
}

// ---- Files

// What the OS cannot hand over from this file, or to this stream, may still be read and written.
WriteQueue::Step WriteQueue::writeFile(Context& context, Fd fd, FdKind kind) noexcept {
  WriteOperation& operation = head();
  if (operation.kind_ == Kind::copied) return copyFile(context, fd, kind);
  const std::size_t asked = std::min<std::uint64_t>(operation.left_, fileBytesMax);
  const IoResult result = sendFileOnce(fd, operation.file_, operation.offset_, asked);
  if (result.wouldBlock() || result.isStarved()) return stopped(result);
  if (result.error == 0) fileWasCut_ = result.bytes > 0 && result.bytes < asked;
  if (result.error == 0) return advanceFile(context, result.bytes, asked);
  if (isOfPeer(result.error)) return stopped(result);
  operation.kind_ = Kind::copied;
  return Step::more;
}

// What the OS does not take is read again. What has no offsets, as a pipe, cannot be.
WriteQueue::Step WriteQueue::copyFile(Context& context, Fd fd, FdKind kind) noexcept {
  const WriteOperation& operation = head();
  const PoolBlock block(context.pool());
  if (block.bytes().empty())
    return failFile(context, std::make_error_code(std::errc::not_enough_memory));
  const std::size_t asked = std::min<std::uint64_t>(operation.left_, BufferPool::blockBytes);
  const IoResult got = readAt(operation.file_, operation.offset_, block.bytes().first(asked));
  const int error = got.error == ESPIPE ? ENOTSUP : got.error;
  if (error != 0) return failFile(context, systemError(error));
  if (got.bytes == 0) return advanceFile(context, 0, asked);
  const std::string_view part(block.bytes().data(), got.bytes);
  const IoResult result = writeOnce(fd, kind, part);
  if (result.error != 0) return stopped(result);
  const Step step = advanceFile(context, result.bytes, got.bytes);
  return result.bytes < got.bytes ? Step::full : step;
}

// Where there is more of the file, less than asked for means that the OS takes no more now.
WriteQueue::Step WriteQueue::advanceFile(Context& context, std::size_t sent,
                                         std::size_t asked) noexcept {
  WriteOperation& operation = head();
  const bool isSized = operation.left_ != FileRange::toEnd;
  if (sent == 0 && isSized) return failFile(context, TransportError::incomplete);
  operation.bytes += sent;
  operation.offset_ += sent;
  if (isSized) {
    operation.left_ -= sent;
  } else if (sent == 0) {
    operation.left_ = 0;
  }
  if (sent == asked || sent == 0) return Step::more;
  return isSized || sizeOf(operation.file_) > operation.offset_ ? Step::full : Step::more;
}

// What follows would be taken for the rest, if a part is sent.
WriteQueue::Step WriteQueue::failFile(Context& context, std::error_code error) noexcept {
  WriteOperation& operation = head();
  operation.error = error;
  complete(context, operation);
  if (operation.bytes == 0) return Step::more;
  error_ = std::make_error_code(std::errc::operation_canceled);
  return Step::failed;
}

// ---- Ends

// A sendfile(2) that has sent a part keeps to itself what ended it. A full buffer is the usual
// reason, so that it is looked into only here.
int WriteQueue::loss(Fd fd) const noexcept {
  const bool isOfOs = error_.category() == std::generic_category();
  if (isOfOs && isLoss(error_.value())) return error_.value();
  return fileWasCut_ && isBrokenSilently(fd) ? ECONNRESET : 0;
}

WriteOperation& WriteQueue::takeLast() noexcept {
  hasTakenLast_ = true;
  return static_cast<WriteOperation&>(operations_.popFront());
}

bool WriteQueue::endsWithLast(const IntrusiveList<Operation>& writes) noexcept {
  bool isLast = false;
  writes.forEach([&](const Operation& each) {
    return !(isLast = static_cast<const WriteOperation&>(each).isLast());
  });
  return isLast;
}

void WriteQueue::failAll(Context& context, std::error_code error) noexcept {
  error_ = error;
  bytes_ = 0;
  while (!operations_.empty()) {
    if (head().kind_ == Kind::close) tellDrained(context);
    head().error = error;
    complete(context, head());
  }
  tellDrained(context);
}

// ---- Waits

void WriteQueue::tellDrained(Context& context) noexcept {
  if (bytes_ <= marks_.low) waits_.tellDrained(context, error_);
}

}  // namespace kairos::detail
