// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/transports/stream_server.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <new>

#include "kairos/transports/detail/context.h"
#include "kairos/transports/detail/fd_io.h"
#include "kairos/transports/detail/listener.h"
#include "kairos/transports/detail/socket_address.h"
#include "kairos/transports/error.h"

namespace kairos {
namespace {

using detail::systemError;

std::error_code set(Fd fd, int level, int option, bool on) {
  const int value = on ? 1 : 0;
  if (::setsockopt(fd, level, option, &value, sizeof value) == 0) return {};
  return systemError(errno);
}

std::error_code configure(Fd fd, const Address& address, const ServerOptions& options) {
  if (!address.isIp()) return {};
  if (options.reuseAddress) {
    if (const auto error = set(fd, SOL_SOCKET, SO_REUSEADDR, true)) return error;
  }
  if (options.reusePort) {
    if (const auto error = set(fd, SOL_SOCKET, SO_REUSEPORT, true)) return error;
  }
  // Said each time: the default is the administrator's.
  return address.isIpv6() ? set(fd, IPPROTO_IPV6, IPV6_V6ONLY, options.ipv6Only)
                          : std::error_code();
}

std::error_code bindAndListen(Fd fd, const Address& address, const ServerOptions& options,
                              detail::BoundPath& path) {
  if (const auto error = configure(fd, address, options)) return error;
  if (::bind(fd, address.sockaddrData(), address.sockaddrSize()) != 0) return systemError(errno);
  path = detail::BoundPath(address);
  if (::listen(fd, options.backlog > 0 ? options.backlog : SOMAXCONN) == 0) return {};
  const std::error_code error = systemError(errno);
  path.remove();
  return error;
}

std::error_code checkListening(Fd fd) {
  int listening = 0;
  socklen_t size = sizeof listening;
  if (::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) != 0) {
    return systemError(errno);
  }
  return listening != 0 ? std::error_code() : std::make_error_code(std::errc::invalid_argument);
}

std::unique_ptr<detail::Listener> makeListener(detail::Context& context, Fd fd,
                                               const ServerOptions& options) {
  return std::unique_ptr<detail::Listener>(new (std::nothrow)
                                               detail::Listener(context, fd, options));
}

std::error_code noMemory() { return std::make_error_code(std::errc::not_enough_memory); }

}  // namespace

StreamServer::StreamServer() noexcept = default;
StreamServer::~StreamServer() = default;
StreamServer::StreamServer(StreamServer&& other) noexcept = default;
StreamServer& StreamServer::operator=(StreamServer&& other) noexcept = default;

std::error_code StreamServer::listen(TransportContext& context, const Address& address,
                                     const ServerOptions& options, StreamServer& result) noexcept {
  detail::Context* const inner = detail::ContextAccess::of(context);
  if (inner == nullptr) return noMemory();
  if (address.family() == Address::Family::none) {
    return std::make_error_code(std::errc::invalid_argument);
  }
  const int family = address.sockaddrData()->sa_family;
  const Fd fd = ::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return systemError(errno);
  detail::BoundPath path;
  if (const auto error = bindAndListen(fd, address, options, path)) {
    ::close(fd);
    return error;
  }
  auto made = makeListener(*inner, fd, options);
  if (!made) {
    path.remove();
    ::close(fd);
    return noMemory();
  }
  made->own(path);
  result.listener_ = std::move(made);
  return {};
}

std::error_code StreamServer::adopt(TransportContext& context, Fd fd, const ServerOptions& options,
                                    StreamServer& result) noexcept {
  detail::Context* const inner = detail::ContextAccess::of(context);
  if (inner == nullptr) return noMemory();
  if (const auto error = checkListening(fd)) return error;
  if (const auto error = detail::setFlags(fd)) return error;
  auto made = makeListener(*inner, fd, options);
  if (!made) return noMemory();
  result.listener_ = std::move(made);
  return {};
}

std::error_code StreamServer::accept(AcceptOperation& operation, CallbackFunc callback,
                                     void* udata) noexcept {
  if (callback == nullptr) return std::make_error_code(std::errc::invalid_argument);
  if (!listener_) return TransportError::notConnected;
  return listener_->accept(operation, {callback, udata});
}

bool StreamServer::cancel(AcceptOperation& operation) noexcept {
  return listener_ && listener_->cancel(operation);
}

void StreamServer::close() noexcept {
  if (listener_) listener_->close();
}

Fd StreamServer::fd() const noexcept { return listener_ ? listener_->fd() : -1; }

std::error_code StreamServer::localAddress(Address& result) const noexcept {
  return detail::localAddressOf(fd(), result);
}

}  // namespace kairos
