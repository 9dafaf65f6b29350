// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/transports/detail/write_queue.h"

#include <algorithm>
#include <array>
#include <span>
#include <string_view>

namespace kairos::detail {
namespace {

iovec toIovec(std::string_view bytes) {
  // writev(2) and sendmsg(2) do not write to it.
  return {const_cast<char*>(bytes.data()), bytes.size()};
}

}  // namespace

void WriteQueue::add(WriteOperation& operation) noexcept {
  operations_.pushBack(operation);
  bytes_ += operation.left_;
}

void WriteQueue::forget(WriteOperation& operation) noexcept {
  bytes_ -= operation.left_;
  operation.unlink();
}

WriteQueue::Next WriteQueue::flush(Context& context, Fd fd, FdKind kind) noexcept {
  for (int calls = 0;; ++calls) {
    const Next next = completeWritten(context);
    if (next != Next::wait || calls == callsPerFlushMax) return next;
    std::array<iovec, partsMax> parts;
    std::size_t count = 0;
    const std::size_t offered = gather(parts, count);
    const IoResult result = writeOnce(fd, kind, std::span(parts).first(count));
    if (result.wouldBlock()) return Next::wait;
    if (result.error != 0) {
      error_ = systemError(result.error);
      return Next::failed;
    }
    advance(context, result.bytes);
    if (result.bytes < offered) return completeWritten(context);
  }
}

// Takes from the head what has nothing left.
WriteQueue::Next WriteQueue::completeWritten(Context& context) noexcept {
  while (!operations_.empty()) {
    auto& head = static_cast<WriteOperation&>(operations_.front());
    if (head.left_ > 0) return Next::wait;
    if (head.isShutdown_) return Next::shutDown;
    complete(context, head);
  }
  return Next::nothing;
}

// Returns the bytes of the parts, up to a shutdown.
std::size_t WriteQueue::gather(std::span<iovec> parts, std::size_t& count) const noexcept {
  std::size_t offered = 0;
  operations_.forEach([&](Operation& each) {
    const auto& operation = static_cast<const WriteOperation&>(each);
    std::size_t offset = operation.firstOffset_;
    for (const std::string_view part : operation.parts_) {
      if (count == parts.size()) break;
      const std::string_view rest = part.substr(offset);
      offset = 0;
      if (rest.empty()) continue;
      parts[count++] = toIovec(rest);
      offered += rest.size();
    }
    return count < parts.size() && !operation.isShutdown_;
  });
  return offered;
}

void WriteQueue::advance(Context& context, std::size_t written) noexcept {
  bytes_ -= written;
  while (written > 0) {
    auto& head = static_cast<WriteOperation&>(operations_.front());
    if (head.left_ == 0) {
      complete(context, head);
      continue;
    }
    const std::size_t inPart = head.parts_.front().size() - head.firstOffset_;
    const std::size_t count = std::min(inPart, written);
    head.bytes += count;
    head.left_ -= count;
    written -= count;
    head.firstOffset_ += count;
    if (count < inPart) continue;
    head.parts_ = head.parts_.subspan(1);
    head.firstOffset_ = 0;
  }
}

void WriteQueue::complete(Context& context, WriteOperation& operation) noexcept {
  OperationAccess::disown(operation);
  context.complete(operation);
}

WriteOperation& WriteQueue::takeShutdown() noexcept {
  return static_cast<WriteOperation&>(operations_.popFront());
}

void WriteQueue::failAll(Context& context, std::error_code error) noexcept {
  error_ = error;
  bytes_ = 0;
  while (!operations_.empty()) {
    auto& head = static_cast<WriteOperation&>(operations_.front());
    head.error = error;
    complete(context, head);
  }
}

}  // namespace kairos::detail
