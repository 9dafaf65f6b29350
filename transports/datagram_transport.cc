// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/transports/datagram_transport.h"

#include <unistd.h>

#include <limits>
#include <utility>

#include "kairos/transports/detail/context.h"
#include "kairos/transports/detail/datagram_open.h"
#include "kairos/transports/detail/datagram_socket.h"
#include "kairos/transports/detail/fd_io.h"
#include "kairos/transports/detail/socket_address.h"

namespace kairos {
namespace {

using detail::BoundPath;
using detail::DatagramEnd;
using detail::DatagramSocket;

std::error_code invalid() { return std::make_error_code(std::errc::invalid_argument); }
std::error_code noMemory() { return std::make_error_code(std::errc::not_enough_memory); }

static_assert(DatagramTransport::datagramBytesMax <= detail::DatagramBatch::payloadBytes);

std::error_code mayMake(TransportContext& context, const DatagramOptions& options) {
  detail::Context* const inner = detail::ContextAccess::of(context);
  if (inner == nullptr) return noMemory();
  if (inner->isEnding()) return TransportError::closed;
  const bool isSensible =
      options.bytesMax > 0 && options.bytesMax <= DatagramTransport::datagramBytesMax;
  return isSensible ? std::error_code() : invalid();
}

// Takes over what was opened.
std::error_code open(TransportContext& context, const Address& remote,
                     const DatagramOptions& options, std::unique_ptr<DatagramSocket>& result) {
  DatagramEnd end;
  BoundPath path;
  if (const auto error = mayMake(context, options)) return error;
  if (const auto error = detail::openDatagram(remote, options, end, path)) return error;
  auto made =
      DatagramSocket::make(*detail::ContextAccess::of(context), end, options.bytesMax, path);
  if (!made) {
    path.remove();
    ::close(end.fd);
    return noMemory();
  }
  result = std::move(made);
  return {};
}

}  // namespace

DatagramTransport::DatagramTransport() noexcept = default;
DatagramTransport::~DatagramTransport() = default;
DatagramTransport::DatagramTransport(DatagramTransport&& other) noexcept = default;
DatagramTransport& DatagramTransport::operator=(DatagramTransport&& other) noexcept = default;

std::error_code DatagramTransport::bind(TransportContext& context, const Address& local,
                                        const DatagramOptions& options,
                                        DatagramTransport& result) noexcept {
  DatagramOptions bound = options;
  bound.local = local;
  return open(context, Address(), bound, result.socket_);
}

std::error_code DatagramTransport::connect(TransportContext& context, const Address& remote,
                                           const DatagramOptions& options,
                                           DatagramTransport& result) noexcept {
  if (remote.family() == Address::Family::none) return invalid();
  return open(context, remote, options, result.socket_);
}

std::error_code DatagramTransport::adopt(TransportContext& context, Fd fd,
                                         const DatagramOptions& options,
                                         DatagramTransport& result) noexcept {
  DatagramEnd end;
  if (const auto error = mayMake(context, options)) return error;
  if (const auto error = detail::inspectDatagram(fd, end)) return error;
  bool wasBlocking = false;
  if (const auto error = detail::setFlags(fd, wasBlocking)) return error;
  detail::Context& inner = *detail::ContextAccess::of(context);
  auto made = DatagramSocket::make(inner, end, options.bytesMax, BoundPath());
  if (!made) {
    if (wasBlocking) detail::makeBlocking(fd);
    return noMemory();
  }
  result.socket_ = std::move(made);
  return {};
}

// ---- Receiving

std::error_code DatagramTransport::startReceive(ReceiveOperation& operation, std::size_t wanted,
                                                AsyncCallback callback) noexcept {
  if (callback.function == nullptr) return invalid();
  if (!socket_) return TransportError::notConnected;
  return socket_->receive(operation, wanted, callback);
}

std::error_code DatagramTransport::receive(ReceiveOperation& operation, CallbackFunc callback,
                                           void* udata) noexcept {
  return startReceive(operation, detail::DatagramBatch::datagramsMax, {callback, udata});
}

std::error_code DatagramTransport::receiveOne(ReceiveOperation& operation, CallbackFunc callback,
                                              void* udata) noexcept {
  return startReceive(operation, 1, {callback, udata});
}

// ---- Sending

std::error_code DatagramTransport::maySend(const SendOperation& operation,
                                           CallbackFunc callback) const noexcept {
  if (callback == nullptr) return invalid();
  return socket_ ? socket_->mayStart(operation) : TransportError::notConnected;
}

std::error_code DatagramTransport::send(SendOperation& operation,
                                        std::span<const Datagram> datagrams, CallbackFunc callback,
                                        void* udata) noexcept {
  if (const auto error = maySend(operation, callback)) return error;
  operation.datagrams_ = datagrams;
  socket_->send(operation, {callback, udata});
  return {};
}

std::error_code DatagramTransport::send(SendOperation& operation, std::string_view bytes,
                                        CallbackFunc callback, void* udata) noexcept {
  return sendTo(operation, Address(), bytes, callback, udata);
}

std::error_code DatagramTransport::sendTo(SendOperation& operation, const Address& peer,
                                          std::string_view bytes, CallbackFunc callback,
                                          void* udata) noexcept {
  if (const auto error = maySend(operation, callback)) return error;
  operation.single_ = {.data = bytes, .peer = peer};
  operation.datagrams_ = {&operation.single_, 1};
  socket_->send(operation, {callback, udata});
  return {};
}

// ---- State

bool DatagramTransport::cancel(ReceiveOperation& operation) noexcept {
  return socket_ && socket_->cancel(operation);
}

bool DatagramTransport::cancel(SendOperation& operation) noexcept {
  return socket_ && socket_->cancel(operation);
}

void DatagramTransport::close() noexcept {
  if (socket_) socket_->close();
}

Fd DatagramTransport::fd() const noexcept { return socket_ ? socket_->fd() : -1; }

std::error_code DatagramTransport::localAddress(Address& result) const noexcept {
  return detail::localAddressOf(fd(), result);
}

std::error_code DatagramTransport::remoteAddress(Address& result) const noexcept {
  return detail::remoteAddressOf(fd(), result);
}

}  // namespace kairos
