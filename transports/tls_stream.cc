// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/transports/tls_stream.h"

#include <new>
#include <utility>

#include "kairos/transports/detail/context.h"
#include "kairos/transports/detail/stream_calls.h"
#include "kairos/transports/detail/tls_access.h"
#include "kairos/transports/detail/tls_connection.h"
#include "kairos/transports/detail/tls_host.h"
#include "kairos/transports/error.h"

namespace kairos {
namespace {

using Calls = detail::StreamCalls<detail::TlsConnection>;

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
  return make(context, tls, below, nullptr, checked.text(), options, result);
}

std::error_code TlsStream::client(TransportContext& context, const TlsContext& tls,
                                  StreamTransport&& input, StreamTransport&& output,
                                  std::string_view host, const TlsOptions& options,
                                  TlsStream& result) noexcept {
  detail::TlsHost checked;
  if (!checked.assign(host)) return invalid();
  return make(context, tls, input, &output, checked.text(), options, result);
}

std::error_code TlsStream::server(TransportContext& context, const TlsContext& tls,
                                  StreamTransport&& below, const TlsOptions& options,
                                  TlsStream& result) noexcept {
  return make(context, tls, below, nullptr, nullptr, options, result);
}

std::error_code TlsStream::server(TransportContext& context, const TlsContext& tls,
                                  StreamTransport&& input, StreamTransport&& output,
                                  const TlsOptions& options, TlsStream& result) noexcept {
  return make(context, tls, input, &output, nullptr, options, result);
}

std::error_code TlsStream::make(TransportContext& context, const TlsContext& tls,
                                StreamTransport& below, StreamTransport* output, const char* host,
                                const TlsOptions& options, TlsStream& result) noexcept {
  detail::Context* const inner = detail::ContextAccess::of(context);
  detail::TlsSettings* const settings = detail::TlsAccess::of(tls);
  if (inner == nullptr) return std::make_error_code(std::errc::not_enough_memory);
  const bool isConnected = below.isOpen() && (output == nullptr || output->isOpen());
  if (settings == nullptr || !isConnected) return TransportError::notConnected;
  const bool isServer = host == nullptr;
  if (settings->isServer() != isServer || options.handshakeTimeout <= Clock::duration::zero()) {
    return invalid();
  }
  if (inner->isEnding()) return TransportError::closed;
  settings->addUser();
  detail::TlsSettingsUser user(settings);
  std::unique_ptr<detail::TlsConnection> made(new (std::nothrow)
                                                  detail::TlsConnection(*inner, std::move(user)));
  if (!made) return std::make_error_code(std::errc::not_enough_memory);
  if (const auto error = made->prepare(host, options)) return error;
  made->takeStreams(below, output);
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

std::error_code TlsStream::readOnce(ReadOperation& operation, CallbackFunc callback,
                                    void* udata) noexcept {
  return Calls::readOnce(connection_.get(), operation, {callback, udata});
}

std::error_code TlsStream::readOnce(ReadOperation& operation, std::span<char> into,
                                    CallbackFunc callback, void* udata) noexcept {
  return Calls::readOnce(connection_.get(), operation, into, {callback, udata});
}

std::error_code TlsStream::readExactly(ReadOperation& operation, std::span<char> into,
                                       CallbackFunc callback, void* udata) noexcept {
  return Calls::readExactly(connection_.get(), operation, into, {callback, udata});
}

std::error_code TlsStream::readUntil(ReadOperation& operation, std::string_view separator,
                                     ReadLimit limit, CallbackFunc callback, void* udata) noexcept {
  return Calls::readUntil(connection_.get(), operation, separator, limit, {callback, udata});
}

std::error_code TlsStream::readLine(ReadOperation& operation, ReadLimit limit,
                                    CallbackFunc callback, void* udata) noexcept {
  return Calls::readLine(connection_.get(), operation, limit, {callback, udata});
}

std::error_code TlsStream::readMessage(ReadOperation& operation, MessageFunc messageOf,
                                       ReadLimit limit, CallbackFunc callback,
                                       void* udata) noexcept {
  return Calls::readMessage(connection_.get(), operation, messageOf, limit, {callback, udata});
}

std::error_code TlsStream::readToEnd(ReadOperation& operation, ReadLimit limit,
                                     CallbackFunc callback, void* udata) noexcept {
  return Calls::readToEnd(connection_.get(), operation, limit, {callback, udata});
}

std::error_code TlsStream::consume(ReadOperation& operation, std::size_t count,
                                   CallbackFunc callback, void* udata) noexcept {
  return Calls::consume(connection_.get(), operation, count, {callback, udata});
}

std::string_view TlsStream::peek() const noexcept {
  return connection_ ? connection_->readSide().unread() : std::string_view();
}

bool TlsStream::atEnd() const noexcept { return connection_ && connection_->readSide().atEnd(); }

// ---- Writing

std::error_code TlsStream::write(WriteOperation& operation, std::string_view bytes,
                                 CallbackFunc callback, void* udata) noexcept {
  return Calls::write(connection_.get(), operation, bytes, {callback, udata});
}

std::error_code TlsStream::write(WriteOperation& operation, std::span<const std::string_view> parts,
                                 CallbackFunc callback, void* udata) noexcept {
  return Calls::write(connection_.get(), operation, parts, {callback, udata});
}

std::error_code TlsStream::writeOwned(WriteOperation& operation, std::string bytes,
                                      CallbackFunc callback, void* udata) noexcept {
  return Calls::writeOwned(connection_.get(), operation, std::move(bytes), {callback, udata});
}

std::error_code TlsStream::shutdown(WriteOperation& operation, CallbackFunc callback,
                                    void* udata) noexcept {
  return Calls::shutdown(connection_.get(), operation, {callback, udata});
}

std::error_code TlsStream::closeAfterFlush(WriteOperation& operation, CallbackFunc callback,
                                           void* udata) noexcept {
  return Calls::closeAfterFlush(connection_.get(), operation, {callback, udata});
}

std::size_t TlsStream::queuedBytes() const noexcept {
  return connection_ ? connection_->queuedBytes() : 0;
}

bool TlsStream::isCongested() const noexcept { return Calls::isCongested(connection_.get()); }

std::error_code TlsStream::waitUntilDrained(DrainOperation& operation, CallbackFunc callback,
                                            void* udata) noexcept {
  return Calls::wait(connection_.get(), operation, {callback, udata});
}

std::error_code TlsStream::setWriteMarks(const WriteMarks& marks) noexcept {
  return Calls::setWriteMarks(connection_.get(), marks);
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

bool TlsStream::cancel(DrainOperation& operation) noexcept {
  return connection_ && connection_->cancelWait(operation);
}

bool TlsStream::cancel(CloseOperation& operation) noexcept {
  return connection_ && connection_->cancelWait(operation);
}

void TlsStream::close() noexcept {
  if (connection_) connection_->close();
}

std::error_code TlsStream::waitUntilClosed(CloseOperation& operation, CallbackFunc callback,
                                           void* udata) noexcept {
  return Calls::wait(connection_.get(), operation, {callback, udata});
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
