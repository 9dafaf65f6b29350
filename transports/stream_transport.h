// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TRANSPORTS_STREAM_TRANSPORT_H_
#define KAIROS_TRANSPORTS_STREAM_TRANSPORT_H_

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

#include "kairos/reactor/reactor.h"
#include "kairos/transports/address.h"
#include "kairos/transports/error.h"
#include "kairos/transports/stream_operation.h"
#include "kairos/transports/transport_context.h"

namespace kairos {

namespace detail {
struct StreamAccess;
}  // namespace detail

// A buffered stream of bytes: a connected TCP or unix socket, or one end of a pipe. It reads when
// asked to, and not before; it writes at once what the OS takes, and keeps the rest in order.
//
//   Thread      that of the context's reactor
//   Ownership   A handle: moved, not copied. Owns the descriptor and closes it. Borrows operations,
//               and the bytes of write(), until their callback begins.
//   Errors      A start call returns an error only when it has begun nothing: TransportError::busy
//               (the operation is pending; a second read), ::notConnected (an empty handle),
//               ::closed (the context has ended), ::queueFull, invalid_argument (null callback,
//               empty separator, ...). How the I/O went, on a closed stream too, is in the
//               operation when its callback runs. Errors of the OS are sticky; bytes that came
//               before are read first. No SIGPIPE, and no change to its disposition or mask.
//   Callbacks   see operation.h. They may do everything here, destroying the stream included.
//   Cost        A write that the OS takes at once: one system call. A read: one when something
//               comes, none if enough is buffered. No allocation, no epoll_ctl in steady state.
class StreamTransport {
 public:
  // Empty: to be assigned to.
  StreamTransport() noexcept;
  // As close(). A read that is done but not delivered becomes TransportError::closed.
  ~StreamTransport();
  StreamTransport(StreamTransport&& other) noexcept;
  StreamTransport& operator=(StreamTransport&& other) noexcept;

  // Takes over `fd`, makes it non-blocking and close-on-exec. If its open file was blocking, it is
  // so again for those who share it, such as a shell its terminal, when the last stream on it is
  // closed that the context has: 0, 1 and 2 often are one open file. On error it stays the
  // caller's.
  //   Errors    invalid_argument: a socket of datagrams, or one that listens;
  //             operation_not_permitted: neither a socket, nor a pipe, nor a device that can be
  //             watched, such as a terminal; bad_file_descriptor; file_exists: registered with the
  //             reactor already; not_enough_memory
  [[nodiscard]] static std::error_code adopt(TransportContext& context, Fd fd,
                                             StreamTransport& result) noexcept;

  // One read at a time. `data` and `atEnd` of the operation say what was read.

  // What there is: at least a byte, unless the stream is at its end, which is no error.
  [[nodiscard]] std::error_code readOnce(ReadOperation& operation, CallbackFunc callback,
                                         void* udata) noexcept;
  [[nodiscard]] std::error_code readOnce(ReadOperation& operation, std::span<char> into,
                                         CallbackFunc callback, void* udata) noexcept;

  // Fills `into`, which the user keeps. At an end, an error or a cancellation before that, `data`
  // tells how far: these bytes have been read. Nothing to fill completes without a system call.
  //   Errors    TransportError::incomplete
  [[nodiscard]] std::error_code readExactly(ReadOperation& operation, std::span<char> into,
                                            CallbackFunc callback, void* udata) noexcept;

  // Up to and with `separator`, which the user keeps. On errors nothing has been read.
  //   Errors    TransportError::overLimit   more than `limit` bytes, separator included
  //             TransportError::incomplete  the stream ends before; `data` shows the unread rest
  [[nodiscard]] std::error_code readUntil(ReadOperation& operation, std::string_view separator,
                                          ReadLimit limit, CallbackFunc callback,
                                          void* udata) noexcept;

  // A line, `data` being without the LF or CR LF that ends it. The last line may end with the
  // stream: then `atEnd` is true too. Empty and `atEnd`: there was no further line.
  //   Errors    TransportError::overLimit  more than `limit` bytes; they stay unread
  [[nodiscard]] std::error_code readLine(ReadOperation& operation, ReadLimit limit,
                                         CallbackFunc callback, void* udata) noexcept;

  // A message, whose size `messageOf` tells by its first bytes (stream_operation.h), `data` being
  // all of it. Empty and `atEnd`: there was no further message; without an error `messageOf`,
  // shown no bytes, had no objection. The stream does not fail by what it says.
  //   Errors    what `messageOf` says; TransportError::overLimit: more than `limit` bytes, known
  //             before they come; ::incomplete: the stream ends before. The bytes stay unread.
  [[nodiscard]] std::error_code readMessage(ReadOperation& operation, MessageFunc messageOf,
                                            ReadLimit limit, CallbackFunc callback,
                                            void* udata) noexcept;

  // All that comes until the stream ends.
  //   Errors    TransportError::overLimit  more than `limit` bytes; they stay unread
  [[nodiscard]] std::error_code readToEnd(ReadOperation& operation, ReadLimit limit,
                                          CallbackFunc callback, void* udata) noexcept;

  // Discards `count` bytes, or fewer if the stream ends before: see `bytes` of the operation.
  [[nodiscard]] std::error_code consume(ReadOperation& operation, std::size_t count,
                                        CallbackFunc callback, void* udata) noexcept;

  // What was received and is unread, as long as no read is started.
  std::string_view peek() const noexcept;
  // The stream has ended, which a close is not, and all has been read.
  bool atEnd() const noexcept;

  // Writes complete in order, when the OS has taken all their bytes. The bytes, and the parts, are
  // the user's until then.
  [[nodiscard]] std::error_code write(WriteOperation& operation, std::string_view bytes,
                                      CallbackFunc callback, void* udata) noexcept;
  [[nodiscard]] std::error_code write(WriteOperation& operation,
                                      std::span<const std::string_view> parts,
                                      CallbackFunc callback, void* udata) noexcept;
  // Keeps `bytes` in the operation, which allocates for that the first time, and keeps their memory
  // until it is used again.
  //   Errors    not_enough_memory
  [[nodiscard]] std::error_code writeOwned(WriteOperation& operation, std::string bytes,
                                           CallbackFunc callback, void* udata) noexcept;

  // Bytes of a file, in their turn among the writes, without using its position. The OS hands them
  // over where it can (sendfile(2)); else, and if they are few, they go through a buffer. What is
  // not cached is waited for, by the whole loop.
  //   Errors    invalid_argument      beyond what a file can have
  //             in the operation:
  //             TransportError::incomplete  the file ends before; if a part is sent, all further
  //                                   writes end with operation_canceled
  //             not_supported         there are no offsets in it: a pipe, a socket
  //             what the OS said to reading the file: not open, a directory, ...
  //   Cost      one system call for 16 KiB and less and one to read; else three for 2 MiB, of which
  //             up to eight are sent in one poll
  [[nodiscard]] std::error_code writeFile(WriteOperation& operation, const FileRange& range,
                                          CallbackFunc callback, void* udata) noexcept;

  // Tells the peer that nothing follows, after all that is queued. Further writes end with
  // TransportError::shutDown. A pipe is closed by it; a terminal has no such end, so that nobody is
  // told. It cannot be cancelled, nor can closeAfterFlush().
  [[nodiscard]] std::error_code shutdown(WriteOperation& operation, CallbackFunc callback,
                                         void* udata) noexcept;

  // As shutdown(), then close(); of all that is pending it is told last, but for waits for the
  // close. What the peer has sent and nobody has read makes TCP reset the connection at that, and
  // what is under way may be lost: then rather shutdown(), and consume() until the peer has ended.
  [[nodiscard]] std::error_code closeAfterFlush(WriteOperation& operation, CallbackFunc callback,
                                                void* udata) noexcept;

  // Bytes of writes that the OS has not taken yet, but for those of files. They are bounded: a
  // write() beyond marks.cap is refused with TransportError::queueFull, unless nothing is queued.
  std::size_t queuedBytes() const noexcept;
  // At or above marks.high.
  bool isCongested() const noexcept;
  // Completes once, when no more than marks.low is queued; with an error when nothing will be sent
  // any more.
  [[nodiscard]] std::error_code waitUntilDrained(DrainOperation& operation, CallbackFunc callback,
                                                 void* udata) noexcept;
  //   Errors    invalid_argument: not in order, or high is 0; TransportError::closed;
  //             not_enough_memory
  [[nodiscard]] std::error_code setWriteMarks(const WriteMarks& marks) noexcept;

  // Ends a pending operation with operation_canceled; its callback runs as usual. False: it is
  // not pending on this stream, is done already, is a write of which a part is sent, or the end.
  bool cancel(ReadOperation& operation) noexcept;
  bool cancel(WriteOperation& operation) noexcept;
  bool cancel(DrainOperation& operation) noexcept;
  bool cancel(CloseOperation& operation) noexcept;

  // Nothing more is received; what is buffered can be read.
  void shutdownRead() noexcept;

  // Closes the descriptor. What is pending ends with TransportError::closed, but for waits for the
  // close; what is queued is not sent. Any number of times.
  void close() noexcept;
  // Completes without an error when it is closed or destroyed, and after all that was pending then;
  // if it is so already, at once. Several are told in the order in which they were started.
  [[nodiscard]] std::error_code waitUntilClosed(CloseOperation& operation, CallbackFunc callback,
                                                void* udata) noexcept;
  bool isOpen() const noexcept { return fd() >= 0; }
  // shutdown() or closeAfterFlush() was called.
  bool isShutDown() const noexcept;
  // The error that ended reading or writing; none: neither has failed.
  std::error_code failure() const noexcept;

  // For options of the OS; -1 when closed or empty. It stays the stream's.
  Fd fd() const noexcept;

  // TCP: small writes are not held back to fill a packet.
  [[nodiscard]] std::error_code setNoDelay(bool on) noexcept;
  [[nodiscard]] std::error_code localAddress(Address& result) const noexcept;
  [[nodiscard]] std::error_code remoteAddress(Address& result) const noexcept;

 private:
  friend struct detail::StreamAccess;

  std::unique_ptr<detail::Stream> stream_;
};

}  // namespace kairos

#endif  // KAIROS_TRANSPORTS_STREAM_TRANSPORT_H_
