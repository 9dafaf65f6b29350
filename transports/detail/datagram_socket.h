// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TRANSPORTS_DETAIL_DATAGRAM_SOCKET_H_
#define KAIROS_TRANSPORTS_DETAIL_DATAGRAM_SOCKET_H_

#include <cstddef>
#include <memory>
#include <system_error>

#include "kairos/transports/datagram.h"
#include "kairos/transports/detail/bound_path.h"
#include "kairos/transports/detail/context.h"
#include "kairos/transports/detail/datagram_batch.h"
#include "kairos/transports/detail/datagram_queue.h"
#include "kairos/transports/detail/registration.h"

namespace kairos::detail {

// What a DatagramTransport is, behind its handle. The reader is registered while a receive waits,
// and until something comes that none waits for; the writer, or a timer, while sends are queued.
class DatagramSocket final : public ContextMember, public OperationOwner {
 public:
  // nullptr: no memory. The socket is the caller's then.
  static std::unique_ptr<DatagramSocket> make(Context& context, const DatagramEnd& end,
                                              std::size_t bytesMax, BoundPath path) noexcept;
  ~DatagramSocket();

  std::error_code mayStart(const Operation& operation) const noexcept;
  std::error_code receive(ReceiveOperation& operation, std::size_t wanted,
                          AsyncCallback callback) noexcept;
  void send(SendOperation& operation, AsyncCallback callback) noexcept;
  bool cancel(ReceiveOperation& operation) noexcept;
  bool cancel(SendOperation& operation) noexcept;
  void close() noexcept;
  Fd fd() const noexcept { return end_.fd; }

  void forget(Operation& operation) noexcept override;
  void leaveContext() noexcept override;

 private:
  DatagramSocket(Context& context, const DatagramEnd& end, std::size_t bytesMax,
                 BoundPath path) noexcept;

  static void onReadable(void* udata);
  static void onWritable(void* udata);
  static void onRetry(void* udata);

  DatagramBatchPool& pool() const noexcept;
  bool isReceiving() const noexcept { return receiving_ != nullptr && !receiving_->isLinked(); }
  void serveReceive() noexcept;
  void receiveBatch() noexcept;
  void finishReceive(std::error_code error) noexcept;
  void giveBatch() noexcept;
  void watchReading() noexcept;
  void unwatchReading() noexcept;
  void flush(bool wasWoken) noexcept;
  void tellReport() noexcept;
  void waitForRoom() noexcept;
  void retryLater() noexcept;
  void watchWriting() noexcept;
  void stopSending() noexcept;
  WatchedFd watched() noexcept;
  void endWakeUp() noexcept;
  void wake() noexcept;

  Context* context_;  // null: the context has ended
  DatagramEnd end_;   // its fd is -1: closed
  std::size_t bytesMax_;
  Registration registration_;
  TimerId retry_ = TimerId::none;
  ReceiveOperation* receiving_ = nullptr;
  std::unique_ptr<DatagramBatch> batch_;  // of the last receive
  DatagramQueue sends_;
  BoundPath path_;
};

}  // namespace kairos::detail

#endif  // KAIROS_TRANSPORTS_DETAIL_DATAGRAM_SOCKET_H_
