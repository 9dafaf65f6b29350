// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/transports/detail/datagram_socket.h"

#include <unistd.h>

#include <cerrno>
#include <new>
#include <utility>

#include "kairos/transports/error.h"

namespace kairos::detail {

std::unique_ptr<DatagramSocket> DatagramSocket::make(Context& context, const DatagramEnd& end,
                                                     std::size_t bytesMax,
                                                     BoundPath path) noexcept {
  if (context.datagrams() == nullptr) {
    context.setDatagrams(std::unique_ptr<ContextShare>(new (std::nothrow) DatagramBatchPool));
    if (context.datagrams() == nullptr) return nullptr;
  }
  return std::unique_ptr<DatagramSocket>(new (std::nothrow)
                                             DatagramSocket(context, end, bytesMax, path));
}

DatagramSocket::DatagramSocket(Context& context, const DatagramEnd& end, std::size_t bytesMax,
                               BoundPath path) noexcept
    : context_(&context), end_(end), bytesMax_(bytesMax), path_(path) {
  context.add(*this);
}

// A receive that is done but not delivered shows datagrams of this socket's batch.
DatagramSocket::~DatagramSocket() {
  close();
  if (context_ != nullptr) giveBatch();
  if (receiving_ == nullptr) return;
  OperationAccess::disown(*receiving_);
  receiving_->error = TransportError::closed;
  receiving_->datagrams = {};
}

DatagramBatchPool& DatagramSocket::pool() const noexcept {
  return static_cast<DatagramBatchPool&>(*context_->datagrams());
}

std::error_code DatagramSocket::mayStart(const Operation& operation) const noexcept {
  if (operation.isPending()) return TransportError::busy;
  if (context_ == nullptr || context_->isEnding()) return TransportError::closed;
  return {};
}

// ---- Receiving

std::error_code DatagramSocket::receive(ReceiveOperation& operation, std::size_t wanted,
                                        AsyncCallback callback) noexcept {
  if (receiving_ != nullptr) return TransportError::busy;
  if (const auto error = mayStart(operation)) return error;
  OperationAccess::begin(operation, *this, callback);
  operation.datagrams = {};
  operation.wanted_ = wanted;
  receiving_ = &operation;
  if (end_.fd < 0) {
    finishReceive(TransportError::closed);
  } else if (batch_ && !batch_->empty()) {
    serveReceive();
  } else {
    giveBatch();
    tellReport();
    if (isReceiving()) watchReading();
  }
  return {};
}

void DatagramSocket::onReadable(void* udata) {
  auto& socket = *static_cast<DatagramSocket*>(udata);
  socket.context_->dispatch([&socket] {
    if (socket.receiving_ == nullptr) socket.unwatchReading();
    if (socket.isReceiving()) socket.receiveBatch();
    socket.endWakeUp();
  });
}

// Once per poll: what remains is reported again.
void DatagramSocket::receiveBatch() noexcept {
  batch_ = pool().take();
  if (!batch_) return finishReceive(std::make_error_code(std::errc::not_enough_memory));
  const IoResult result = batch_->receive(end_.fd, bytesMax_);
  if (result.error == 0) return serveReceive();
  giveBatch();
  if (result.wouldBlock()) return registration_.doubt();
  finishReceive(systemError(result.error));
}

void DatagramSocket::serveReceive() noexcept {
  receiving_->datagrams = batch_->take(receiving_->wanted_);
  context_->complete(*receiving_);
}

void DatagramSocket::finishReceive(std::error_code error) noexcept {
  receiving_->error = error;
  context_->complete(*receiving_);
}

void DatagramSocket::giveBatch() noexcept {
  if (batch_) pool().give(std::move(batch_));
}

bool DatagramSocket::cancel(ReceiveOperation& operation) noexcept {
  if (&operation != receiving_ || !isReceiving()) return false;
  finishReceive(std::make_error_code(std::errc::operation_canceled));
  return true;
}

void DatagramSocket::watchReading() noexcept {
  if (registration_.hasReader()) return;
  wake();
  if (const auto error = registration_.addReader(watched())) finishReceive(error);
}

void DatagramSocket::unwatchReading() noexcept {
  registration_.removeReader(context_->reactor(), end_.fd);
}

// ---- Sending

void DatagramSocket::send(SendOperation& operation, AsyncCallback callback) noexcept {
  OperationAccess::begin(operation, *this, callback);
  operation.sent = 0;
  if (end_.fd < 0) return DatagramQueue::complete(*context_, operation, TransportError::closed);
  const bool isFirst = sends_.empty();
  sends_.add(operation);
  if (isFirst) flush(false);
}

void DatagramSocket::onWritable(void* udata) {
  auto& socket = *static_cast<DatagramSocket*>(udata);
  socket.context_->dispatch([&socket] {
    socket.flush(true);
    socket.endWakeUp();
  });
}

void DatagramSocket::onRetry(void* udata) {
  auto& socket = *static_cast<DatagramSocket*>(udata);
  socket.retry_ = TimerId::none;
  socket.context_->dispatch([&socket] { socket.flush(false); });
}

void DatagramSocket::flush(bool wasWoken) noexcept {
  switch (sends_.flush(*context_, end_)) {
    case DatagramQueue::Next::nothing:
      stopSending();
      break;
    case DatagramQueue::Next::full:
      waitForRoom();
      break;
    case DatagramQueue::Next::refused:
      waitForRoom();
      if (wasWoken) registration_.doubt();
      break;
    case DatagramQueue::Next::starved:
      retryLater();
      break;
    case DatagramQueue::Next::more:
      watchWriting();
  }
  if (isReceiving()) tellReport();
}

void DatagramSocket::tellReport() noexcept {
  if (const auto report = sends_.takeReport()) finishReceive(report);
}

// A unix socket counts as writable whatever room a peer has, unless it is connected to that one.
void DatagramSocket::waitForRoom() noexcept {
  if (!end_.isUnix || !sends_.namesPeer()) return watchWriting();
  retryLater();
}

void DatagramSocket::retryLater() noexcept {
  stopSending();
  retry_ = context_->reactor().addTimer(retryDelay, onRetry, this);
  if (retry_ == TimerId::none) {
    sends_.failAll(*context_, std::make_error_code(std::errc::not_enough_memory));
  }
}

void DatagramSocket::watchWriting() noexcept {
  if (registration_.hasWriter()) return;
  wake();
  if (const auto error = registration_.addWriter(watched())) sends_.failAll(*context_, error);
}

void DatagramSocket::stopSending() noexcept {
  context_->reactor().removeTimer(std::exchange(retry_, TimerId::none));
  registration_.removeWriter(context_->reactor(), end_.fd);
}

bool DatagramSocket::cancel(SendOperation& operation) noexcept {
  if (!OperationAccess::isWaiting(operation, *this)) return false;
  DatagramQueue::complete(*context_, operation,
                          std::make_error_code(std::errc::operation_canceled));
  if (sends_.empty()) stopSending();
  return true;
}

// ---- Both

WatchedFd DatagramSocket::watched() noexcept {
  return {context_->reactor(), end_.fd, onReadable, onWritable, this};
}

void DatagramSocket::endWakeUp() noexcept {
  if (!registration_.mustAsk()) return;
  wake();
  registration_.noteAsked();
}

// As Stream::wake().
void DatagramSocket::wake() noexcept {
  const Registration::Directions asleep = registration_.removeAsleep(watched());
  if (asleep.reads && isReceiving()) watchReading();
  if (!asleep.writes) return;
  if (registration_.hasReader()) return retryLater();
  watchWriting();
}

// A send is destroyed in the queue, which it leaves by itself.
void DatagramSocket::forget(Operation& operation) noexcept {
  if (&operation == receiving_) {
    receiving_ = nullptr;
    return;
  }
  operation.unlink();
  if (sends_.empty()) stopSending();
}

// The reactor forgets the socket before the kernel does.
void DatagramSocket::close() noexcept {
  if (end_.fd < 0) return;
  unwatchReading();
  stopSending();
  path_.remove();
  ::close(std::exchange(end_.fd, -1));
  if (isReceiving()) finishReceive(TransportError::closed);
  sends_.failAll(*context_, TransportError::closed);
}

void DatagramSocket::leaveContext() noexcept {
  close();
  context_ = nullptr;
}

}  // namespace kairos::detail
