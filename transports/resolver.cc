// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/transports/resolver.h"

#include <algorithm>
#include <new>
#include <utility>

#include "kairos/transports/detail/context.h"
#include "kairos/transports/detail/resolver_channel.h"
#include "kairos/transports/detail/resolver_host.h"
#include "kairos/transports/error.h"

namespace kairos {
namespace {

std::error_code invalid() { return std::make_error_code(std::errc::invalid_argument); }

bool isSensible(const ResolverOptions& options) {
  const auto isServer = [](const Address& each) { return each.isIp() && each.scope() == 0; };
  return options.tries > 0 && options.tryTimeout > Clock::duration::zero() &&
         options.servers.size() <= ResolverOptions::serversMax &&
         std::all_of(options.servers.begin(), options.servers.end(), isServer);
}

bool isSensible(const ResolveOptions& options) {
  const bool isOfIp = options.family == Address::Family::none ||
                      options.family == Address::Family::ipv4 ||
                      options.family == Address::Family::ipv6;
  return isOfIp && options.timeout > Clock::duration::zero();
}

}  // namespace

bool ResolveOperation::reserve(std::size_t count) noexcept {
  addresses_.reset(new (std::nothrow) Address[count]);
  count_ = 0;
  reserved_ = addresses_ ? count : 0;
  return addresses_ != nullptr;
}

void ResolveOperation::add(const Address& address) noexcept {
  const std::span<const Address> have = addresses();
  if (count_ == reserved_ || std::find(have.begin(), have.end(), address) != have.end()) return;
  addresses_[count_++] = address;
}

Resolver::Resolver() noexcept = default;
Resolver::~Resolver() = default;
Resolver::Resolver(Resolver&& other) noexcept = default;
Resolver& Resolver::operator=(Resolver&& other) noexcept = default;

std::error_code Resolver::make(TransportContext& context, const ResolverOptions& options,
                               Resolver& result) noexcept {
  detail::Context* const inner = detail::ContextAccess::of(context);
  if (inner == nullptr) return std::make_error_code(std::errc::not_enough_memory);
  if (!isSensible(options)) return invalid();
  if (inner->isEnding()) return TransportError::closed;
  std::unique_ptr<detail::ResolverChannel> made(new (std::nothrow)
                                                    detail::ResolverChannel(context, *inner));
  if (!made) return std::make_error_code(std::errc::not_enough_memory);
  if (const auto error = made->open(options)) return error;
  result.channel_ = std::move(made);
  return {};
}

std::error_code Resolver::resolve(ResolveOperation& operation, std::string_view host,
                                  std::uint16_t port, const ResolveOptions& options,
                                  CallbackFunc callback, void* udata) noexcept {
  detail::ResolverService service;
  service.assign(port);
  return start(operation, host, service, options, {callback, udata});
}

std::error_code Resolver::resolve(ResolveOperation& operation, std::string_view host,
                                  std::string_view service, const ResolveOptions& options,
                                  CallbackFunc callback, void* udata) noexcept {
  detail::ResolverService checked;
  if (!checked.assign(service)) return invalid();
  return start(operation, host, checked, options, {callback, udata});
}

std::error_code Resolver::start(ResolveOperation& operation, std::string_view host,
                                const detail::ResolverService& service,
                                const ResolveOptions& options, AsyncCallback callback) noexcept {
  detail::ResolverHost checked;
  if (callback.function == nullptr || !isSensible(options) || !checked.assign(host)) {
    return invalid();
  }
  if (!channel_) return TransportError::notConnected;
  if (const auto error = channel_->mayStart(operation)) return error;
  channel_->start(operation, checked, service, options, callback);
  return {};
}

bool Resolver::cancel(ResolveOperation& operation) noexcept {
  return channel_ && channel_->cancel(operation);
}

}  // namespace kairos
