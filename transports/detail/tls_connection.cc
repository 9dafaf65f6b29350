// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/transports/detail/tls_connection.h"

#include <openssl/err.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "kairos/transports/detail/tls_failure.h"
#include "kairos/transports/detail/tls_host.h"
#include "kairos/transports/detail/write_queue.h"
#include "kairos/transports/error.h"
#include "kairos/transports/tls_error.h"

namespace kairos::detail {
namespace {

std::error_code canceled() { return std::make_error_code(std::errc::operation_canceled); }

}  // namespace

TlsConnection::TlsConnection(Context& context, TlsSettingsUser settings) noexcept
    : context_(&context),
      settings_(std::move(settings)),
      pipe_{.incoming = {}, .hasEnded = false, .outgoing = TlsOutput(context.pool())},
      inFlight_(context.pool()) {
  context.add(*this);
}

// A session that broke nothing may be resumed, although this was no orderly end.
TlsConnection::~TlsConnection() {
  close();
  if (context_ != nullptr) readSide_.release(context_->pool());
  if (reading_ != nullptr) {
    OperationAccess::disown(*reading_);
    reading_->error = TransportError::closed;
    reading_->data = {};
  }
  if (ssl_ == nullptr) return;
  if (isSecure_ && (!readError_ || readError_ == TransportError::closed)) {
    ::SSL_set_shutdown(ssl_, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  }
  ::SSL_free(ssl_);
}

std::error_code TlsConnection::prepare(const char* host, const TlsOptions& options) noexcept {
  ::ERR_clear_error();
  handshakeTimeout_ = options.handshakeTimeout;
  ssl_ = ::SSL_new(settings_->context());
  BIO* const bio = ssl_ != nullptr ? makeTlsBio(settings_->method(), pipe_) : nullptr;
  if (bio == nullptr) return takeTlsFailure();
  ::SSL_set_bio(ssl_, bio, bio);
  if (settings_->isServer()) {
    ::SSL_set_accept_state(ssl_);
    return {};
  }
  ::SSL_set_connect_state(ssl_);
  if (const auto error = expectHost(ssl_, host)) return error;
  SSL_SESSION* const session = options.session != nullptr ? options.session->native() : nullptr;
  if (session != nullptr && isOfHost(session, host)) ::SSL_set_session(ssl_, session);
  return {};
}

void TlsConnection::takeStreams(StreamTransport& below, StreamTransport* output) noexcept {
  below_ = std::move(below);
  hasOutput_ = output != nullptr;
  if (hasOutput_) output_ = std::move(*output);
}

// ---- Starting

Refusal TlsConnection::mayStart(const Operation& operation) const noexcept {
  if (operation.isPending()) return Refusal::busy;
  return context_ == nullptr || context_->isEnding() ? Refusal::closed : Refusal::none;
}

std::error_code TlsConnection::mayHandshake(const HandshakeOperation& operation) const noexcept {
  if (const Refusal refusal = mayStart(operation)) return refusal;
  return handshakeStarted_ ? std::make_error_code(std::errc::invalid_argument) : std::error_code();
}

Refusal TlsConnection::mayRead(const ReadOperation& operation) const noexcept {
  return reading_ != nullptr ? Refusal::busy : mayStart(operation);
}

Refusal TlsConnection::mayWrite(const Operation& operation, std::size_t bytes) const noexcept {
  if (const Refusal refusal = mayStart(operation)) return refusal;
  const std::size_t cap = marks_.cap;
  if (queuedBytes_ == 0 || bytes == 0) return Refusal::none;
  return queuedBytes_ > cap || bytes > cap - queuedBytes_ ? Refusal::queueFull : Refusal::none;
}

void TlsConnection::startHandshake(HandshakeOperation& operation, AsyncCallback callback) noexcept {
  OperationAccess::begin(operation, *this, callback);
  shaking_ = &operation;
  handshakeStarted_ = true;
  if (closed_) return finishHandshake(TransportError::closed);
  handshakeTimer_ = context_->reactor().addTimer(handshakeTimeout_, onHandshakeTimeout, this);
  if (handshakeTimer_ == TimerId::none) {
    return fail(std::make_error_code(std::errc::not_enough_memory));
  }
  advance();
}

void TlsConnection::startRead(ReadOperation& operation, AsyncCallback callback) noexcept {
  OperationAccess::begin(operation, *this, callback);
  operation.data = {};
  operation.bytes = 0;
  operation.atEnd = false;
  reading_ = &operation;
  if (closed_) return finishRead(TransportError::closed);
  readSide_.trim(context_->pool());
  serveRead();
  if (!isReading()) return;
  if (readError_) return finishRead(readError_);
  advance();
}

void TlsConnection::startWrite(WriteOperation& operation, AsyncCallback callback) noexcept {
  if (operation.kind_ == WriteOperation::Kind::close) return startClose(operation, callback);
  OperationAccess::begin(operation, *this, callback);
  operation.bytes = 0;
  if (closed_) return complete(operation, TransportError::closed);
  if (writeError_) return complete(operation, writeError_);
  if (shutdownStarted_ && !operation.isLast()) return complete(operation, TransportError::shutDown);
  if (shutdownStarted_ && hasSaidFarewell()) return endAgain(operation);
  shutdownStarted_ = operation.isLast();
  writes_.pushBack(operation);
  queuedBytes_ += operation.left_;
  advance();
}

// It is told when all else is over. What it waits for is a shutdown that nobody is told of, and
// that goes on when the operation is destroyed.
void TlsConnection::startClose(WriteOperation& operation, AsyncCallback callback) noexcept {
  OperationAccess::begin(operation, *this, callback);
  OperationAccess::disown(operation);
  operation.bytes = 0;
  if (closed_) return complete(operation, TransportError::closed);
  closes_.pushBack(operation);
  if (!std::exchange(closesAfterFlush_, true)) {
    ending_.describe(WriteOperation::Kind::shutdown, 0);
    startWrite(ending_, {[](void*) {}, nullptr});
  }
  afterWrites();
}

void TlsConnection::startWait(DrainOperation& operation, AsyncCallback callback) noexcept {
  OperationAccess::begin(operation, *this, callback);
  OperationAccess::disown(operation);
  waits_.add(operation);
  tellDrained();
}

void TlsConnection::startWait(CloseOperation& operation, AsyncCallback callback) noexcept {
  OperationAccess::begin(operation, *this, callback);
  OperationAccess::disown(operation);
  waits_.add(operation);
  if (closed_) waits_.tellClosed(*context_);
}

std::error_code TlsConnection::setMarks(const WriteMarks& marks) noexcept {
  if (closed_) return TransportError::closed;
  marks_ = marks;
  tellDrained();
  return {};
}

// A second shutdown is done when the first is, which may be so already.
void TlsConnection::endAgain(WriteOperation& operation) noexcept {
  if (!farewellWritten_ && !sending_.isPending()) return complete(operation, {});
  sent_.pushBack(operation);
}

// ---- Going on

void TlsConnection::advance() noexcept {
  if (closed_ || !handshakeStarted_) return;
  needsInput_ = false;
  if (!isSecure_ && !readError_) shakeHands();
  if (isSecure_) {
    decrypt();
    encrypt();
  }
  send();
  if (needsInput_) receive();
  afterWrites();
}

void TlsConnection::shakeHands() noexcept {
  ::ERR_clear_error();
  const int result = ::SSL_do_handshake(ssl_);
  if (result != 1) return wait(result);
  // It is checked during the handshake, but not when a session is resumed.
  const bool isRefused = (::SSL_get_verify_mode(ssl_) & SSL_VERIFY_PEER) != 0 &&
                         ::SSL_get_verify_result(ssl_) != X509_V_OK;
  if (isRefused) return fail(certificateFailure(ssl_));
  isSecure_ = true;
  finishHandshake({});
}

// Bounded by the one block that was received below.
void TlsConnection::decrypt() noexcept {
  while (isReading() && !readError_ && pipe_.outgoing.blocks() < blocksPerWrite) {
    const std::span<char> room = readSide_.makeRoom(context_->pool());
    if (room.empty()) return finishRead(std::make_error_code(std::errc::not_enough_memory));
    ::ERR_clear_error();
    std::size_t count = 0;
    const int result = ::SSL_read_ex(ssl_, room.data(), room.size(), &count);
    if (result != 1) {
      if (readSide_.unread().empty()) readSide_.trim(context_->pool());
      return wait(result);
    }
    readSide_.received(count);
    serveRead();
  }
}

void TlsConnection::encrypt() noexcept {
  while (!writes_.empty() && !sending_.isPending() && !writeError_ &&
         pipe_.outgoing.blocks() < blocksPerWrite) {
    auto& head = static_cast<WriteOperation&>(writes_.front());
    if (!encryptSome(head)) return;
    if (head.left_ > 0) continue;
    head.unlink();
    sent_.pushBack(head);
  }
}

// Not in the middle of a message of the peer's, such as a session, whose rest has to come first.
bool TlsConnection::sayFarewell() noexcept {
  int result = isWithinMessage() ? ::SSL_do_handshake(ssl_) : 1;
  if (result == 1) {
    result = ::SSL_shutdown(ssl_);
    farewellWritten_ = result >= 0;
  }
  if (!farewellWritten_) wait(result);
  return farewellWritten_;
}

// A record. False: it did not work.
bool TlsConnection::encryptSome(WriteOperation& operation) noexcept {
  ::ERR_clear_error();
  if (hasSaidFarewell()) return true;
  if (operation.isLast()) return sayFarewell();
  if (operation.left_ == 0) return true;
  const std::string_view part = operation.part(0);
  std::size_t count = 0;
  if (!part.empty()) {
    const std::size_t size = std::min(part.size(), recordBytesMax);
    const int result = ::SSL_write_ex(ssl_, part.data(), size, &count);
    if (result != 1) {
      wait(result);
      return false;
    }
  }
  queuedBytes_ -= count;
  operation.advance(count);
  return true;
}

void TlsConnection::wait(int result) noexcept {
  switch (::SSL_get_error(ssl_, result)) {
    case SSL_ERROR_WANT_READ:
      needsInput_ = true;
      return;
    case SSL_ERROR_WANT_WRITE:  // goes on when something is sent
      return;
    case SSL_ERROR_ZERO_RETURN:
      if (!isSecure_) return fail(TlsError::truncated);
      readSide_.end();
      if (isReading()) serveRead();
      return;
    default:
      break;
  }
  const bool isEnd = ::ERR_peek_error() == 0 && pipe_.hasEnded && pipe_.incoming.empty();
  fail(isEnd ? TlsError::truncated : takeTlsFailure(ssl_));
}

// ---- The stream below

void TlsConnection::send() noexcept {
  if (closed_ || sending_.isPending()) return;
  if (pipe_.outgoing.empty()) return completeSent();
  inFlight_.takeFrom(pipe_.outgoing);
  if (const auto error = output().write(sending_, inFlight_.parts(), onSent, this)) {
    inFlight_.clear();
    fail(error);
  }
}

void TlsConnection::receive() noexcept {
  if (closed_ || receiving_.isPending()) return;
  if (const auto error = below_.readOnce(receiving_, onReceived, this)) fail(error);
}

void TlsConnection::onReceived(void* udata) { static_cast<TlsConnection*>(udata)->received(); }

void TlsConnection::received() noexcept {
  if (closed_) return;
  if (receiving_.error) {
    const bool canWrite = isSecure_ && !isWithinMessage();
    return canWrite ? failReading(receiving_.error) : fail(receiving_.error);
  }
  pipe_.incoming = receiving_.data;
  pipe_.hasEnded = receiving_.atEnd;
  if (!isSecure_) handshakeBytes_ += receiving_.data.size();
  if (handshakeBytes_ > TlsStream::handshakeBytesMax) return fail(TransportError::overLimit);
  advance();
}

void TlsConnection::onSent(void* udata) { static_cast<TlsConnection*>(udata)->sent(); }

void TlsConnection::sent() noexcept {
  if (closed_) return;
  inFlight_.clear();
  if (!sending_.error) {
    completeSent();
  } else if (isSecure_) {
    failWriting(sending_.error);
  } else {
    fail(sending_.error);
  }
  advance();
}

// Nothing is being sent. The shutdown, which is the last, waits for that of the stream below.
void TlsConnection::completeSent() noexcept {
  while (!sent_.empty()) {
    auto& head = static_cast<WriteOperation&>(sent_.front());
    if (head.isLast()) break;
    complete(head, {});
  }
  if (!std::exchange(farewellWritten_, false)) return;
  if (const auto error = output().shutdown(sending_, onShutDown, this)) failWriting(error);
}

void TlsConnection::onShutDown(void* udata) {
  auto& connection = *static_cast<TlsConnection*>(udata);
  if (connection.closed_) return;
  connection.completeWrites(connection.sending_.error);
  connection.afterWrites();
}

void TlsConnection::onHandshakeTimeout(void* udata) {
  auto& connection = *static_cast<TlsConnection*>(udata);
  connection.handshakeTimer_ = TimerId::none;
  connection.context_->dispatch(
      [&connection] { connection.fail(std::make_error_code(std::errc::timed_out)); });
}

// ---- Completing

void TlsConnection::complete(Operation& operation, std::error_code error) noexcept {
  OperationAccess::disown(operation);
  operation.error = error;
  context_->complete(operation);
}

void TlsConnection::serveRead() noexcept {
  if (readSide_.serve(*reading_)) context_->complete(*reading_);
}

void TlsConnection::finishRead(std::error_code error) noexcept {
  reading_->error = error;
  ReadSide::showPartial(*reading_);
  context_->complete(*reading_);
}

void TlsConnection::finishHandshake(std::error_code error) noexcept {
  context_->reactor().removeTimer(std::exchange(handshakeTimer_, TimerId::none));
  if (shaking_ != nullptr) complete(*std::exchange(shaking_, nullptr), error);
}

// After the shutdown too: of what is behind it, other shutdowns, not all need have been encrypted.
void TlsConnection::completeWrites(std::error_code error) noexcept {
  for (auto* const list : {&sent_, &writes_}) {
    while (!list->empty()) complete(list->front(), error);
  }
}

void TlsConnection::failReading(std::error_code error) noexcept {
  if (!readError_) readError_ = error;
  if (isReading()) finishRead(readError_);
}

void TlsConnection::failWriting(std::error_code error) noexcept {
  if (!writeError_) writeError_ = error;
  completeWrites(writeError_);
  queuedBytes_ = 0;
  waits_.tellDrained(*context_, writeError_);
}

// Of an end too, since nothing is queued then.
void TlsConnection::tellDrained() noexcept {
  if (queuedBytes_ <= marks_.low) waits_.tellDrained(*context_, writeError_);
}

// Something has gone from the queue, perhaps all.
void TlsConnection::afterWrites() noexcept {
  tellDrained();
  if (closesAfterFlush_ && writes_.empty() && sent_.empty()) close();
}

// The peer is told why, if OpenSSL has something to say and it can be sent at once.
void TlsConnection::fail(std::error_code error) noexcept {
  finishHandshake(error);
  failReading(error);
  failWriting(error);
  send();
  afterWrites();
}

// ---- Ending

bool TlsConnection::cancel(HandshakeOperation& operation) noexcept {
  if (&operation != shaking_) return false;
  fail(canceled());
  return true;
}

bool TlsConnection::cancel(ReadOperation& operation) noexcept {
  if (&operation != reading_ || !isReading()) return false;
  finishRead(canceled());
  return true;
}

// What is encrypted in part cannot be taken back.
bool TlsConnection::cancel(WriteOperation& operation) noexcept {
  const bool isQueued = OperationAccess::isWaiting(operation, *this);
  if (!isQueued || operation.bytes > 0 || operation.isLast()) return false;
  queuedBytes_ -= operation.left_;
  complete(operation, canceled());
  tellDrained();
  return true;
}

void TlsConnection::forget(Operation& operation) noexcept {
  if (&operation == reading_) {
    reading_ = nullptr;
    return;
  }
  if (&operation == shaking_) {
    shaking_ = nullptr;
    return;
  }
  // A write is destroyed. If a part of it is encrypted, what follows would be taken for its rest.
  const auto& write = static_cast<const WriteOperation&>(operation);
  const bool isTorn = write.bytes > 0 && write.left_ > 0;
  queuedBytes_ -= write.left_;
  operation.unlink();
  // A shutdown that is destroyed before it was done will not be.
  shutdownStarted_ = shutdownStarted_ && (hasSaidFarewell() || WriteQueue::endsWithLast(writes_));
  if (isTorn) failWriting(canceled());
  afterWrites();
}

void TlsConnection::close() noexcept {
  if (std::exchange(closed_, true)) return;
  below_.close();
  output_.close();
  if (context_ == nullptr) return;
  pipe_.incoming = {};
  pipe_.outgoing.clear();
  inFlight_.clear();
  finishHandshake(TransportError::closed);
  failReading(TransportError::closed);
  writeError_ = TransportError::closed;
  failWriting(TransportError::closed);
  while (!closes_.empty()) complete(closes_.front(), ending_.error);
  waits_.tellClosed(*context_);
}

void TlsConnection::leaveContext() noexcept {
  close();
  context_ = nullptr;
}

}  // namespace kairos::detail
