// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/transports/detail/listener.h"

#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "kairos/transports/detail/fd_io.h"
#include "kairos/transports/detail/stream_access.h"
#include "kairos/transports/error.h"

namespace kairos::detail {
namespace {

// What accept(2) says of one newcomer, or of the network under it: the next may be well.
bool isOfNewcomer(int error) {
  switch (error) {
    case EINTR:
    case ECONNABORTED:
    case EPROTO:
    case EPERM:
    case ENETDOWN:
    case ENETUNREACH:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case ENONET:
    case ENOPROTOOPT:
    case EOPNOTSUPP:
    case ETIMEDOUT:
      return true;
    default:
      return false;
  }
}

bool isOfSocket(int error) { return error == EBADF || error == EINVAL || error == ENOTSOCK; }

}  // namespace

Listener::Listener(Context& context, Fd fd, const ServerOptions& options) noexcept
    : context_(&context), fd_(fd), noDelay_(options.noDelay) {
  context.add(*this);
}

Listener::~Listener() {
  close();
  if (accepting_ != nullptr) OperationAccess::disown(*accepting_);
}

bool Listener::isEnd(std::error_code error) noexcept {
  return error == TransportError::closed ||
         (error.category() == std::generic_category() && isOfSocket(error.value()));
}

std::error_code Listener::mayAccept(const AcceptOperation& operation) const noexcept {
  if (accepting_ != nullptr || loop_.isRunning() || operation.isPending()) {
    return TransportError::busy;
  }
  const bool isOver = context_ == nullptr || context_->isEnding();
  return isOver ? TransportError::closed : std::error_code();
}

std::error_code Listener::accept(AcceptOperation& operation, AsyncCallback callback) noexcept {
  const auto error = mayAccept(operation);
  if (!error) acceptFor(operation, callback);
  return error;
}

std::error_code Listener::start(AcceptOperation& operation, AsyncCallback callback) noexcept {
  const auto error = mayAccept(operation);
  if (!error) loop_.start(operation, callback);
  return error;
}

void Listener::acceptFor(AcceptOperation& operation, AsyncCallback callback) noexcept {
  OperationAccess::begin(operation, *this, callback);
  operation.stream = StreamTransport();
  operation.peer = Address();
  accepting_ = &operation;
  if (fd_ < 0) {
    finish(TransportError::closed);
  } else if (pauseTimer_ == TimerId::none) {
    tryToAccept();
  }
}

void Listener::onAcceptable(void* udata) {
  auto& listener = *static_cast<Listener*>(udata);
  listener.context_->dispatch([&listener] {
    if (listener.accepting_ == nullptr) return listener.unwatch();
    if (listener.isWaiting()) listener.tryToAccept();
  });
}

void Listener::onPauseOver(void* udata) {
  auto& listener = *static_cast<Listener*>(udata);
  listener.pauseTimer_ = TimerId::none;
  listener.context_->dispatch([&listener] {
    if (listener.isWaiting()) listener.tryToAccept();
  });
}

void Listener::tryToAccept() noexcept {
  for (int skipped = 0; skipped < skippedMax; ++skipped) {
    Fd connection = -1;
    const int error = acceptOne(connection);
    if (error == 0) return welcome(connection);
    if (error == EAGAIN) break;
    if (!isOfNewcomer(error)) return failed(error);
  }
  watch();
}

// Returns the errno.
int Listener::acceptOne(Fd& connection) noexcept {
  sockaddr_storage storage;
  socklen_t size = sizeof storage;
  auto* const address = reinterpret_cast<sockaddr*>(&storage);
  connection = ::accept4(fd_, address, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (connection < 0) return errno;
  // An address of a foreign family stays none; the connection is good.
  static_cast<void>(Address::fromSockaddr(address, size, accepting_->peer));
  return 0;
}

void Listener::welcome(Fd connection) noexcept {
  const int on = 1;
  // Fails where there is nothing to switch on, as with unix sockets.
  if (noDelay_) ::setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  const auto error = StreamAccess::make(*context_, connection, FdKind::socket, accepting_->stream);
  if (error) {
    ::close(connection);
    return pause(error);
  }
  pause_ = firstPause;
  isPauseReported_ = false;
  finish({});
}

void Listener::failed(int error) noexcept {
  if (isOfSocket(error)) return finish(systemError(error));
  pause(systemError(error));
}

// Out of descriptors or memory, the newcomer stays in the backlog, and the socket acceptable: left
// registered, it would call back without end.
void Listener::pause(std::error_code reason) noexcept {
  unwatch();
  pauseTimer_ = context_->reactor().addTimer(pause_, onPauseOver, this);
  pause_ = std::min(pause_ * 2, longestPause);
  if (pauseTimer_ == TimerId::none || !std::exchange(isPauseReported_, true)) finish(reason);
}

void Listener::finish(std::error_code error) noexcept {
  accepting_->error = error;
  context_->complete(*accepting_);
}

void Listener::watch() noexcept {
  if (readerAdded_) return;
  const auto error = context_->reactor().addReader(fd_, onAcceptable, this);
  readerAdded_ = !error;
  if (error) pause(error);
}

void Listener::unwatch() noexcept {
  if (std::exchange(readerAdded_, false)) context_->reactor().removeReader(fd_);
}

bool Listener::cancel(AcceptOperation& operation) noexcept {
  if (loop_.shows(operation)) return loop_.stop();
  if (&operation != accepting_ || !isWaiting()) return false;
  finish(std::make_error_code(std::errc::operation_canceled));
  return true;
}

void Listener::close() noexcept {
  loop_.end(TransportError::closed);
  if (fd_ < 0) return;
  unwatch();
  context_->reactor().removeTimer(std::exchange(pauseTimer_, TimerId::none));
  path_.remove();
  ::close(std::exchange(fd_, -1));
  if (isWaiting()) finish(TransportError::closed);
}

void Listener::forget(Operation&) noexcept { accepting_ = nullptr; }

void Listener::leaveContext() noexcept {
  close();
  context_ = nullptr;
}

}  // namespace kairos::detail
