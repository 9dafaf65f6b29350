// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TRANSPORTS_TLS_STREAM_H_
#define KAIROS_TRANSPORTS_TLS_STREAM_H_

#include <chrono>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

#include "kairos/reactor/reactor.h"
#include "kairos/transports/operation.h"
#include "kairos/transports/stream_operation.h"
#include "kairos/transports/stream_transport.h"
#include "kairos/transports/tls_context.h"
#include "kairos/transports/tls_session.h"
#include "kairos/transports/transport_context.h"

struct ssl_st;

namespace kairos {

namespace detail {
class TlsConnection;
}  // namespace detail

struct HandshakeOperation : detail::Operation {
  HandshakeOperation() = default;
  ~HandshakeOperation() { abandon(); }
};

struct TlsOptions {
  Clock::duration handshakeTimeout = std::chrono::seconds(30);
  // A client's: what TlsStream::session() gave of an earlier stream to the same host.
  const TlsSession* session = nullptr;  // looked at by the call only
};

// TLS over a stream: what is written is encrypted, what is read has been decrypted and is genuine.
// Its operations are those of a StreamTransport, see there, with these differences:
//
//   Thread      that of the context's reactor
//   Ownership   Owns the stream below, or both, and what they own.
//   Errors      in the operation: also those of tls_error.h. An end of the stream below is
//               TlsError::truncated, unless the peer has said so inside TLS. A failed handshake,
//               and what breaks TLS, ends all that is pending and all that is started later.
//   Callbacks   Reads and writes may be started at any time, and wait for the end of the handshake.
//   Cost        The stream below reads once, 16 KiB at most, when a read here needs it; up to
//               80 KiB are encrypted and wait to be sent at a time. What OpenSSL allocates comes on
//               top.
//   Limits      handshakeBytesMax, handshakeTimeout
class TlsStream {
 public:
  static constexpr std::size_t handshakeBytesMax = 262144;  // that the peer may send

  // Empty: to be assigned to.
  TlsStream() noexcept;
  // As close().
  ~TlsStream();
  TlsStream(TlsStream&& other) noexcept;
  TlsStream& operator=(TlsStream&& other) noexcept;

  // Over `below`, which is taken when there is no error. Nothing is sent yet. `context` is that of
  // `below`. The server must be `host`: a name, which it is told (SNI), or an address in digits.
  //   Errors    invalid_argument: `host` is neither, `tls` is not for clients, a limit that is not
  //             positive; TransportError::notConnected: an empty handle; not_enough_memory
  [[nodiscard]] static std::error_code client(TransportContext& context, const TlsContext& tls,
                                              StreamTransport&& below, std::string_view host,
                                              const TlsOptions& options,
                                              TlsStream& result) noexcept;
  [[nodiscard]] static std::error_code server(TransportContext& context, const TlsContext& tls,
                                              StreamTransport&& below, const TlsOptions& options,
                                              TlsStream& result) noexcept;
  // The same over two streams that go one way each, such as pipes, or the output and input of a
  // child: both are taken, or neither. `context` is that of both.
  [[nodiscard]] static std::error_code client(TransportContext& context, const TlsContext& tls,
                                              StreamTransport&& input, StreamTransport&& output,
                                              std::string_view host, const TlsOptions& options,
                                              TlsStream& result) noexcept;
  [[nodiscard]] static std::error_code server(TransportContext& context, const TlsContext& tls,
                                              StreamTransport&& input, StreamTransport&& output,
                                              const TlsOptions& options,
                                              TlsStream& result) noexcept;

  // To be started once, before anything can happen. Done without an error, the peer is who it is
  // supposed to be.
  //   Errors    from the call: invalid_argument: it was started before; in the operation: timed_out
  [[nodiscard]] std::error_code handshake(HandshakeOperation& operation, CallbackFunc callback,
                                          void* udata) noexcept;

  [[nodiscard]] std::error_code readOnce(ReadOperation& operation, CallbackFunc callback,
                                         void* udata) noexcept;
  [[nodiscard]] std::error_code readOnce(ReadOperation& operation, std::span<char> into,
                                         CallbackFunc callback, void* udata) noexcept;
  [[nodiscard]] std::error_code readExactly(ReadOperation& operation, std::span<char> into,
                                            CallbackFunc callback, void* udata) noexcept;
  [[nodiscard]] std::error_code readUntil(ReadOperation& operation, std::string_view separator,
                                          ReadLimit limit, CallbackFunc callback,
                                          void* udata) noexcept;
  [[nodiscard]] std::error_code readLine(ReadOperation& operation, ReadLimit limit,
                                         CallbackFunc callback, void* udata) noexcept;
  [[nodiscard]] std::error_code readMessage(ReadOperation& operation, MessageFunc messageOf,
                                            ReadLimit limit, CallbackFunc callback,
                                            void* udata) noexcept;
  [[nodiscard]] std::error_code readToEnd(ReadOperation& operation, ReadLimit limit,
                                          CallbackFunc callback, void* udata) noexcept;
  [[nodiscard]] std::error_code consume(ReadOperation& operation, std::size_t count,
                                        CallbackFunc callback, void* udata) noexcept;
  std::string_view peek() const noexcept;
  bool atEnd() const noexcept;

  // `bytes` of the operation are those that were encrypted.
  [[nodiscard]] std::error_code write(WriteOperation& operation, std::string_view bytes,
                                      CallbackFunc callback, void* udata) noexcept;
  [[nodiscard]] std::error_code write(WriteOperation& operation,
                                      std::span<const std::string_view> parts,
                                      CallbackFunc callback, void* udata) noexcept;
  [[nodiscard]] std::error_code writeOwned(WriteOperation& operation, std::string bytes,
                                           CallbackFunc callback, void* udata) noexcept;
  // Tells the peer so inside TLS (close_notify), then shuts the stream below down. Reading goes on.
  [[nodiscard]] std::error_code shutdown(WriteOperation& operation, CallbackFunc callback,
                                         void* udata) noexcept;
  // As shutdown(), then close(); of all that is pending it is told last, but for waits for the
  // close. What the peer has sent and nobody has read, as the session of TLS 1.3 is before the
  // first read, makes TCP reset the connection at that, and what is under way may be lost.
  [[nodiscard]] std::error_code closeAfterFlush(WriteOperation& operation, CallbackFunc callback,
                                                void* udata) noexcept;
  // Bytes of writes that are not encrypted yet; marks count them.
  std::size_t queuedBytes() const noexcept;
  bool isCongested() const noexcept;
  [[nodiscard]] std::error_code waitUntilDrained(DrainOperation& operation, CallbackFunc callback,
                                                 void* udata) noexcept;
  [[nodiscard]] std::error_code setWriteMarks(const WriteMarks& marks) noexcept;

  // A cancelled handshake cannot be taken up again: what else is pending ends with it. A write of
  // which a part is encrypted is not cancelled.
  bool cancel(HandshakeOperation& operation) noexcept;
  bool cancel(ReadOperation& operation) noexcept;
  bool cancel(WriteOperation& operation) noexcept;
  bool cancel(DrainOperation& operation) noexcept;
  bool cancel(CloseOperation& operation) noexcept;

  // At once, and without telling the peer, to whom it looks like a truncation.
  void close() noexcept;
  [[nodiscard]] std::error_code waitUntilClosed(CloseOperation& operation, CallbackFunc callback,
                                                void* udata) noexcept;
  bool isOpen() const noexcept { return fd() >= 0; }
  Fd fd() const noexcept;

  // The handshake is done.
  bool isSecure() const noexcept;
  // The protocol that was agreed on, or empty.
  std::string_view protocol() const noexcept;
  // It goes on with an earlier session: no certificate was exchanged again.
  bool isResumed() const noexcept;
  // The peer has shown one and was asked for it, so it is verified unless trust was insecure.
  bool hasPeerCertificate() const noexcept;
  // To be resumed by a later stream; empty if there is none. Of TLS 1.3 the server tells it after
  // the handshake, so ask when something was read.
  TlsSession session() const noexcept;
  // For options and addresses; nullptr when empty. Of two streams the input.
  StreamTransport* below() noexcept;
  // OpenSSL's object, for what is not here, such as the peer's certificate; nullptr when empty.
  ssl_st* native() const noexcept;

 private:
  static std::error_code make(TransportContext& context, const TlsContext& tls,
                              StreamTransport& below, StreamTransport* output, const char* host,
                              const TlsOptions& options, TlsStream& result) noexcept;
  std::unique_ptr<detail::TlsConnection> connection_;
};

}  // namespace kairos

#endif  // KAIROS_TRANSPORTS_TLS_STREAM_H_
