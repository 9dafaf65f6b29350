// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/transports/connect.h"

#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "kairos/transports/detail/bound_path.h"
#include "kairos/transports/detail/context.h"
#include "kairos/transports/detail/fd_io.h"
#include "kairos/transports/detail/stream_access.h"
#include "kairos/transports/error.h"

namespace kairos {
namespace detail {
namespace {

int takeSocketError(Fd fd) noexcept {
  int error = 0;
  socklen_t size = sizeof error;
  return ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
}

}  // namespace

void ConnectAttempt::start(Context& context, const Address& address, const ConnectOptions& options,
                           AsyncCallback callback) noexcept {
  OperationAccess::begin(operation_, *this, callback);
  context_ = &context;
  context.add(*this);
  address_ = address;
  noDelay_ = options.noDelay && address.isIp();
  if (const auto error = open(options)) return finish(error);
  tryToConnect();
}

std::error_code ConnectAttempt::open(const ConnectOptions& options) noexcept {
  const int family = address_.sockaddrData()->sa_family;
  fd_ = ::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd_ < 0) return systemError(errno);
  if (noDelay_) {
    if (const auto error = switchOn(IPPROTO_TCP, TCP_NODELAY)) return error;
  }
  return options.local.family() != Address::Family::none ? bind(options) : std::error_code();
}

// Nobody connects to this end: the peer sees its name without the file.
std::error_code ConnectAttempt::bind(const ConnectOptions& options) noexcept {
  if (options.reusePort && options.local.isIp()) {
    if (const auto error = switchOn(SOL_SOCKET, SO_REUSEPORT)) return error;
  }
  BoundPath path;
  const std::error_code error = BoundPath::bind(fd_, options.local, {}, path);
  path.remove();
  return error;
}

std::error_code ConnectAttempt::switchOn(int level, int option) noexcept {
  const int on = 1;
  return ::setsockopt(fd_, level, option, &on, sizeof on) == 0 ? std::error_code()
                                                               : systemError(errno);
}

// An interrupted connect(2) goes on by itself. That a backlog is full is said of unix servers.
void ConnectAttempt::tryToConnect() noexcept {
  if (::connect(fd_, address_.sockaddrData(), address_.sockaddrSize()) == 0) return succeed();
  if (errno == EAGAIN && address_.isUnix()) return retryLater();
  if (errno != EINPROGRESS && errno != EINTR) return finish(systemError(errno));
  if (const auto error = context_->reactor().addWriter(fd_, onWritable, this)) finish(error);
}

// Nothing tells when a unix server with a full backlog has room.
void ConnectAttempt::retryLater() noexcept {
  retry_ = context_->reactor().addTimer(retryDelay, onRetry, this);
  if (retry_ == TimerId::none) finish(std::make_error_code(std::errc::not_enough_memory));
}

void ConnectAttempt::onRetry(void* udata) {
  auto& attempt = *static_cast<ConnectAttempt*>(udata);
  attempt.retry_ = TimerId::none;
  attempt.context_->dispatch([&attempt] { attempt.tryToConnect(); });
}

void ConnectAttempt::onWritable(void* udata) {
  auto& attempt = *static_cast<ConnectAttempt*>(udata);
  attempt.context_->dispatch([&attempt] {
    const int error = takeSocketError(attempt.fd_);
    if (error != 0) return attempt.finish(systemError(error));
    attempt.succeed();
  });
}

void ConnectAttempt::succeed() noexcept {
  context_->reactor().removeWriter(fd_);
  const auto error = StreamAccess::make(*context_, fd_, FdKind::socket, operation_.stream);
  if (!error) fd_ = -1;
  finish(error);
}

void ConnectAttempt::finish(std::error_code error) noexcept {
  Context& context = *context_;
  dismiss();
  OperationAccess::disown(operation_);
  operation_.error = error;
  context.complete(operation_);
}

// Leaves nothing behind.
void ConnectAttempt::dismiss() noexcept {
  if (context_ == nullptr) return;
  unlink();
  context_->reactor().removeTimer(std::exchange(retry_, TimerId::none));
  if (fd_ >= 0) {
    context_->reactor().removeWriter(fd_);
    ::close(std::exchange(fd_, -1));
  }
  context_ = nullptr;
}

void ConnectAttempt::forget(Operation&) noexcept { dismiss(); }

void ConnectAttempt::leaveContext() noexcept { finish(TransportError::closed); }

}  // namespace detail

std::error_code connect(TransportContext& context, ConnectOperation& operation,
                        const Address& address, const ConnectOptions& options,
                        CallbackFunc callback, void* udata) noexcept {
  if (callback == nullptr || address.family() == Address::Family::none) {
    return std::make_error_code(std::errc::invalid_argument);
  }
  if (operation.isPending()) return TransportError::busy;
  detail::Context* const inner = detail::ContextAccess::of(context);
  if (inner == nullptr) return std::make_error_code(std::errc::not_enough_memory);
  if (inner->isEnding()) return TransportError::closed;
  operation.stream = StreamTransport();
  operation.attempt_.start(*inner, address, options, {callback, udata});
  return {};
}

bool cancel(ConnectOperation& operation) noexcept {
  if (!operation.attempt_.isWaiting()) return false;
  operation.attempt_.finish(std::make_error_code(std::errc::operation_canceled));
  return true;
}

}  // namespace kairos
