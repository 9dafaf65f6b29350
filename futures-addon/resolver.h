// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_FUTURES_ADDON_RESOLVER_H_
#define KAIROS_FUTURES_ADDON_RESOLVER_H_

#include <cstdint>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "kairos/futures-addon/detail/transport_awaiter.h"
#include "kairos/futures-addon/transport_call.h"
#include "kairos/transports/dial.h"
#include "kairos/transports/resolver.h"

namespace kairos {

namespace detail {

// Port is a number, or the name of a service.
template <class Port>
struct ResolveCall : BasicCall {
  using Target = Resolver;
  using Operation = ResolveOperation;

  std::error_code start(Resolver& resolver, ResolveOperation& operation,
                        AsyncCallback done) const noexcept {
    return resolver.resolve(operation, host, port, options, done.function, done.udata);
  }
  static std::vector<Address> result(const ResolveOperation& operation) {
    return {operation.addresses().begin(), operation.addresses().end()};
  }

  std::string_view host;
  Port port;
  ResolveOptions options;
};

struct DialCall : BasicCall {
  using Target = Resolver;
  using Operation = DialOperation;

  std::error_code start(Resolver& resolver, DialOperation& operation,
                        AsyncCallback done) const noexcept {
    return dial(resolver, operation, host, service, options, done.function, done.udata);
  }
  static bool cancel(Resolver&, DialOperation& operation) noexcept {
    return kairos::cancel(operation);
  }
  static StreamTransport result(DialOperation& operation) noexcept {
    return std::move(operation.stream);
  }

  std::string_view host;
  std::string_view service;
  DialOptions options;
};

}  // namespace detail

// What a Resolver does, for coroutines: see transports/resolver.h and transports/dial.h for the
// errors, and transport_call.h for what these have in common. What is given as a view is used only
// until co_await has begun.

// Gives a std::vector<Address>.
inline auto resolve(Resolver& resolver, std::string_view host, std::uint16_t port,
                    const ResolveOptions& options = {}) noexcept {
  return TransportCall(resolver, detail::ResolveCall<std::uint16_t>{{}, host, port, options});
}
inline auto resolve(Resolver& resolver, std::string_view host, std::string_view service,
                    const ResolveOptions& options = {}) noexcept {
  return TransportCall(resolver, detail::ResolveCall<std::string_view>{{}, host, service, options});
}

// Gives a StreamTransport.
inline auto dial(Resolver& resolver, std::string_view host, std::string_view service,
                 const DialOptions& options = {}) noexcept {
  return TransportCall(resolver, detail::DialCall{{}, host, service, options});
}

}  // namespace kairos

#endif  // KAIROS_FUTURES_ADDON_RESOLVER_H_
