// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TRANSPORTS_DETAIL_READ_SIDE_H_
#define KAIROS_TRANSPORTS_DETAIL_READ_SIDE_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <system_error>

#include "kairos/transports/detail/fd_io.h"
#include "kairos/transports/detail/read_buffer.h"
#include "kairos/transports/stream_operation.h"

namespace kairos::detail {

// What a stream has received, and how it serves reads. Knows no reactor and no callbacks.
class ReadSide {
 public:
  std::string_view unread() const noexcept { return buffer_.unread(); }

  // Nothing more will be received: the end, or an error.
  bool hasEnded() const noexcept { return sawEnd_ || error_ != 0; }
  bool atEnd() const noexcept { return sawEnd_ && buffer_.unread().empty(); }
  void end() noexcept { sawEnd_ = true; }
  // What looked like the end was a broken connection; zero: it did not break.
  void explainEnd(int error) noexcept {
    if (!sawEnd_ || error == 0) return;
    sawEnd_ = false;
    setError(error);
  }
  // None: it has not failed.
  std::error_code error() const noexcept {
    return error_ != 0 ? systemError(error_) : std::error_code();
  }

  // Of the last read nothing is looked at any more.
  void trim(BufferPool& pool) noexcept {
    buffer_.trim(pool);
    buffer_.setNote(0);
  }
  // Nor of what is unread.
  void release(BufferPool& pool) noexcept { buffer_.release(pool); }

  // Receives once, for `operation`. False: nothing came, nothing changed; out of memory, that is
  // the operation's error.
  [[gnu::always_inline]] bool receive(Fd fd, FdKind kind, BufferPool& pool,
                                      ReadOperation& operation) noexcept {
    if (mayGoAround(operation)) return receiveInto(fd, kind, operation);
    const std::span<char> room = buffer_.makeRoom(pool);
    if (room.empty()) return lackMemory(operation);
    const IoResult result = readOnce(fd, kind, room);
    buffer_.received(result.bytes);
    if (result.bytes > 0) return true;
    buffer_.trim(pool);
    return receiveNothing(result);
  }

  // For what comes otherwise than from a descriptor: where to put it, empty if there is no memory,
  // and that it is there.
  std::span<char> makeRoom(BufferPool& pool) noexcept { return buffer_.makeRoom(pool); }
  void received(std::size_t count) noexcept { buffer_.received(count); }

  // Whether serve() has anything to look at.
  bool mayServe(const ReadOperation& operation) const noexcept {
    return !buffer_.unread().empty() || hasEnded() || operation.wanted_ == 0;
  }

  // Serves `operation` from what has been received. False: that is not enough yet.
  bool serve(ReadOperation& operation) noexcept {
    const std::size_t count = buffer_.unread().size();
    if (operation.kind_ != ReadOperation::Kind::once || count == 0) return serveOther(operation);
    take(operation, count);
    return true;
  }

  // What a cancelled or failed operation has got so far: bytes in the user's buffer.
  static void showPartial(ReadOperation& operation) noexcept;

 private:
  // Large reads into the user's buffer go around ours.
  bool mayGoAround(const ReadOperation& operation) const noexcept {
    return operation.isInto() && operation.wanted_ - operation.bytes >= BufferPool::blockBytes &&
           buffer_.unread().empty();
  }
  void setError(int error) noexcept { error_ = static_cast<std::uint16_t>(error & 0x7fff); }
  bool receiveInto(Fd fd, FdKind kind, ReadOperation& operation) noexcept;
  // Nothing came. False: it may yet.
  bool receiveNothing(IoResult result) noexcept;
  static bool lackMemory(ReadOperation& operation) noexcept;
  bool serveOther(ReadOperation& operation) noexcept;
  // Shows the next `count` bytes.
  void take(ReadOperation& operation, std::size_t count) noexcept {
    operation.data = buffer_.unread().substr(0, count);
    operation.bytes = count;
    buffer_.consume(count);
  }
  void takeInto(ReadOperation& operation) noexcept;
  std::string_view takeWanted(ReadOperation& operation) noexcept;
  void finishAtEnd(ReadOperation& operation, std::error_code atEnd) const noexcept;
  bool serveOnce(ReadOperation& operation) noexcept;
  bool serveOnceInto(ReadOperation& operation) noexcept;
  bool serveExactly(ReadOperation& operation) noexcept;
  bool serveUntil(ReadOperation& operation) noexcept;
  bool serveLine(ReadOperation& operation) noexcept;
  bool serveMessage(ReadOperation& operation) noexcept;
  bool serveNoMessage(ReadOperation& operation) noexcept;
  bool serveToEnd(ReadOperation& operation) noexcept;
  bool serveConsume(ReadOperation& operation) noexcept;

  ReadBuffer buffer_;
  std::uint16_t error_ : 15 = 0;  // errno
  bool sawEnd_ : 1 = false;
};

}  // namespace kairos::detail

#endif  // KAIROS_TRANSPORTS_DETAIL_READ_SIDE_H_
