// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TRANSPORTS_DETAIL_TLS_CONNECTION_H_
#define KAIROS_TRANSPORTS_DETAIL_TLS_CONNECTION_H_

#include <openssl/ssl.h>

#include <cstddef>
#include <system_error>

#include "kairos/transports/detail/context.h"
#include "kairos/transports/detail/read_side.h"
#include "kairos/transports/detail/refusal.h"
#include "kairos/transports/detail/stream_waits.h"
#include "kairos/transports/detail/tls_bio.h"
#include "kairos/transports/detail/tls_settings.h"
#include "kairos/transports/tls_stream.h"

namespace kairos::detail {

// What a TlsStream is, behind its handle: OpenSSL between the operations of the user and those on
// the stream below.
//
// It runs when an operation is started here, or one is done below. It then goes on with the
// handshake, decrypts for the read, encrypts for the writes; writes what has come of that, if
// nothing is being written below; and reads below, if something needs that. OpenSSL reads what was
// received in place and never has to wait for room: what it wrote is bounded by not asking it for
// more while it is being sent.
class TlsConnection final : public ContextMember, public OperationOwner {
 public:
  // Plaintext is encrypted until so many blocks are full; a last record may go beyond.
  static constexpr std::size_t blocksPerWrite = 4;
  static constexpr std::size_t recordBytesMax = 16384;

  // OpenSSL calls into it, so it stays where it is.
  TlsConnection(Context& context, TlsSettingsUser settings) noexcept;
  ~TlsConnection();

  // `host` is a client's.
  std::error_code prepare(const char* host, const TlsOptions& options) noexcept;
  // `output` is null if one stream goes both ways.
  void takeStreams(StreamTransport& below, StreamTransport* output) noexcept;

  std::error_code mayHandshake(const HandshakeOperation& operation) const noexcept;
  Refusal mayRead(const ReadOperation& operation) const noexcept;
  Refusal mayWrite(const Operation& operation, std::size_t bytes) const noexcept;
  void startHandshake(HandshakeOperation& operation, AsyncCallback callback) noexcept;
  void startRead(ReadOperation& operation, AsyncCallback callback) noexcept;
  void startWrite(WriteOperation& operation, AsyncCallback callback) noexcept;
  void startWait(DrainOperation& operation, AsyncCallback callback) noexcept;
  void startWait(CloseOperation& operation, AsyncCallback callback) noexcept;

  bool cancel(HandshakeOperation& operation) noexcept;
  bool cancel(ReadOperation& operation) noexcept;
  bool cancel(WriteOperation& operation) noexcept;
  template <class Wait>
  bool cancelWait(Wait& operation) noexcept {
    return context_ != nullptr && waits_.cancel(*context_, operation);
  }
  void close() noexcept;

  const ReadSide& readSide() const noexcept { return readSide_; }
  std::size_t queuedBytes() const noexcept { return queuedBytes_; }
  const WriteMarks& marks() const noexcept { return marks_; }
  std::error_code setMarks(const WriteMarks& marks) noexcept;
  bool isSecure() const noexcept { return isSecure_; }
  StreamTransport& below() noexcept { return below_; }
  SSL* ssl() const noexcept { return ssl_; }

  void forget(Operation& operation) noexcept override;
  void leaveContext() noexcept override;

 private:
  static void onReceived(void* udata);
  static void onSent(void* udata);
  static void onShutDown(void* udata);
  static void onHandshakeTimeout(void* udata);

  // Nothing but alerts follows what OpenSSL has written.
  bool hasSaidFarewell() const noexcept {
    return (::SSL_get_shutdown(ssl_) & SSL_SENT_SHUTDOWN) != 0;
  }
  // Of the handshake, or after it: OpenSSL writes nothing before it has read the rest.
  bool isWithinMessage() const noexcept { return ::SSL_in_init(ssl_) != 0; }
  // Where ciphertext goes.
  StreamTransport& output() noexcept { return hasOutput_ ? output_ : below_; }
  bool isReading() const noexcept { return reading_ != nullptr && !reading_->isLinked(); }

  Refusal mayStart(const Operation& operation) const noexcept;
  void startClose(WriteOperation& operation, AsyncCallback callback) noexcept;
  void endAgain(WriteOperation& operation) noexcept;
  void advance() noexcept;
  void shakeHands() noexcept;
  void decrypt() noexcept;
  void encrypt() noexcept;
  bool encryptSome(WriteOperation& operation) noexcept;
  bool sayFarewell() noexcept;
  void send() noexcept;
  void receive() noexcept;
  // OpenSSL's answer `result` was no success: it wants input, or room, or has failed.
  void wait(int result) noexcept;

  void received() noexcept;
  void sent() noexcept;
  void serveRead() noexcept;
  void finishRead(std::error_code error) noexcept;
  void finishHandshake(std::error_code error) noexcept;
  void completeSent() noexcept;
  void completeWrites(std::error_code error) noexcept;
  void tellDrained() noexcept;
  void afterWrites() noexcept;
  void complete(Operation& operation, std::error_code error) noexcept;
  void failReading(std::error_code error) noexcept;
  void failWriting(std::error_code error) noexcept;
  void fail(std::error_code error) noexcept;

  Context* context_;  // null: it has ended
  TlsSettingsUser settings_;
  StreamTransport below_;
  StreamTransport output_;  // empty: it goes to the one below
  ReadOperation receiving_;
  WriteOperation sending_;
  TlsPipe pipe_;
  TlsOutput inFlight_;  // what `sending_` writes
  SSL* ssl_ = nullptr;

  HandshakeOperation* shaking_ = nullptr;  // pending
  Clock::duration handshakeTimeout_{};
  TimerId handshakeTimer_ = TimerId::none;
  std::size_t handshakeBytes_ = 0;

  ReadOperation* reading_ = nullptr;  // pending
  ReadSide readSide_;
  IntrusiveList<Operation> writes_;  // of which something is to be encrypted
  IntrusiveList<Operation> sent_;    // of which all is in flight, or is about to be
  std::size_t queuedBytes_ = 0;      // of `writes_`
  WriteMarks marks_;
  StreamWaits waits_;
  WriteOperation ending_;            // the shutdown before a close after the flush
  IntrusiveList<Operation> closes_;  // such closes
  std::error_code readError_;
  std::error_code writeError_;

  bool hasOutput_ = false;
  bool handshakeStarted_ = false;
  bool isSecure_ = false;
  bool needsInput_ = false;
  bool shutdownStarted_ = false;
  bool farewellWritten_ = false;
  bool closesAfterFlush_ = false;
  bool closed_ = false;
};

}  // namespace kairos::detail

#endif  // KAIROS_TRANSPORTS_DETAIL_TLS_CONNECTION_H_
