// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/transports/stream_transport.h"

#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <limits>
#include <new>
#include <utility>

#include "kairos/transports/detail/context.h"
#include "kairos/transports/detail/fd_io.h"
#include "kairos/transports/detail/socket_address.h"
#include "kairos/transports/detail/stream.h"
#include "kairos/transports/detail/stream_access.h"

namespace kairos {
namespace {

using detail::FdKind;
using detail::systemError;

constexpr std::size_t unlimited = std::numeric_limits<std::size_t>::max();

std::error_code invalid() { return std::make_error_code(std::errc::invalid_argument); }

// A file that the reactor cannot watch is refused now, not by the first read.
std::error_code checkWatchable(Reactor& reactor, Fd fd) {
  const auto never = [](void*) {};
  if (const auto error = reactor.addReader(fd, never, nullptr)) return error;
  reactor.removeReader(fd);
  return {};
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
  bool wasBlocking = false;
  if (const auto error = detail::setFlags(fd, wasBlocking)) return error;
  if (const auto error = detail::StreamAccess::make(*inner, fd, kind, result)) {
    if (wasBlocking) detail::makeBlocking(fd);
    return error;
  }
  if (wasBlocking) result.stream_->blockAgainOnClose();
  return {};
}

// ---- Reading

std::error_code StreamTransport::mayRead(const ReadOperation& operation,
                                         CallbackFunc callback) const noexcept {
  if (callback == nullptr) return invalid();
  return stream_ ? stream_->mayRead(operation) : TransportError::notConnected;
}

std::error_code StreamTransport::readOnce(ReadOperation& operation, CallbackFunc callback,
                                          void* udata) noexcept {
  if (const auto error = mayRead(operation, callback)) return error;
  operation.describe(ReadOperation::Kind::once, nullptr, unlimited);
  stream_->startRead(operation, {callback, udata});
  return {};
}

std::error_code StreamTransport::readOnce(ReadOperation& operation, std::span<char> into,
                                          CallbackFunc callback, void* udata) noexcept {
  if (into.empty()) return invalid();
  if (const auto error = mayRead(operation, callback)) return error;
  operation.describe(ReadOperation::Kind::once, into.data(), into.size());
  stream_->startRead(operation, {callback, udata});
  return {};
}

std::error_code StreamTransport::readExactly(ReadOperation& operation, std::span<char> into,
                                             CallbackFunc callback, void* udata) noexcept {
  if (const auto error = mayRead(operation, callback)) return error;
  operation.describe(ReadOperation::Kind::exactly, into.data(), into.size());
  stream_->startRead(operation, {callback, udata});
  return {};
}

std::error_code StreamTransport::readUntil(ReadOperation& operation, std::string_view separator,
                                           ReadLimit limit, CallbackFunc callback,
                                           void* udata) noexcept {
  if (separator.empty() || limit.limit < separator.size()) return invalid();
  if (separator.size() > std::numeric_limits<std::uint32_t>::max()) return invalid();
  if (const auto error = mayRead(operation, callback)) return error;
  operation.describe(ReadOperation::Kind::until, nullptr, limit.limit);
  operation.with_.separator = separator.data();
  operation.separatorSize_ = static_cast<std::uint32_t>(separator.size());
  stream_->startRead(operation, {callback, udata});
  return {};
}

std::error_code StreamTransport::readLine(ReadOperation& operation, ReadLimit limit,
                                          CallbackFunc callback, void* udata) noexcept {
  if (limit.limit == 0) return invalid();
  if (const auto error = mayRead(operation, callback)) return error;
  operation.describe(ReadOperation::Kind::line, nullptr, limit.limit);
  stream_->startRead(operation, {callback, udata});
  return {};
}

std::error_code StreamTransport::readMessage(ReadOperation& operation, MessageFunc messageOf,
                                             ReadLimit limit, CallbackFunc callback,
                                             void* udata) noexcept {
  if (messageOf == nullptr || limit.limit == 0) return invalid();
  if (const auto error = mayRead(operation, callback)) return error;
  operation.describe(ReadOperation::Kind::message, nullptr, limit.limit);
  operation.with_.messageOf = messageOf;
  stream_->startRead(operation, {callback, udata});
  return {};
}

std::error_code StreamTransport::readToEnd(ReadOperation& operation, ReadLimit limit,
                                           CallbackFunc callback, void* udata) noexcept {
  if (limit.limit == 0) return invalid();
  if (const auto error = mayRead(operation, callback)) return error;
  operation.describe(ReadOperation::Kind::toEnd, nullptr, limit.limit);
  stream_->startRead(operation, {callback, udata});
  return {};
}

std::error_code StreamTransport::consume(ReadOperation& operation, std::size_t count,
                                         CallbackFunc callback, void* udata) noexcept {
  if (const auto error = mayRead(operation, callback)) return error;
  operation.describe(ReadOperation::Kind::consume, nullptr, count);
  stream_->startRead(operation, {callback, udata});
  return {};
}

std::string_view StreamTransport::peek() const noexcept {
  return stream_ ? stream_->readSide().unread() : std::string_view();
}

bool StreamTransport::atEnd() const noexcept { return stream_ && stream_->readSide().atEnd(); }

// ---- Writing

std::error_code StreamTransport::mayWrite(const detail::Operation& operation, std::size_t bytes,
                                          CallbackFunc callback) const noexcept {
  if (callback == nullptr) return invalid();
  return stream_ ? stream_->mayWrite(operation, bytes) : TransportError::notConnected;
}

std::error_code StreamTransport::startWrite(WriteOperation& operation, std::size_t bytes,
                                            AsyncCallback callback) noexcept {
  operation.kind_ = WriteOperation::Kind::bytes;
  operation.left_ = bytes;
  operation.offset_ = 0;
  stream_->startWrite(operation, callback);
  return {};
}

std::error_code StreamTransport::write(WriteOperation& operation, std::string_view bytes,
                                       CallbackFunc callback, void* udata) noexcept {
  if (const auto error = mayWrite(operation, bytes.size(), callback)) return error;
  operation.single_ = bytes;
  operation.parts_ = {&operation.single_, 1};
  return startWrite(operation, bytes.size(), {callback, udata});
}

std::error_code StreamTransport::write(WriteOperation& operation,
                                       std::span<const std::string_view> parts,
                                       CallbackFunc callback, void* udata) noexcept {
  std::size_t bytes = 0;
  for (const std::string_view part : parts) bytes += part.size();
  if (const auto error = mayWrite(operation, bytes, callback)) return error;
  operation.parts_ = parts;
  return startWrite(operation, bytes, {callback, udata});
}

std::error_code StreamTransport::writeOwned(WriteOperation& operation, std::string bytes,
                                            CallbackFunc callback, void* udata) noexcept {
  if (const auto error = mayWrite(operation, bytes.size(), callback)) return error;
  operation.owned_ = std::move(bytes);
  operation.single_ = operation.owned_;
  operation.parts_ = {&operation.single_, 1};
  return startWrite(operation, operation.owned_.size(), {callback, udata});
}

// Small ranges are not worth what the way around memory costs.
std::error_code StreamTransport::writeFile(WriteOperation& operation, const FileRange& range,
                                           CallbackFunc callback, void* udata) noexcept {
  constexpr std::uint64_t last = std::numeric_limits<std::int64_t>::max();
  if (range.offset > last) return invalid();
  if (range.size != FileRange::toEnd && range.size > last - range.offset) return invalid();
  if (const auto error = mayWrite(operation, 0, callback)) return error;
  const bool isSmall = range.size <= detail::BufferPool::blockBytes;
  operation.kind_ = isSmall ? WriteOperation::Kind::copied : WriteOperation::Kind::file;
  operation.parts_ = {};
  operation.file_ = range.file;
  operation.offset_ = range.offset;
  operation.left_ = range.size;
  stream_->startWrite(operation, {callback, udata});
  return {};
}

std::error_code StreamTransport::shutdown(WriteOperation& operation, CallbackFunc callback,
                                          void* udata) noexcept {
  if (const auto error = mayWrite(operation, 0, callback)) return error;
  operation.parts_ = {};
  operation.left_ = 0;
  operation.kind_ = WriteOperation::Kind::shutdown;
  stream_->startWrite(operation, {callback, udata});
  return {};
}

std::error_code StreamTransport::closeAfterFlush(WriteOperation& operation, CallbackFunc callback,
                                                 void* udata) noexcept {
  if (const auto error = mayWrite(operation, 0, callback)) return error;
  operation.parts_ = {};
  operation.left_ = 0;
  operation.kind_ = WriteOperation::Kind::close;
  stream_->startWrite(operation, {callback, udata});
  return {};
}

std::error_code StreamTransport::setWriteMarks(const WriteMarks& marks) noexcept {
  if (marks.high == 0 || marks.low > marks.high || marks.high > marks.cap) return invalid();
  return stream_ ? stream_->setMarks(marks) : TransportError::notConnected;
}

bool StreamTransport::isCongested() const noexcept {
  return stream_ && stream_->queuedBytes() >= stream_->marks().high;
}

std::error_code StreamTransport::waitUntilDrained(DrainOperation& operation, CallbackFunc callback,
                                                  void* udata) noexcept {
  if (const auto error = mayWrite(operation, 0, callback)) return error;
  stream_->startDrain(operation, {callback, udata});
  return {};
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
