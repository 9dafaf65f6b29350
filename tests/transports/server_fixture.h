// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TESTS_TRANSPORTS_SERVER_FIXTURE_H_
#define KAIROS_TESTS_TRANSPORTS_SERVER_FIXTURE_H_

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <random>
#include <string>

#include "kairos/tests/transports/fixture.h"
#include "kairos/transports/connect.h"
#include "kairos/transports/stream_server.h"

namespace kairos {

using Accept = Watched<AcceptOperation>;
using Connect = Watched<ConnectOperation>;

inline Address parseAddress(std::string_view text) {
  Address address;
  EXPECT_EQ(Address::parse(text, address), std::error_code()) << text;
  return address;
}

inline Address loopback() { return Address::ipv4({127, 0, 0, 1}, 0); }

// A name that no other test uses, nor another run of this one: processes in sandboxes of their own
// may have the same number.
inline std::string uniqueName(std::string_view name) {
  static const unsigned run = std::random_device()();
  return "kairos-" + std::to_string(run) + "-" + std::string(name);
}

// Short enough for a socket.
inline std::string socketPath(std::string_view name) { return "/tmp/" + uniqueName(name); }

inline Address pathAddress(const std::string& path) {
  Address address;
  EXPECT_EQ(Address::unixPath(path, address), std::error_code());
  return address;
}

inline Address abstractAddress(std::string_view name) {
  Address address;
  EXPECT_EQ(Address::unixAbstract(uniqueName(name), address), std::error_code());
  return address;
}

// While it lives, the process can open no more than `spare` descriptors, unless one of a low number
// is closed.
class DescriptorLimit {
 public:
  explicit DescriptorLimit(rlim_t spare = 0) {
    EXPECT_EQ(::getrlimit(RLIMIT_NOFILE, &before_), 0);
    rlimit limit = before_;
    limit.rlim_cur = static_cast<rlim_t>(unusedFd()) + spare;
    EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
  }
  ~DescriptorLimit() { EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &before_), 0); }
  DescriptorLimit(const DescriptorLimit&) = delete;
  DescriptorLimit& operator=(const DescriptorLimit&) = delete;

 private:
  rlimit before_{};
};

inline constexpr char noDescriptorsForSanitizer[] =
    "UBSan needs a descriptor itself, valgrind gives none back; see stream_fault_test";

class ServerTest : public StreamTest {
 protected:
  void listen(const Address& address, const ServerOptions& options = {}) {
    ok(StreamServer::listen(context_, address, options, server_));
    ok(server_.localAddress(address_));
  }
  void accept(Accept& accept) { ok(server_.accept(accept, Accept::done, &accept)); }
  void dial(Connect& connect, const ConnectOptions& options = {}) {
    dial(connect, address_, options);
  }
  void dial(Connect& connect, const Address& address, const ConnectOptions& options = {}) {
    ok(kairos::connect(context_, connect, address, options, Connect::done, &connect));
  }

  StreamServer server_;
  Address address_;
};

}  // namespace kairos

#endif  // KAIROS_TESTS_TRANSPORTS_SERVER_FIXTURE_H_
