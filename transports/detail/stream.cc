// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/transports/detail/stream.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <new>
#include <utility>

#include "kairos/transports/detail/borrowed_files.h"
#include "kairos/transports/error.h"

namespace kairos::detail {

static_assert(sizeof(WriteQueue) <= QueuePool::blockBytes);

Stream::Stream(Context& context, Fd fd, FdKind kind) noexcept
    : context_(&context), kind_(kind), fd_(fd) {
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

// ---- Reading

void Stream::startRead(ReadOperation& operation, AsyncCallback callback) noexcept {
  OperationAccess::begin(operation, *this, callback, context_->success());
  operation.data = {};
  operation.bytes = 0;
  operation.atEnd = false;
  reading_ = &operation;
  if (closed_) return finishRead(TransportError::closed);
  readSide_.trim(context_->pool());
  if (readSide_.mayServe(operation)) serveRead();
  if (registration_.hasReader() || !isReading()) return;
  if (const std::error_code error = checkReadable(fd_, kind_)) return finishRead(error);
  watchReading();
}

void Stream::onReadable(void* udata) {
  auto& stream = *static_cast<Stream*>(udata);
  stream.context_->dispatch([&stream] {
    stream.readSome();
    stream.endWakeUp();
  });
}

// Once per poll: what remains is reported again. Of a broken connection that a write was told of,
// the OS shows a read the end.
inline void Stream::readSome() noexcept {
  if (!isReading() || !readSide_.receive(fd_, kind_, context_->pool(), *reading_)) {
    return readNothing();
  }
  if (writes_ != nullptr) readSide_.explainEnd(writes_->loss(fd_));
  if (readSide_.serve(*reading_)) context_->complete(*reading_);
  if (readSide_.hasEnded()) unwatchReading();
}

// It was woken for something else, or in vain.
void Stream::readNothing() noexcept {
  if (reading_ == nullptr) unwatchReading();
  if (isReading() && reading_->error) finishRead(reading_->error);
  if (readSide_.hasEnded()) unwatchReading();
  registration_.doubt();
}

void Stream::serveRead() noexcept {
  if (readSide_.serve(*reading_)) context_->complete(*reading_);
}

void Stream::finishRead(std::error_code error) noexcept {
  reading_->error = error;
  ReadSide::showPartial(*reading_);
  context_->complete(*reading_);
}

// Before a close.
void Stream::endRead() noexcept {
  if (isReading()) finishRead(TransportError::closed);
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

// A read waits. Writes that sleep may fail before, and close the stream.
void Stream::watchReading() noexcept {
  wake();
  if (!isReading()) return;
  if (const std::error_code error = registration_.addReader(watched())) finishRead(error);
}

// ---- Writing

// Something is queued.
bool Stream::hasRoom(std::size_t bytes) const noexcept {
  const std::size_t queued = writes_->bytes();
  const std::size_t cap = writes_->marks().cap;
  return bytes == 0 || (queued <= cap && bytes <= cap - queued);
}

std::error_code Stream::writeError() const noexcept {
  if (closed_) return TransportError::closed;
  if (writes_ != nullptr && writes_->error()) return writes_->error();
  return shutdownStarted_ ? TransportError::shutDown : std::error_code();
}

void Stream::startWrite(WriteOperation& operation, AsyncCallback callback) noexcept {
  OperationAccess::begin(operation, *this, callback, context_->success());
  operation.bytes = 0;
  if (mayWriteAtOnce(operation)) return writeAtOnce(operation);
  queueWrite(operation);
}

void Stream::queueWrite(WriteOperation& operation) noexcept {
  operation.error = writeError();
  // A second shutdown is done when the first is, which may be so already.
  const bool isSecond = operation.isLast() && operation.error == TransportError::shutDown;
  if (isSecond) operation.error = {};
  const bool isDone = isSecond && (writes_ == nullptr || writes_->empty());
  if (!isDone && !operation.error && !makeQueue()) {
    operation.error = std::make_error_code(std::errc::not_enough_memory);
  }
  const bool isClose = operation.kind_ == WriteOperation::Kind::close;
  closesAfterFlush_ = closesAfterFlush_ || isClose;
  if (isDone || operation.error) {
    if (isClose) endRead();
    WriteQueue::complete(*context_, operation);
    return afterWrites();
  }
  shutdownStarted_ = shutdownStarted_ || operation.isLast();
  const bool isFirst = writes_->empty();
  writes_->add(operation);
  if (isFirst) flush(false);
}

// The usual write: one part, nothing queued, and the memory for a queue at hand.
inline bool Stream::mayWriteAtOnce(const WriteOperation& operation) const noexcept {
  return writes_ == nullptr && !closed_ && !shutdownStarted_ && operation.left_ > 0 &&
         operation.kind_ == WriteOperation::Kind::bytes && !context_->queuePool().isEmpty();
}

// Only what the OS leaves needs a queue.
inline void Stream::writeAtOnce(WriteOperation& operation) noexcept {
  const IoResult result = writeOnce(fd_, kind_, operation.part(0));
  operation.advance(result.bytes);
  if (operation.left_ > 0) return queueRest(operation, result.error);
  WriteQueue::complete(*context_, operation);
}

void Stream::queueRest(WriteOperation& operation, int error) noexcept {
  makeQueue();
  writes_->add(operation);
  if (error == 0 || error == EAGAIN || error == EWOULDBLOCK) return watchWriting();
  if (error == ENOBUFS) return retryLater();
  failWrites(systemError(error));
}

void Stream::onWritable(void* udata) {
  auto& stream = *static_cast<Stream*>(udata);
  stream.context_->dispatch([&stream] {
    stream.flush(true);
    stream.endWakeUp();
  });
}

void Stream::flush(bool wasWoken) noexcept {
  for (;;) {
    switch (writes_->flush(*context_, fd_, kind_)) {
      case WriteQueue::Next::nothing:
        return afterWrites();
      case WriteQueue::Next::wait:
        writes_->tellDrained(*context_);
        return watchWriting();
      case WriteQueue::Next::refused:
        if (wasWoken) registration_.doubt();
        return watchWriting();
      case WriteQueue::Next::starved:
        writes_->tellDrained(*context_);
        return retryLater();
      case WriteQueue::Next::failed:
        return failWrites(writes_->error());
      case WriteQueue::Next::last:
        finishLast();
    }
  }
}

// The last of all that are told is the close.
void Stream::failWrites(std::error_code error) noexcept {
  if (closesAfterFlush_) endRead();
  writes_->failAll(*context_, error);
  afterWrites();
}

// Something has gone from the queue, perhaps all.
void Stream::afterWrites() noexcept {
  if (writes_ != nullptr) {
    writes_->tellDrained(*context_);
    if (!writes_->empty()) return;
    unwatchWriting();
    stopRetrying();
    if (fd_ < 0) writes_->waits().tellClosed(*context_);
    if (writes_->isIdle()) dropQueue();
  }
  if (closesAfterFlush_) close();
}

// A pipe has no other way to end one direction than to be closed, a terminal has none at all. Of a
// socket that has ended both ways a second shutdown(2) would fail. A close is told after all else.
void Stream::finishLast() noexcept {
  const bool isFirst = !writes_->hasTakenLast();
  WriteOperation& operation = writes_->takeLast();
  const bool isClose = operation.kind_ == WriteOperation::Kind::close;
  if (kind_ == FdKind::pipe) {
    closeFd();
    if (!isClose) readSide_.end();
    if (!isClose && isReading()) serveRead();
  } else if (kind_ == FdKind::socket && isFirst && ::shutdown(fd_, SHUT_WR) != 0) {
    operation.error = systemError(errno);
  }
  if (isClose) {
    endRead();
    writes_->tellDrained(*context_);
  }
  WriteQueue::complete(*context_, operation);
}

void Stream::watchWriting() noexcept {
  if (registration_.hasWriter()) return;
  wake();
  if (const std::error_code error = registration_.addWriter(watched())) failWrites(error);
}

// A socket without memory for what is sent counts as writable.
void Stream::retryLater() noexcept {
  unwatchWriting();
  writes_->retry() = context_->reactor().addTimer(retryDelay, onRetry, this);
  if (writes_->retry() != TimerId::none) return;
  failWrites(std::make_error_code(std::errc::not_enough_memory));
}

void Stream::onRetry(void* udata) {
  auto& stream = *static_cast<Stream*>(udata);
  stream.writes_->retry() = TimerId::none;
  stream.context_->dispatch([&stream] { stream.flush(false); });
}

void Stream::stopRetrying() noexcept {
  if (writes_ == nullptr) return;
  context_->reactor().removeTimer(std::exchange(writes_->retry(), TimerId::none));
}

// What is sent in part cannot be taken back.
bool Stream::cancel(WriteOperation& operation) noexcept {
  const bool isQueued = OperationAccess::isWaiting(operation, *this);
  if (!isQueued || operation.bytes > 0 || operation.isLast()) return false;
  writes_->forget(operation);
  operation.error = std::make_error_code(std::errc::operation_canceled);
  WriteQueue::complete(*context_, operation);
  afterWithdrawal();
  return true;
}

// What was behind it may have nothing to wait for: an end, or no bytes.
void Stream::afterWithdrawal() noexcept {
  writes_->tellDrained(*context_);
  if (!writes_->headIsWritten()) return afterWrites();
  stopRetrying();
  flush(false);
}

// In a block of the context's, so that it costs no allocation as a rule.
bool Stream::makeQueue() noexcept {
  if (writes_ != nullptr) return true;
  char* const block = context_->queuePool().take();
  if (block != nullptr) writes_ = new (block) WriteQueue;
  return block != nullptr;
}

void Stream::dropQueue() noexcept {
  writes_->~WriteQueue();
  context_->queuePool().give(reinterpret_cast<char*>(std::exchange(writes_, nullptr)));
}

// ---- Waits

std::error_code Stream::setMarks(const WriteMarks& marks) noexcept {
  if (closed_) return TransportError::closed;
  if (!makeQueue()) return std::make_error_code(std::errc::not_enough_memory);
  writes_->setMarks(marks);
  writes_->tellDrained(*context_);
  return {};
}

// A wait leaves its queue by itself when it is destroyed.
void Stream::startWait(DrainOperation& operation, AsyncCallback callback) noexcept {
  OperationAccess::begin(operation, *this, callback, context_->success());
  OperationAccess::disown(operation);
  if (closed_) operation.error = TransportError::closed;
  if (closed_ || writes_ == nullptr) return context_->complete(operation);
  writes_->waits().add(operation);
  writes_->tellDrained(*context_);
}

// It is kept with the writes, where it takes no room as long as there is none. A pipe may be closed
// before its stream is.
void Stream::startWait(CloseOperation& operation, AsyncCallback callback) noexcept {
  OperationAccess::begin(operation, *this, callback, context_->success());
  OperationAccess::disown(operation);
  if (fd_ >= 0 && makeQueue()) return writes_->waits().add(operation);
  if (fd_ >= 0) operation.error = std::make_error_code(std::errc::not_enough_memory);
  context_->complete(operation);
}

// ---- Both

// Only after a change, or when nothing was there.
void Stream::lookAtWatches() noexcept {
  wake();
  registration_.noteAsked();
}

// What sleeps is registered anew. Writes beside a read that waits try again later, since it is to
// watch both that the OS has just refused.
void Stream::wake() noexcept {
  const Registration::Directions asleep = registration_.removeAsleep(watched());
  if (asleep.reads && isReading()) watchReading();
  if (!asleep.writes) return;
  if (registration_.hasReader()) return retryLater();
  watchWriting();
}

std::error_code Stream::failure() const noexcept {
  if (writes_ != nullptr && writes_->error()) return writes_->error();
  return readSide_.error();
}

void Stream::forget(Operation& operation) noexcept {
  if (&operation == reading_) {
    reading_ = nullptr;
    return;
  }
  if (!OperationAccess::isWaiting(operation)) return;
  // A write is destroyed in the queue.
  auto& write = static_cast<WriteOperation&>(operation);
  const bool isTorn = write.bytes > 0;
  writes_->forget(write);
  // A shutdown that is destroyed before it was done will not be.
  shutdownStarted_ = closesAfterFlush_ || (shutdownStarted_ && writes_->endsWithLast());
  if (isTorn) return failWrites(std::make_error_code(std::errc::operation_canceled));
  afterWithdrawal();
}

void Stream::close() noexcept {
  if (closed_) return;
  closed_ = true;
  closesAfterFlush_ = false;
  closeFd();
  if (context_ == nullptr) return;
  endRead();
  if (writes_ == nullptr) return;
  writes_->failAll(*context_, TransportError::closed);
  writes_->waits().tellClosed(*context_);
  dropQueue();
}

// The reactor forgets the descriptor before the kernel does.
void Stream::closeFd() noexcept {
  if (fd_ < 0) return;
  unwatchReading();
  unwatchWriting();
  stopRetrying();
  if (isBorrowed_) BorrowedFiles::giveBack(*context_, fd_);
  ::close(std::exchange(fd_, -1));
}

void Stream::leaveContext() noexcept {
  close();
  context_ = nullptr;
}

}  // namespace kairos::detail
