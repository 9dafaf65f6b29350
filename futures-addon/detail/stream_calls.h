// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_FUTURES_ADDON_DETAIL_STREAM_CALLS_H_
#define KAIROS_FUTURES_ADDON_DETAIL_STREAM_CALLS_H_

#include <concepts>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "kairos/futures-addon/detail/coroutine.h"
#include "kairos/futures-addon/detail/transport_awaiter.h"
#include "kairos/reactor/reactor.h"
#include "kairos/transports/stream_transport.h"

// The operations of a StreamTransport as TransportAwaiter wants them, and of what reads and writes
// as it does.

namespace kairos::detail {

// Such as StreamTransport.
template <class Stream>
concept ByteStream = requires(Stream& stream, ReadOperation& read, WriteOperation& write,
                              CallbackFunc done, void* udata) {
  { stream.readLine(read, ReadLimit(), done, udata) } -> std::same_as<std::error_code>;
  { stream.write(write, std::string_view(), done, udata) } -> std::same_as<std::error_code>;
};

template <ByteStream Stream>
struct StreamCall : BasicCall {
  using Target = Stream;
};

template <ByteStream Stream>
struct ReadCall : StreamCall<Stream> {
  using Operation = ReadOperation;

  // Nothing: the stream has ended, and that was to be expected.
  static std::optional<std::string_view> result(const ReadOperation& operation) noexcept {
    const bool isEnd = operation.atEnd || operation.error == TransportError::incomplete;
    if (operation.data.empty() && (isEnd || operation.error)) return std::nullopt;
    return operation.data;
  }
};

// One that wants more than the stream has: none of it is an end like another, and no error.
template <ByteStream Stream>
struct WholeReadCall : ReadCall<Stream> {
  static bool isFailed(const ReadOperation& operation) noexcept {
    if (operation.error != TransportError::incomplete) return BasicCall::isFailed(operation);
    return !operation.data.empty();
  }
};

template <ByteStream Stream>
struct ReadLineCall : ReadCall<Stream> {
  std::error_code start(Stream& stream, ReadOperation& operation,
                        AsyncCallback done) const noexcept {
    return stream.readLine(operation, limit, done.function, done.udata);
  }
  ReadLimit limit;
};

template <ByteStream Stream>
struct ReadOnceCall : ReadCall<Stream> {
  std::error_code start(Stream& stream, ReadOperation& operation,
                        AsyncCallback done) const noexcept {
    return stream.readOnce(operation, done.function, done.udata);
  }
};

template <ByteStream Stream>
struct ReadOnceIntoCall : ReadCall<Stream> {
  std::error_code start(Stream& stream, ReadOperation& operation,
                        AsyncCallback done) const noexcept {
    return stream.readOnce(operation, into, done.function, done.udata);
  }
  std::span<char> into;
};

template <ByteStream Stream>
struct ReadExactlyCall : WholeReadCall<Stream> {
  std::error_code start(Stream& stream, ReadOperation& operation,
                        AsyncCallback done) const noexcept {
    return stream.readExactly(operation, into, done.function, done.udata);
  }
  std::span<char> into;
};

template <ByteStream Stream>
struct ReadUntilCall : WholeReadCall<Stream> {
  std::error_code start(Stream& stream, ReadOperation& operation,
                        AsyncCallback done) const noexcept {
    return stream.readUntil(operation, separator, limit, done.function, done.udata);
  }
  std::string_view separator;
  ReadLimit limit;
};

// The callback's udata is the coroutine, which a MessageFunc has no use for.
template <ByteStream Stream>
struct ReadMessageCall : ReadCall<Stream> {
  std::error_code start(Stream& stream, ReadOperation& operation,
                        AsyncCallback done) const noexcept {
    return stream.readMessage(operation, messageOf, limit, done.function, done.udata);
  }
  MessageFunc messageOf;
  ReadLimit limit;
};

template <ByteStream Stream>
struct ReadToEndCall : ReadCall<Stream> {
  std::error_code start(Stream& stream, ReadOperation& operation,
                        AsyncCallback done) const noexcept {
    return stream.readToEnd(operation, limit, done.function, done.udata);
  }
  static std::string_view result(const ReadOperation& operation) noexcept { return operation.data; }
  ReadLimit limit;
};

template <ByteStream Stream>
struct ConsumeCall : ReadCall<Stream> {
  std::error_code start(Stream& stream, ReadOperation& operation,
                        AsyncCallback done) const noexcept {
    return stream.consume(operation, count, done.function, done.udata);
  }
  static std::size_t result(const ReadOperation& operation) noexcept { return operation.bytes; }
  std::size_t count;
};

template <ByteStream Stream>
struct WriteCall : StreamCall<Stream> {
  using Operation = WriteOperation;

  // One that the transport cannot take back is destroyed, as it may be at any time. An empty write,
  // which can be taken back if it has to wait, makes the coroutine go on.
  static bool cancel(Stream& stream, WriteOperation& operation) noexcept {
    if (BasicCall::cancel(stream, operation)) return true;
    if (!OperationAccess::isWaiting(operation) || !stream.isOpen()) return false;
    void* const coroutine = OperationAccess::udataOf(operation);
    std::destroy_at(&operation);
    std::construct_at(&operation);
    if (stream.write(operation, std::string_view(), Coroutine::onResumable, coroutine))
      return false;
    BasicCall::cancel(stream, operation);
    return true;
  }

  static void result(const WriteOperation&) noexcept {}
};

template <ByteStream Stream>
struct WriteBytesCall : WriteCall<Stream> {
  std::error_code start(Stream& stream, WriteOperation& operation,
                        AsyncCallback done) const noexcept {
    return stream.write(operation, bytes, done.function, done.udata);
  }
  std::string_view bytes;
};

template <ByteStream Stream>
struct WritePartsCall : WriteCall<Stream> {
  std::error_code start(Stream& stream, WriteOperation& operation,
                        AsyncCallback done) const noexcept {
    return stream.write(operation, parts, done.function, done.udata);
  }
  std::span<const std::string_view> parts;
};

template <ByteStream Stream>
struct WriteOwnedCall : WriteCall<Stream> {
  std::error_code start(Stream& stream, WriteOperation& operation, AsyncCallback done) noexcept {
    return stream.writeOwned(operation, std::move(bytes), done.function, done.udata);
  }
  std::string bytes;
};

template <ByteStream Stream>
struct WriteFileCall : WriteCall<Stream> {
  std::error_code start(Stream& stream, WriteOperation& operation,
                        AsyncCallback done) const noexcept {
    return stream.writeFile(operation, range, done.function, done.udata);
  }
  static std::size_t result(const WriteOperation& operation) noexcept { return operation.bytes; }
  FileRange range;
};

template <ByteStream Stream>
struct ShutdownCall : WriteCall<Stream> {
  std::error_code start(Stream& stream, WriteOperation& operation,
                        AsyncCallback done) const noexcept {
    return stream.shutdown(operation, done.function, done.udata);
  }
};

template <ByteStream Stream>
struct CloseAfterFlushCall : WriteCall<Stream> {
  std::error_code start(Stream& stream, WriteOperation& operation,
                        AsyncCallback done) const noexcept {
    return stream.closeAfterFlush(operation, done.function, done.udata);
  }
};

template <ByteStream Stream>
struct DrainedCall : StreamCall<Stream> {
  using Operation = DrainOperation;

  std::error_code start(Stream& stream, DrainOperation& operation,
                        AsyncCallback done) const noexcept {
    return stream.waitUntilDrained(operation, done.function, done.udata);
  }
  static void result(const DrainOperation&) noexcept {}
};

template <ByteStream Stream>
struct ClosedCall : StreamCall<Stream> {
  using Operation = CloseOperation;

  std::error_code start(Stream& stream, CloseOperation& operation,
                        AsyncCallback done) const noexcept {
    return stream.waitUntilClosed(operation, done.function, done.udata);
  }
  static void result(const CloseOperation&) noexcept {}
};

}  // namespace kairos::detail

#endif  // KAIROS_FUTURES_ADDON_DETAIL_STREAM_CALLS_H_
