// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/transports/stream_transport.h"

#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <limits>
#include <new>
#include <utility>

#include "kairos/transports/detail/borrowed_files.h"
#include "kairos/transports/detail/context.h"
#include "kairos/transports/detail/fd_io.h"
#include "kairos/transports/detail/socket_address.h"
#include "kairos/transports/detail/stream.h"
#include "kairos/transports/detail/stream_access.h"
#include "kairos/transports/detail/stream_calls.h"

namespace kairos {
namespace {

using detail::FdKind;
using detail::systemError;

using Calls = detail::StreamCalls<detail::Stream>;

std::error_code invalid() { return std::make_error_code(std::errc::invalid_argument); }

// A file that the reactor cannot watch is refused now, not by the first read.
std::error_code checkWatchable(Reactor& reactor, Fd fd) {
  const auto never = [](void*) {};
  if (const auto error = reactor.addReader(fd, never, nullptr)) return error;
  const auto error = reactor.addWriter(fd, never, nullptr);
  if (!error) reactor.removeWriter(fd);
  reactor.removeReader(fd);
  return error;
}

}  // namespace

std::error_code detail::StreamAccess::make(Context& context, Fd fd, FdKind kind,
                                           StreamTransport& result) noexcept {
  if (context.isEnding()) return TransportError::closed;
  std::unique_ptr<Stream> made(new (std::nothrow) Stream(context, fd, kind));
  if (!made) return std::make_error_code(std::errc::not_enough_memory);
  result.stream_ = std::move(made);
  return {};
}

StreamTransport::StreamTransport() noexcept = default;
StreamTransport::~StreamTransport() = default;
StreamTransport::StreamTransport(StreamTransport&& other) noexcept = default;
StreamTransport& StreamTransport::operator=(StreamTransport&& other) noexcept = default;

std::error_code StreamTransport::adopt(TransportContext& context, Fd fd,
                                       StreamTransport& result) noexcept {
  detail::Context* const inner = detail::ContextAccess::of(context);
  if (inner == nullptr) return std::make_error_code(std::errc::not_enough_memory);
  FdKind kind{};
  if (const auto error = detail::kindOf(fd, kind)) return error;
  if (const auto error = checkWatchable(inner->reactor(), fd)) return error;
  bool isBorrowed = false;
  if (const auto error = detail::BorrowedFiles::borrow(*inner, fd, isBorrowed)) return error;
  if (const auto error = detail::StreamAccess::make(*inner, fd, kind, result)) {
    if (isBorrowed) detail::BorrowedFiles::giveBack(*inner, fd);
    return error;
  }
  if (isBorrowed) result.stream_->giveBackOnClose();
  return {};
}

// ---- Reading

std::error_code StreamTransport::readOnce(ReadOperation& operation, CallbackFunc callback,
                                          void* udata) noexcept {
  return Calls::readOnce(stream_.get(), operation, {callback, udata});
}

std::error_code StreamTransport::readOnce(ReadOperation& operation, std::span<char> into,
                                          CallbackFunc callback, void* udata) noexcept {
  return Calls::readOnce(stream_.get(), operation, into, {callback, udata});
}

std::error_code StreamTransport::readExactly(ReadOperation& operation, std::span<char> into,
                                             CallbackFunc callback, void* udata) noexcept {
  return Calls::readExactly(stream_.get(), operation, into, {callback, udata});
}

std::error_code StreamTransport::readUntil(ReadOperation& operation, std::string_view separator,
                                           ReadLimit limit, CallbackFunc callback,
                                           void* udata) noexcept {
  return Calls::readUntil(stream_.get(), operation, separator, limit, {callback, udata});
}

std::error_code StreamTransport::readLine(ReadOperation& operation, ReadLimit limit,
                                          CallbackFunc callback, void* udata) noexcept {
  return Calls::readLine(stream_.get(), operation, limit, {callback, udata});
}

std::error_code StreamTransport::readMessage(ReadOperation& operation, MessageFunc messageOf,
                                             ReadLimit limit, CallbackFunc callback,
                                             void* udata) noexcept {
  return Calls::readMessage(stream_.get(), operation, messageOf, limit, {callback, udata});
}

std::error_code StreamTransport::readToEnd(ReadOperation& operation, ReadLimit limit,
                                           CallbackFunc callback, void* udata) noexcept {
  return Calls::readToEnd(stream_.get(), operation, limit, {callback, udata});
}

std::error_code StreamTransport::consume(ReadOperation& operation, std::size_t count,
                                         CallbackFunc callback, void* udata) noexcept {
  return Calls::consume(stream_.get(), operation, count, {callback, udata});
}

std::string_view StreamTransport::peek() const noexcept {
  return stream_ ? stream_->readSide().unread() : std::string_view();
}

bool StreamTransport::atEnd() const noexcept { return stream_ && stream_->readSide().atEnd(); }

// ---- Writing

std::error_code StreamTransport::write(WriteOperation& operation, std::string_view bytes,
                                       CallbackFunc callback, void* udata) noexcept {
  return Calls::write(stream_.get(), operation, bytes, {callback, udata});
}

std::error_code StreamTransport::write(WriteOperation& operation,
                                       std::span<const std::string_view> parts,
                                       CallbackFunc callback, void* udata) noexcept {
  return Calls::write(stream_.get(), operation, parts, {callback, udata});
}

std::error_code StreamTransport::writeOwned(WriteOperation& operation, std::string bytes,
                                            CallbackFunc callback, void* udata) noexcept {
  return Calls::writeOwned(stream_.get(), operation, std::move(bytes), {callback, udata});
}

// Small ranges are not worth what the way around memory costs.
std::error_code StreamTransport::writeFile(WriteOperation& operation, const FileRange& range,
                                           CallbackFunc callback, void* udata) noexcept {
  constexpr std::uint64_t last = std::numeric_limits<std::int64_t>::max();
  if (range.offset > last) return invalid();
  if (range.size != FileRange::toEnd && range.size > last - range.offset) return invalid();
  if (const auto refusal = Calls::mayWrite(stream_.get(), operation, 0, {callback, udata})) {
    return refusal;
  }
  const bool isSmall = range.size <= detail::BufferPool::blockBytes;
  operation.describe(isSmall ? WriteOperation::Kind::copied : WriteOperation::Kind::file,
                     range.size);
  operation.file_ = range.file;
  operation.offset_ = range.offset;
  stream_->startWrite(operation, {callback, udata});
  return {};
}

std::error_code StreamTransport::shutdown(WriteOperation& operation, CallbackFunc callback,
                                          void* udata) noexcept {
  return Calls::shutdown(stream_.get(), operation, {callback, udata});
}

std::error_code StreamTransport::closeAfterFlush(WriteOperation& operation, CallbackFunc callback,
                                                 void* udata) noexcept {
  return Calls::closeAfterFlush(stream_.get(), operation, {callback, udata});
}

std::error_code StreamTransport::setWriteMarks(const WriteMarks& marks) noexcept {
  return Calls::setWriteMarks(stream_.get(), marks);
}

bool StreamTransport::isCongested() const noexcept { return Calls::isCongested(stream_.get()); }

std::error_code StreamTransport::waitUntilDrained(DrainOperation& operation, CallbackFunc callback,
                                                  void* udata) noexcept {
  return Calls::wait(stream_.get(), operation, {callback, udata});
}

std::error_code StreamTransport::waitUntilClosed(CloseOperation& operation, CallbackFunc callback,
                                                 void* udata) noexcept {
  return Calls::wait(stream_.get(), operation, {callback, udata});
}

std::size_t StreamTransport::queuedBytes() const noexcept {
  return stream_ ? stream_->queuedBytes() : 0;
}

// ---- State

bool StreamTransport::cancel(ReadOperation& operation) noexcept {
  return stream_ && stream_->cancel(operation);
}

bool StreamTransport::cancel(WriteOperation& operation) noexcept {
  return stream_ && stream_->cancel(operation);
}

bool StreamTransport::cancel(DrainOperation& operation) noexcept {
  return stream_ && stream_->cancel(operation);
}

bool StreamTransport::cancel(CloseOperation& operation) noexcept {
  return stream_ && stream_->cancel(operation);
}

void StreamTransport::shutdownRead() noexcept {
  if (stream_) stream_->shutdownRead();
}

void StreamTransport::close() noexcept {
  if (stream_) stream_->close();
}

bool StreamTransport::isShutDown() const noexcept { return stream_ && stream_->isShutDown(); }

std::error_code StreamTransport::failure() const noexcept {
  return stream_ ? stream_->failure() : std::error_code();
}

Fd StreamTransport::fd() const noexcept { return stream_ ? stream_->fd() : -1; }

std::error_code StreamTransport::setNoDelay(bool on) noexcept {
  const int value = on ? 1 : 0;
  if (::setsockopt(fd(), IPPROTO_TCP, TCP_NODELAY, &value, sizeof value) == 0) return {};
  return systemError(errno);
}

std::error_code StreamTransport::localAddress(Address& result) const noexcept {
  return detail::localAddressOf(fd(), result);
}

std::error_code StreamTransport::remoteAddress(Address& result) const noexcept {
  return detail::remoteAddressOf(fd(), result);
}

}  // namespace kairos
