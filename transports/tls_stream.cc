// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/transports/tls_stream.h"

#include <limits>
#include <new>
#include <utility>

#include "kairos/transports/detail/context.h"
#include "kairos/transports/detail/tls_access.h"
#include "kairos/transports/detail/tls_connection.h"
#include "kairos/transports/detail/tls_host.h"
#include "kairos/transports/error.h"

namespace kairos {
namespace {

constexpr std::size_t unlimited = std::numeric_limits<std::size_t>::max();

std::error_code invalid() { return std::make_error_code(std::errc::invalid_argument); }

}  // namespace

TlsStream::TlsStream() noexcept = default;
TlsStream::~TlsStream() = default;
TlsStream::TlsStream(TlsStream&& other) noexcept = default;
TlsStream& TlsStream::operator=(TlsStream&& other) noexcept = default;

std::error_code TlsStream::client(TransportContext& context, const TlsContext& tls,
                                  StreamTransport&& below, std::string_view host,
                                  const TlsOptions& options, TlsStream& result) noexcept {
  detail::TlsHost checked;
  if (!checked.assign(host)) return invalid();
  return make(context, tls, std::move(below), checked.text(), options, result);
}

std::error_code TlsStream::server(TransportContext& context, const TlsContext& tls,
                                  StreamTransport&& below, const TlsOptions& options,
                                  TlsStream& result) noexcept {
  return make(context, tls, std::move(below), nullptr, options, result);
}

std::error_code TlsStream::make(TransportContext& context, const TlsContext& tls,
                                StreamTransport&& below, const char* host,
                                const TlsOptions& options, TlsStream& result) noexcept {
  detail::Context* const inner = detail::ContextAccess::of(context);
  detail::TlsSettings* const settings = detail::TlsAccess::of(tls);
  if (inner == nullptr) return std::make_error_code(std::errc::not_enough_memory);
  if (settings == nullptr || !below.isOpen()) return TransportError::notConnected;
  const bool isServer = host == nullptr;
  if (settings->isServer() != isServer || options.handshakeTimeout <= Clock::duration::zero()) {
    return invalid();
  }
  if (inner->isEnding()) return TransportError::closed;
  settings->addUser();
  std::unique_ptr<detail::TlsConnection> made(
      new (std::nothrow) detail::TlsConnection(*inner, detail::TlsSettingsUser(settings)));
  if (!made) return std::make_error_code(std::errc::not_enough_memory);
  if (const auto error = made->prepare(host, options)) return error;
  made->takeStream(std::move(below));
  result.connection_ = std::move(made);
  return {};
}

std::error_code TlsStream::handshake(HandshakeOperation& operation, CallbackFunc callback,
                                     void* udata) noexcept {
  if (callback == nullptr) return invalid();
  if (!connection_) return TransportError::notConnected;
  if (const auto error = connection_->mayHandshake(operation)) return error;
  connection_->startHandshake(operation, {callback, udata});
  return {};
}

// ---- Reading

std::error_code TlsStream::mayRead(const ReadOperation& operation,
                                   CallbackFunc callback) const noexcept {
  if (callback == nullptr) return invalid();
  return connection_ ? connection_->mayRead(operation) : TransportError::notConnected;
}

std::error_code TlsStream::readOnce(ReadOperation& operation, CallbackFunc callback,
                                    void* udata) noexcept {
  if (const auto error = mayRead(operation, callback)) return error;
  operation.describe(ReadOperation::Kind::once, nullptr, unlimited);
  connection_->startRead(operation, {callback, udata});
  return {};
}

std::error_code TlsStream::readOnce(ReadOperation& operation, std::span<char> into,
                                    CallbackFunc callback, void* udata) noexcept {
  if (into.empty()) return invalid();
  if (const auto error = mayRead(operation, callback)) return error;
  operation.describe(ReadOperation::Kind::once, into.data(), into.size());
  connection_->startRead(operation, {callback, udata});
  return {};
}

std::error_code TlsStream::readExactly(ReadOperation& operation, std::span<char> into,
                                       CallbackFunc callback, void* udata) noexcept {
  if (const auto error = mayRead(operation, callback)) return error;
  operation.describe(ReadOperation::Kind::exactly, into.data(), into.size());
  connection_->startRead(operation, {callback, udata});
  return {};
}

std::error_code TlsStream::readUntil(ReadOperation& operation, std::string_view separator,
                                     ReadLimit limit, CallbackFunc callback, void* udata) noexcept {
  if (separator.empty() || limit.limit < separator.size()) return invalid();
  if (separator.size() > std::numeric_limits<std::uint32_t>::max()) return invalid();
  if (const auto error = mayRead(operation, callback)) return error;
  operation.describe(ReadOperation::Kind::until, nullptr, limit.limit);
  operation.with_.separator = separator.data();
  operation.separatorSize_ = static_cast<std::uint32_t>(separator.size());
  connection_->startRead(operation, {callback, udata});
  return {};
}

std::error_code TlsStream::readLine(ReadOperation& operation, ReadLimit limit,
                                    CallbackFunc callback, void* udata) noexcept {
  if (limit.limit == 0) return invalid();
  if (const auto error = mayRead(operation, callback)) return error;
  operation.describe(ReadOperation::Kind::line, nullptr, limit.limit);
  connection_->startRead(operation, {callback, udata});
  return {};
}

std::error_code TlsStream::readMessage(ReadOperation& operation, MessageFunc messageOf,
                                       ReadLimit limit, CallbackFunc callback,
                                       void* udata) noexcept {
  if (messageOf == nullptr || limit.limit == 0) return invalid();
  if (const auto error = mayRead(operation, callback)) return error;
  operation.describe(ReadOperation::Kind::message, nullptr, limit.limit);
  operation.with_.messageOf = messageOf;
  connection_->startRead(operation, {callback, udata});
  return {};
}

std::error_code TlsStream::readToEnd(ReadOperation& operation, ReadLimit limit,
                                     CallbackFunc callback, void* udata) noexcept {
  if (limit.limit == 0) return invalid();
  if (const auto error = mayRead(operation, callback)) return error;
  operation.describe(ReadOperation::Kind::toEnd, nullptr, limit.limit);
  connection_->startRead(operation, {callback, udata});
  return {};
}

std::error_code TlsStream::consume(ReadOperation& operation, std::size_t count,
                                   CallbackFunc callback, void* udata) noexcept {
  if (const auto error = mayRead(operation, callback)) return error;
  operation.describe(ReadOperation::Kind::consume, nullptr, count);
  connection_->startRead(operation, {callback, udata});
  return {};
}

std::string_view TlsStream::peek() const noexcept {
  return connection_ ? connection_->readSide().unread() : std::string_view();
}

bool TlsStream::atEnd() const noexcept { return connection_ && connection_->readSide().atEnd(); }

// ---- Writing

std::error_code TlsStream::mayWrite(const WriteOperation& operation,
                                    CallbackFunc callback) const noexcept {
  if (callback == nullptr) return invalid();
  return connection_ ? connection_->mayStart(operation) : TransportError::notConnected;
}

std::error_code TlsStream::startWrite(WriteOperation& operation, AsyncCallback callback) noexcept {
  operation.kind_ = WriteOperation::Kind::bytes;
  operation.left_ = operation.offset_ = 0;
  for (const std::string_view part : operation.parts_) operation.left_ += part.size();
  connection_->startWrite(operation, callback);
  return {};
}

std::error_code TlsStream::write(WriteOperation& operation, std::string_view bytes,
                                 CallbackFunc callback, void* udata) noexcept {
  if (const auto error = mayWrite(operation, callback)) return error;
  operation.single_ = bytes;
  operation.parts_ = {&operation.single_, 1};
  return startWrite(operation, {callback, udata});
}

std::error_code TlsStream::write(WriteOperation& operation, std::span<const std::string_view> parts,
                                 CallbackFunc callback, void* udata) noexcept {
  if (const auto error = mayWrite(operation, callback)) return error;
  operation.parts_ = parts;
  return startWrite(operation, {callback, udata});
}

std::error_code TlsStream::writeOwned(WriteOperation& operation, std::string bytes,
                                      CallbackFunc callback, void* udata) noexcept {
  if (const auto error = mayWrite(operation, callback)) return error;
  operation.owned_ = std::move(bytes);
  operation.single_ = operation.owned_;
  operation.parts_ = {&operation.single_, 1};
  return startWrite(operation, {callback, udata});
}

std::error_code TlsStream::shutdown(WriteOperation& operation, CallbackFunc callback,
                                    void* udata) noexcept {
  if (const auto error = mayWrite(operation, callback)) return error;
  operation.kind_ = WriteOperation::Kind::shutdown;
  operation.left_ = 0;
  connection_->startWrite(operation, {callback, udata});
  return {};
}

std::size_t TlsStream::queuedBytes() const noexcept {
  return connection_ ? connection_->queuedBytes() : 0;
}

// ---- State

bool TlsStream::cancel(HandshakeOperation& operation) noexcept {
  return connection_ && connection_->cancel(operation);
}

bool TlsStream::cancel(ReadOperation& operation) noexcept {
  return connection_ && connection_->cancel(operation);
}

bool TlsStream::cancel(WriteOperation& operation) noexcept {
  return connection_ && connection_->cancel(operation);
}

void TlsStream::close() noexcept {
  if (connection_) connection_->close();
}

Fd TlsStream::fd() const noexcept { return connection_ ? connection_->below().fd() : -1; }

bool TlsStream::isSecure() const noexcept { return connection_ && connection_->isSecure(); }

std::string_view TlsStream::protocol() const noexcept {
  if (!isSecure()) return {};
  const unsigned char* name = nullptr;
  unsigned size = 0;
  ::SSL_get0_alpn_selected(native(), &name, &size);
  return {reinterpret_cast<const char*>(name), size};
}

bool TlsStream::isResumed() const noexcept {
  return isSecure() && ::SSL_session_reused(native()) == 1;
}

bool TlsStream::hasPeerCertificate() const noexcept {
  return isSecure() && ::SSL_get0_peer_certificate(native()) != nullptr;
}

TlsSession TlsStream::session() const noexcept {
  if (!isSecure()) return {};
  SSL_SESSION* const session = ::SSL_get0_session(native());
  if (session == nullptr || ::SSL_SESSION_is_resumable(session) != 1) return {};
  ::SSL_SESSION_up_ref(session);
  return TlsSession(session);
}

StreamTransport* TlsStream::below() noexcept {
  return connection_ ? &connection_->below() : nullptr;
}

ssl_st* TlsStream::native() const noexcept { return connection_ ? connection_->ssl() : nullptr; }

}  // namespace kairos
