// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TESTS_TRANSPORTS_HOLE_H_
#define KAIROS_TESTS_TRANSPORTS_HOLE_H_

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include "kairos/tests/support/unique_fd.h"
#include "kairos/transports/address.h"

namespace kairos {

// A server whose backlog is full: who connects gets no answer, neither yes nor no.
class Hole {
 public:
  explicit Hole(const Address& address) {
    const int family = address.sockaddrData()->sa_family;
    listener_ = UniqueFd(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(::bind(listener_.get(), address.sockaddrData(), address.sockaddrSize()), 0);
    EXPECT_EQ(::listen(listener_.get(), 0), 0);
    sockaddr_storage storage;
    socklen_t size = sizeof storage;
    auto* const bound = reinterpret_cast<sockaddr*>(&storage);
    EXPECT_EQ(::getsockname(listener_.get(), bound, &size), 0);
    EXPECT_EQ(Address::fromSockaddr(bound, size, address_), std::error_code());
    filling_ = UniqueFd(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(::connect(filling_.get(), bound, size), 0);
    pollfd isFull{listener_.get(), POLLIN, 0};
    EXPECT_EQ(::poll(&isFull, 1, 30'000), 1);
  }

  const Address& address() const { return address_; }

  // Then a unix name is refused.
  void close() { listener_.reset(); }

 private:
  UniqueFd listener_;
  UniqueFd filling_;
  Address address_;
};

}  // namespace kairos

#endif  // KAIROS_TESTS_TRANSPORTS_HOLE_H_
