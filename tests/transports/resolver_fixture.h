// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TESTS_TRANSPORTS_RESOLVER_FIXTURE_H_
#define KAIROS_TESTS_TRANSPORTS_RESOLVER_FIXTURE_H_

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <string>
#include <string_view>
#include <vector>

#include "kairos/tests/examples/dns_server.h"
#include "kairos/tests/examples/peer_server.h"
#include "kairos/tests/transports/fixture.h"
#include "kairos/transports/resolver.h"

namespace kairos {

using Resolve = Watched<ResolveOperation>;

// A name server of the test's own, in the time of the machine, which is that of c-ares. The names
// end with a dot, so that nothing is appended to them.
class ResolverTest : public RealTimeTest {
 protected:
  static Address serverAt(std::uint16_t port) { return Address::ipv4({127, 0, 0, 1}, port); }

  // Nobody is there.
  static Address nobody() { return serverAt(BoundSocket(SOCK_DGRAM).port); }

  void make(const Address& server) {
    const ResolverOptions options{
        .servers = {&server, 1}, .tryTimeout = std::chrono::milliseconds(200), .tries = 2};
    ok(Resolver::make(context_, options, resolver_));
  }

  static void ok(std::error_code error) { EXPECT_EQ(error, std::error_code()); }

  void start(Resolve& resolve, std::string_view host, const ResolveOptions& options = {}) {
    ok(resolver_.resolve(resolve, host, 80, options, Resolve::done, &resolve));
  }

  template <class Operation>
  void finish(const Operation& operation) {
    while (operation.isPending() && !HasFailure()) poll(ChildProcess::patience);
    EXPECT_EQ(operation.completions(), 1u);
  }

  // What comes of it, as text.
  std::vector<std::string> resolve(std::string_view host, const ResolveOptions& options = {}) {
    Resolve resolve;
    start(resolve, host, options);
    finish(resolve);
    EXPECT_EQ(resolve.error, std::error_code()) << resolve.error.message();
    return textOf(resolve);
  }

  std::error_code failure(std::string_view host, const ResolveOptions& options = {}) {
    Resolve resolve;
    start(resolve, host, options);
    finish(resolve);
    EXPECT_TRUE(resolve.addresses().empty());
    return resolve.error;
  }

  static std::vector<std::string> textOf(const Resolve& resolve) {
    std::vector<std::string> texts;
    for (const Address& address : resolve.addresses()) texts.push_back(address.toString());
    return texts;
  }

  TransportContext context_{reactor_};
  DnsServer server_{{
      {"one.test", {{"192.0.2.1"}}},
      {"two.test", {{"192.0.2.2", "192.0.2.3", "192.0.2.2"}}},
      {"local.test", {{"127.0.0.1"}}},
      {"dead.test", {{"127.0.0.2", "127.0.0.1"}}},
      {"many.test", {std::vector<std::string>(30, "192.0.2.9")}},
      {"silent.test", {{"192.0.2.4"}, DnsServer::Manner::silent}},
      {"forgetful.test", {{"192.0.2.5"}, DnsServer::Manner::forgetful}},
      {"long.test", {{"192.0.2.6"}, DnsServer::Manner::truncated}},
      {"failing.test", {{"192.0.2.7"}, DnsServer::Manner::failing}},
      {"garbled.test", {{"192.0.2.7"}, DnsServer::Manner::garbled}},
      {"stranger.test", {{"192.0.2.7"}, DnsServer::Manner::stranger}},
  }};
  Resolver resolver_;
};

}  // namespace kairos

#endif  // KAIROS_TESTS_TRANSPORTS_RESOLVER_FIXTURE_H_
