// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TRANSPORTS_RESOLVER_H_
#define KAIROS_TRANSPORTS_RESOLVER_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <system_error>

#include "kairos/reactor/reactor.h"
#include "kairos/transports/address.h"
#include "kairos/transports/operation.h"
#include "kairos/transports/resolve_error.h"
#include "kairos/transports/transport_context.h"

namespace kairos {

namespace detail {
class ResolverChannel;
struct ResolverAccess;
struct ResolverQuery;
class ResolverService;
}  // namespace detail

struct ResolverOptions {
  static constexpr std::size_t serversMax = 8;

  // Name servers, port 0 being 53; none: those that the system is set up with (resolv.conf(5)).
  std::span<const Address> servers = {};
  // How long to wait for an answer to a question; longer in each further round.
  Clock::duration tryTimeout = std::chrono::seconds(2);
  int tries = 3;  // for each server
};

struct ResolveOptions {
  Address::Family family = Address::Family::none;      // none: ipv4 and ipv6
  Clock::duration timeout = std::chrono::seconds(15);  // of the operation in all
};

struct ResolveOperation : detail::Operation {
  static constexpr std::size_t addressesMax = 64;  // those beyond are left out

  ResolveOperation() = default;
  ~ResolveOperation() { abandon(); }

  // At least one, none twice, in the order in which to try them (RFC 6724); none if there is an
  // error. The operation's, until its next use.
  std::span<const Address> addresses() const noexcept { return {addresses_.get(), count_}; }

 private:
  friend class detail::ResolverChannel;

  bool reserve(std::size_t count) noexcept;
  void add(const Address& address) noexcept;

  std::unique_ptr<Address[]> addresses_;
  std::size_t count_ = 0;
  std::size_t reserved_ = 0;
  detail::ResolverQuery* query_ = nullptr;  // under way
};

// Finds the addresses of a host: in digits, by /etc/hosts, or from a name server; localhost, and
// what ends so, is this machine (RFC 6761). The work is done by c-ares, in the loop.
//
//   Thread      that of the context's reactor
//   Ownership   A handle: moved, not copied. Borrows operations until their callback begins, host
//               and service only during the call. What is pending when it is destroyed ends with
//               TransportError::closed.
//   Errors      from calls: invalid_argument (a null callback, a host that cannot be one, ...),
//               TransportError::busy, ::notConnected (an empty handle), ::closed (the context has
//               ended), not_enough_memory. In the operation: those of resolve_error.h;
//               TransportError::closed; what the OS says to a socket.
//   Callbacks   see operation.h
//   Cost        The system's files are read by make(), /etc/hosts by each call for a name, and
//               services(5) by each with the name of one; nothing is kept from one call to the
//               next. Numbers cost an allocation and no system call. No descriptor and no timer is
//               left while nothing is pending.
class Resolver {
 public:
  // Empty: to be assigned to.
  Resolver() noexcept;
  ~Resolver();
  Resolver(Resolver&& other) noexcept;
  Resolver& operator=(Resolver&& other) noexcept;

  [[nodiscard]] static std::error_code make(TransportContext& context,
                                            const ResolverOptions& options,
                                            Resolver& result) noexcept;

  // The addresses of `host` with `port`, or with that of `service`: a number, or a name that
  // services(5) has for TCP. A host that ends in a number must be an address, so that no mistyped
  // one is asked for.
  [[nodiscard]] std::error_code resolve(ResolveOperation& operation, std::string_view host,
                                        std::uint16_t port, const ResolveOptions& options,
                                        CallbackFunc callback, void* udata) noexcept;
  [[nodiscard]] std::error_code resolve(ResolveOperation& operation, std::string_view host,
                                        std::string_view service, const ResolveOptions& options,
                                        CallbackFunc callback, void* udata) noexcept;

  // Ends it with operation_canceled; its callback runs as usual. False: it is not pending here, or
  // is done. The question is no longer waited for, and forgotten when no other is under way.
  bool cancel(ResolveOperation& operation) noexcept;

 private:
  friend struct detail::ResolverAccess;

  std::error_code start(ResolveOperation& operation, std::string_view host,
                        const detail::ResolverService& service, const ResolveOptions& options,
                        AsyncCallback callback) noexcept;

  std::unique_ptr<detail::ResolverChannel> channel_;
};

}  // namespace kairos

#endif  // KAIROS_TRANSPORTS_RESOLVER_H_
