// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/transports/stream_server.h"

#include <unistd.h>

#include <new>

#include "kairos/transports/detail/context.h"
#include "kairos/transports/detail/fd_io.h"
#include "kairos/transports/detail/listener.h"
#include "kairos/transports/detail/listening_socket.h"
#include "kairos/transports/detail/socket_address.h"
#include "kairos/transports/error.h"

namespace kairos {
namespace {

std::error_code noMemory() { return std::make_error_code(std::errc::not_enough_memory); }

std::error_code mayMake(detail::Context* context) {
  if (context == nullptr) return noMemory();
  return context->isEnding() ? TransportError::closed : std::error_code();
}

std::unique_ptr<detail::Listener> makeListener(detail::Context& context, Fd fd,
                                               const ServerOptions& options) {
  return std::unique_ptr<detail::Listener>(new (std::nothrow)
                                               detail::Listener(context, fd, options));
}

}  // namespace

StreamServer::StreamServer() noexcept = default;
StreamServer::~StreamServer() = default;
StreamServer::StreamServer(StreamServer&& other) noexcept = default;
StreamServer& StreamServer::operator=(StreamServer&& other) noexcept = default;

std::error_code StreamServer::listen(TransportContext& context, const Address& address,
                                     const ServerOptions& options, StreamServer& result) noexcept {
  detail::Context* const inner = detail::ContextAccess::of(context);
  if (const auto error = mayMake(inner)) return error;
  Fd fd = -1;
  detail::BoundPath path;
  if (const auto error = detail::openListening(address, options, fd, path)) return error;
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

std::error_code StreamServer::listenAny(TransportContext& context, std::uint16_t port,
                                        const ServerOptions& options,
                                        StreamServer& result) noexcept {
  const auto error = listen(context, Address::ipv6({}, port), options, result);
  const bool isWithoutIpv6 =
      error == std::errc::address_family_not_supported || error == std::errc::address_not_available;
  return isWithoutIpv6 ? listen(context, Address::ipv4({}, port), options, result) : error;
}

std::error_code StreamServer::adopt(TransportContext& context, Fd fd, const ServerOptions& options,
                                    StreamServer& result) noexcept {
  detail::Context* const inner = detail::ContextAccess::of(context);
  if (const auto error = mayMake(inner)) return error;
  if (const auto error = detail::checkStreamSocket(fd, true)) return error;
  bool wasBlocking = false;
  if (const auto error = detail::setFlags(fd, wasBlocking)) return error;
  auto made = makeListener(*inner, fd, options);
  if (!made) {
    if (wasBlocking) detail::makeBlocking(fd);
    return noMemory();
  }
  result.listener_ = std::move(made);
  return {};
}

std::error_code StreamServer::accept(AcceptOperation& operation, CallbackFunc callback,
                                     void* udata) noexcept {
  if (callback == nullptr) return std::make_error_code(std::errc::invalid_argument);
  if (!listener_) return TransportError::notConnected;
  return listener_->accept(operation, {callback, udata});
}

std::error_code StreamServer::start(AcceptOperation& operation, CallbackFunc callback,
                                    void* udata) noexcept {
  if (callback == nullptr) return std::make_error_code(std::errc::invalid_argument);
  if (!listener_) return TransportError::notConnected;
  return listener_->start(operation, {callback, udata});
}

bool StreamServer::stop() noexcept { return listener_ && listener_->stop(); }

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
