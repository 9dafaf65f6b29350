// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TRANSPORTS_STREAM_OPERATION_H_
#define KAIROS_TRANSPORTS_STREAM_OPERATION_H_

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

#include "kairos/reactor/reactor.h"
#include "kairos/transports/operation.h"

// The operations of a StreamTransport, and what they are told. Operations follow operation.h.

namespace kairos {

namespace detail {
class ReadSide;
class Stream;
template <class Target>
struct StreamCalls;
class TlsConnection;
class WriteQueue;
}  // namespace detail

struct ReadLimit {
  std::size_t limit = 65536;  // bytes
};

// What begins with the bytes that a MessageFunc was shown.
struct MessageSize {
  std::size_t size = 0;        // of the whole message; 0: more bytes are needed to tell
  std::error_code error = {};  // it is none, or the stream must not end here
};

// Tells how long the message is that begins with `bytes`. There are none, once for each read, when
// the stream has ended and nothing is unread: whether it may end there, behind a message or before
// the first, is told by the error alone. It runs in a poll, or in the call that starts the read,
// when bytes or the end are there already, or in one that ends what is received, as shutdownRead()
// does. It looks at them, calls nothing of the transports or the reactor, and must not throw.
// `udata` is that of the read's callback.
using MessageFunc = MessageSize (*)(void* udata, std::string_view bytes);

struct ReadOperation : detail::Operation {
  ReadOperation() = default;
  ~ReadOperation() { abandon(); }

  // The stream has ended, after `data`.
  bool atEnd = false;

 private:
  friend class detail::ReadSide;
  friend class detail::Stream;
  template <class Target>
  friend struct detail::StreamCalls;
  enum class Kind : std::uint8_t { onceInto, exactly, once, until, line, message, toEnd, consume };

  // Here, where it takes no room.
  Kind kind_ = Kind::once;
  std::uint32_t separatorSize_ = 0;

 public:
  // What was read. In a buffer of the stream it stays valid until the next read is started on that
  // stream, or the stream is destroyed; else it is the beginning of the user's buffer.
  std::string_view data;
  // How many bytes were taken from the stream.
  std::size_t bytes = 0;

 private:
  void describe(Kind kind, char* into, std::size_t wanted) noexcept {
    kind_ = kind;
    with_.into = into;
    wanted_ = wanted;
  }

  // The user has a buffer for it, into() which it is read.
  bool isInto() const noexcept { return kind_ <= Kind::exactly; }
  char* into() const noexcept { return with_.into; }
  std::string_view separator() const noexcept { return {with_.separator, separatorSize_}; }
  MessageSize messageOf(std::string_view unread) const noexcept {
    return with_.messageOf(detail::OperationAccess::udataOf(*this), unread);
  }

  std::size_t wanted_ = 0;  // the size of the user's buffer, or the limit
  union {
    char* into;
    const char* separator;
    MessageFunc messageOf;
  } with_{nullptr};
};

// How much may be queued for writing. At the first, writers had better wait; when no more than the
// second is left, they may go on; what would make it more than the third is refused.
struct WriteMarks {
  std::size_t high = 65536;
  std::size_t low = 16384;
  std::size_t cap = 67108864;
};

// Bytes of a file, which the user keeps open, and as large as it is, until the write is done.
struct FileRange {
  static constexpr std::uint64_t toEnd = std::numeric_limits<std::uint64_t>::max();

  Fd file = -1;
  std::uint64_t offset = 0;
  std::uint64_t size = toEnd;  // toEnd: until the file ends
};

struct WriteOperation : detail::Operation {
  WriteOperation() = default;
  ~WriteOperation() { abandon(); }

 private:
  friend class detail::Stream;
  friend class detail::TlsConnection;
  friend class detail::WriteQueue;
  friend class StreamTransport;
  template <class Target>
  friend struct detail::StreamCalls;
  enum class Kind : std::uint8_t {
    bytes,
    parts,   // of them
    file,    // handed from the file to the stream by the OS
    copied,  // of a file, through memory
    shutdown,
    close  // after a shutdown
  };

  // Here, where they take no room.
  Kind kind_ = Kind::bytes;
  Fd file_ = -1;  // the user's

 public:
  std::size_t bytes = 0;  // how many were handed to the OS

 private:
  void describe(Kind kind, std::uint64_t left) noexcept {
    kind_ = kind;
    left_ = left;
    offset_ = 0;
  }

  bool isOfMemory() const noexcept { return kind_ <= Kind::parts; }
  bool isLast() const noexcept { return kind_ >= Kind::shutdown; }

  // Of what is in memory, and not gone yet: the parts, while there are bytes left in them.
  std::string_view part(std::size_t index) const noexcept {
    if (kind_ == Kind::bytes) return {at_.bytes, left_};
    return at_.parts[index].substr(index == 0 ? offset_ : 0);
  }

  // So many bytes of the first part are gone.
  void advance(std::size_t count) noexcept {
    bytes += count;
    left_ -= count;
    if (kind_ == Kind::bytes) {
      at_.bytes += count;
    } else if ((offset_ += count) == at_.parts->size()) {
      ++at_.parts;
      offset_ = 0;
    }
  }

  std::uint64_t left_ = 0;    // of all parts, or of the file: FileRange::toEnd if it is not known
  std::uint64_t offset_ = 0;  // of what is left in the first part, or in the file
  union {
    const char* bytes;
    const std::string_view* parts;
  } at_{nullptr};                       // where what is left begins
  std::unique_ptr<std::string> owned_;  // kept for the next such write
};

// A wait for room in the queue of writes.
struct DrainOperation : detail::Operation {
  DrainOperation() = default;
  ~DrainOperation() { abandon(); }
};

// A wait for the stream to be closed.
struct CloseOperation : detail::Operation {
  CloseOperation() = default;
  ~CloseOperation() { abandon(); }
};

}  // namespace kairos

#endif  // KAIROS_TRANSPORTS_STREAM_OPERATION_H_
