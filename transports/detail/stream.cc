// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/transports/detail/stream.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "kairos/transports/error.h"

namespace kairos::detail {

Stream::Stream(Context& context, Fd fd, FdKind kind) noexcept
    : context_(&context), fd_(fd), kind_(kind) {
  context.add(*this);
}

// A read that is done but not delivered may show bytes of this stream's buffer.
Stream::~Stream() {
  close();
  if (context_ != nullptr) readSide_.release(context_->pool());
  if (reading_ == nullptr) return;
  OperationAccess::disown(*reading_);
  reading_->error = TransportError::closed;
  reading_->data = {};
}

std::error_code Stream::mayStart(const Operation& operation) const noexcept {
  if (operation.isPending()) return TransportError::busy;
  if (context_ == nullptr || context_->isEnding()) return TransportError::closed;
  return {};
}

// ---- Reading

std::error_code Stream::mayRead(const ReadOperation& operation) const noexcept {
  return reading_ != nullptr ? TransportError::busy : mayStart(operation);
}

void Stream::startRead(ReadOperation& operation, AsyncCallback callback) noexcept {
  OperationAccess::begin(operation, *this, callback);
  operation.data = {};
  operation.bytes = operation.scanned_ = 0;
  operation.atEnd = false;
  reading_ = &operation;
  if (closed_) return finishRead(TransportError::closed);
  readSide_.trim(context_->pool());
  serveRead();
  if (isReading()) {
    if (const std::error_code error = watchReading()) finishRead(error);
  }
}

void Stream::onReadable(void* udata) {
  auto& stream = *static_cast<Stream*>(udata);
  stream.context_->dispatch([&stream] { stream.readSome(); });
}

// Once per poll: what remains is reported again.
void Stream::readSome() noexcept {
  if (reading_ == nullptr) return unwatchReading();
  if (reading_->isLinked()) return;
  if (readSide_.receive(fd_, kind_, context_->pool(), *reading_)) {
    serveRead();
  } else if (reading_->error) {
    finishRead(reading_->error);
  }
  if (readSide_.hasEnded()) unwatchReading();
}

void Stream::serveRead() noexcept {
  if (readSide_.serve(*reading_)) context_->complete(*reading_);
}

void Stream::finishRead(std::error_code error) noexcept {
  reading_->error = error;
  ReadSide::showPartial(*reading_);
  context_->complete(*reading_);
}

bool Stream::cancel(ReadOperation& operation) noexcept {
  if (&operation != reading_ || !isReading()) return false;
  finishRead(std::make_error_code(std::errc::operation_canceled));
  return true;
}

void Stream::shutdownRead() noexcept {
  if (closed_) return;
  ::shutdown(fd_, SHUT_RD);
  unwatchReading();
  readSide_.end();
  if (isReading()) serveRead();
}

std::error_code Stream::watchReading() noexcept {
  if (readerAdded_) return {};
  const std::error_code error = context_->reactor().addReader(fd_, onReadable, this);
  readerAdded_ = !error;
  return error;
}

void Stream::unwatchReading() noexcept {
  if (std::exchange(readerAdded_, false)) context_->reactor().removeReader(fd_);
}

// ---- Writing

std::error_code Stream::mayWrite(const WriteOperation& operation) const noexcept {
  return mayStart(operation);
}

std::error_code Stream::writeError() const noexcept {
  if (closed_) return TransportError::closed;
  if (writes_.error()) return writes_.error();
  return shutdownStarted_ ? TransportError::shutDown : std::error_code();
}

void Stream::startWrite(WriteOperation& operation, AsyncCallback callback) noexcept {
  OperationAccess::begin(operation, *this, callback);
  operation.bytes = 0;
  const bool isShutdown = operation.kind_ == WriteOperation::Kind::shutdown;
  operation.error = writeError();
  // A second shutdown is done when the first is.
  if (isShutdown && operation.error == TransportError::shutDown) operation.error = {};
  if (operation.error) return WriteQueue::complete(*context_, operation);
  shutdownStarted_ = shutdownStarted_ || isShutdown;
  const bool isFirst = writes_.empty();
  writes_.add(operation);
  if (isFirst) flush();
}

void Stream::onWritable(void* udata) {
  auto& stream = *static_cast<Stream*>(udata);
  stream.context_->dispatch([&stream] { stream.flush(); });
}

void Stream::flush() noexcept {
  for (;;) {
    switch (writes_.flush(*context_, fd_, kind_)) {
      case WriteQueue::Next::nothing:
        return unwatchWriting();
      case WriteQueue::Next::wait:
        return watchWriting();
      case WriteQueue::Next::failed:
        unwatchWriting();
        return writes_.failAll(*context_, writes_.error());
      case WriteQueue::Next::shutDown:
        shutDown();
    }
  }
}

// A pipe has no other way to end one direction than to be closed.
void Stream::shutDown() noexcept {
  WriteOperation& operation = writes_.takeShutdown();
  if (kind_ == FdKind::pipe) {
    closeFd();
    if (isReading()) serveRead();
  } else if (fd_ >= 0 && ::shutdown(fd_, SHUT_WR) != 0) {
    operation.error = systemError(errno);
  }
  WriteQueue::complete(*context_, operation);
}

void Stream::watchWriting() noexcept {
  if (writerAdded_) return;
  const std::error_code error = context_->reactor().addWriter(fd_, onWritable, this);
  writerAdded_ = !error;
  if (error) writes_.failAll(*context_, error);
}

void Stream::unwatchWriting() noexcept {
  if (std::exchange(writerAdded_, false)) context_->reactor().removeWriter(fd_);
}

// What is sent in part cannot be taken back.
bool Stream::cancel(WriteOperation& operation) noexcept {
  const bool isQueued = OperationAccess::isWaiting(operation, *this);
  const bool isShutdown = operation.kind_ == WriteOperation::Kind::shutdown;
  if (!isQueued || operation.bytes > 0 || isShutdown) return false;
  writes_.forget(operation);
  operation.error = std::make_error_code(std::errc::operation_canceled);
  WriteQueue::complete(*context_, operation);
  if (writes_.empty()) unwatchWriting();
  return true;
}

// ---- Both

void Stream::forget(Operation& operation) noexcept {
  if (&operation == reading_) {
    reading_ = nullptr;
    return;
  }
  if (!OperationAccess::isWaiting(operation)) return;
  // A write is destroyed in the queue.
  auto& write = static_cast<WriteOperation&>(operation);
  const bool isTorn = write.bytes > 0;
  writes_.forget(write);
  if (isTorn) writes_.failAll(*context_, std::make_error_code(std::errc::operation_canceled));
  if (writes_.empty()) unwatchWriting();
}

void Stream::close() noexcept {
  if (std::exchange(closed_, true)) return;
  closeFd();
  if (context_ == nullptr) return;
  if (isReading()) finishRead(TransportError::closed);
  writes_.failAll(*context_, TransportError::closed);
}

// The reactor forgets the descriptor before the kernel does.
void Stream::closeFd() noexcept {
  if (fd_ < 0) return;
  unwatchReading();
  unwatchWriting();
  ::close(std::exchange(fd_, -1));
  readSide_.end();
}

void Stream::leaveContext() noexcept {
  close();
  context_ = nullptr;
}

}  // namespace kairos::detail
