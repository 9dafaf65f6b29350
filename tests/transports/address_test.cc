// SPDX-License-Identifier: MIT OR Apache-2.0
// Addresses as values: made, compared, taken from the OS and given to it.
#include "kairos/transports/address.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>

#include <cstring>
#include <unordered_set>
#include <vector>

#include "kairos/tests/support/descriptors.h"
#include "kairos/tests/support/random_seed.h"

namespace kairos {
namespace {

using Family = Address::Family;

Address path(std::string_view name) {
  Address made;
  EXPECT_EQ(Address::unixPath(name, made), std::error_code());
  return made;
}

Address abstractName(std::string_view name) {
  Address made;
  EXPECT_EQ(Address::unixAbstract(name, made), std::error_code());
  return made;
}

Address converted(const Address& from) {
  Address to;
  EXPECT_EQ(Address::fromSockaddr(from.sockaddrData(), from.sockaddrSize(), to), std::error_code());
  return to;
}

constexpr Address::Ipv6Bytes linkLocal = {0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};

TEST(AddressTest, IsOfNoFamilyUntilItIsGivenOne) {
  const Address none;
  EXPECT_EQ(none.family(), Family::none);
  EXPECT_EQ(none.sockaddrSize(), 0u);
  EXPECT_EQ(none.port(), 0);
  EXPECT_EQ(none.unixName(), "");
  EXPECT_FALSE(none.isUnix());
}

TEST(AddressTest, HoldsWhatTheOsExpects) {
  const Address address = Address::ipv4({1, 2, 3, 4}, 0x1234);
  sockaddr_in in{};
  ASSERT_EQ(address.sockaddrSize(), sizeof in);
  std::memcpy(&in, address.sockaddrData(), sizeof in);
  EXPECT_EQ(in.sin_family, AF_INET);
  EXPECT_EQ(in.sin_port, htons(0x1234));
  EXPECT_EQ(in.sin_addr.s_addr, htonl(0x01020304));
}

// T128
TEST(AddressTest, SurvivesTheWayThroughASockaddr) {
  for (const Address& address :
       {Address::ipv4({127, 0, 0, 1}, 65535), Address::ipv6(linkLocal, 80, 7), path("/run/x"),
        path("r"), abstractName("name"), abstractName(""), Address::unixUnnamed()}) {
    const Address back = converted(address);
    EXPECT_EQ(back, address);
    EXPECT_EQ(back.family(), address.family());
    EXPECT_EQ(back.port(), address.port());
    EXPECT_EQ(back.scope(), address.scope());
    EXPECT_EQ(back.unixName(), address.unixName());
    EXPECT_EQ(back.sockaddrSize(), address.sockaddrSize());
  }
}

// T128
TEST(AddressTest, RefusesASockaddrThatIsTooShortOrOfAForeignFamily) {
  const Address before = Address::ipv4({1, 2, 3, 4}, 5);
  Address result = before;
  sockaddr_storage storage{};
  const auto* generic = reinterpret_cast<const sockaddr*>(&storage);
  const auto take = [&](sa_family_t family, socklen_t size) {
    storage.ss_family = family;
    return Address::fromSockaddr(generic, size, result);
  };
  EXPECT_EQ(take(AF_INET, 0), std::errc::invalid_argument);
  EXPECT_EQ(take(AF_INET, 1), std::errc::invalid_argument);
  EXPECT_EQ(take(AF_INET, sizeof(sockaddr_in) - 1), std::errc::invalid_argument);
  EXPECT_EQ(take(AF_INET6, sizeof(sockaddr_in6) - 1), std::errc::invalid_argument);
  EXPECT_EQ(take(AF_PACKET, sizeof storage), std::errc::address_family_not_supported);
  EXPECT_EQ(Address::fromSockaddr(nullptr, 16, result), std::errc::invalid_argument);
  EXPECT_EQ(result, before);
}

// T128
TEST(AddressTest, TakesAUnixSockaddrOfEveryLength) {
  sockaddr_storage storage{};
  storage.ss_family = AF_UNIX;
  auto* bytes = reinterpret_cast<char*>(&storage) + sizeof storage.ss_family;
  std::memset(bytes, 'x', sizeof storage - sizeof storage.ss_family);
  for (socklen_t length = 1; length <= 120; ++length) {
    Address result;
    const std::error_code error = Address::fromSockaddr(reinterpret_cast<sockaddr*>(&storage),
                                                        length + sizeof storage.ss_family, result);
    if (length <= Address::unixPathBytesMax) {
      ASSERT_FALSE(error) << length;
      ASSERT_EQ(result.unixName(), std::string(length, 'x'));
    } else {
      ASSERT_EQ(error, std::errc::filename_too_long) << length;
    }
  }
}

// T122
TEST(AddressTest, NeverCutsAPath) {
  Address result = Address::unixUnnamed();
  EXPECT_EQ(path(std::string(107, 'p')).unixName().size(), 107u);
  EXPECT_EQ(path(std::string(107, 'p')).sockaddrSize(), sizeof(sockaddr_un));
  EXPECT_EQ(path(std::string(108, 'p')).unixName().size(), 108u);
  EXPECT_EQ(path(std::string(108, 'p')).sockaddrSize(), sizeof(sockaddr_un));
  EXPECT_EQ(Address::unixPath(std::string(109, 'p'), result), std::errc::filename_too_long);
  EXPECT_EQ(Address::unixPath(std::string(200, 'p'), result), std::errc::filename_too_long);
  EXPECT_EQ(abstractName(std::string(107, 'p')).unixName().size(), 107u);
  EXPECT_EQ(Address::unixAbstract(std::string(108, 'p'), result), std::errc::filename_too_long);
  EXPECT_EQ(result, Address::unixUnnamed());
}

TEST(AddressTest, RefusesAPathThatIsNone) {
  Address result;
  EXPECT_EQ(Address::unixPath("", result), std::errc::invalid_argument);
  EXPECT_EQ(Address::unixPath(std::string_view("a\0b", 3), result), std::errc::invalid_argument);
  EXPECT_EQ(result, Address());
}

// T123
TEST(AddressTest, KeepsZeroBytesInAbstractNames) {
  const std::string_view name("\0a\0\0b\0", 6);
  const Address address = abstractName(name);
  EXPECT_EQ(address.family(), Family::unixAbstract);
  EXPECT_EQ(address.unixName(), name);
  EXPECT_EQ(converted(address).unixName(), name);
  EXPECT_NE(address, abstractName(name.substr(0, 5)));
}

// T122, T123
TEST(AddressTest, BindsAsTheSameNameThatTheOsReports) {
  const std::string directory = testing::TempDir() + "k-" + std::to_string(::getpid());
  const std::vector<Address> addresses = {
      abstractName(std::string_view("\0kairos\0", 8)), Address::ipv4({127, 0, 0, 1}, 0),
      directory.size() < 108 ? path(directory) : abstractName(directory.substr(0, 107))};
  for (const Address& address : addresses) {
    const UniqueFd socket(
        ::socket(address.sockaddrData()->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    ASSERT_EQ(::bind(socket.get(), address.sockaddrData(), address.sockaddrSize()), 0)
        << address.toString();
    sockaddr_storage storage{};
    socklen_t size = sizeof storage;
    auto* generic = reinterpret_cast<sockaddr*>(&storage);
    ASSERT_EQ(::getsockname(socket.get(), generic, &size), 0);
    Address bound;
    ASSERT_FALSE(Address::fromSockaddr(generic, size, bound));
    EXPECT_EQ(bound.withPort(0), address);
  }
  ::unlink(directory.c_str());
}

// T125
TEST(AddressTest, ComparesAddressScopePortAndName) {
  const std::vector<Address> ascending = {Address(),
                                          Address::ipv4({1, 2, 3, 4}, 1),
                                          Address::ipv4({1, 2, 3, 4}, 256),
                                          Address::ipv4({1, 2, 3, 5}, 0),
                                          Address::ipv6({}, 0),
                                          Address::ipv6(linkLocal, 9, 1),
                                          Address::ipv6(linkLocal, 1, 2),
                                          path("a"),
                                          path("aa"),
                                          path("b"),
                                          abstractName(""),
                                          abstractName("a"),
                                          abstractName(std::string_view("a\0", 2)),
                                          Address::unixUnnamed()};
  for (std::size_t i = 0; i < ascending.size(); ++i) {
    for (std::size_t j = 0; j < ascending.size(); ++j) {
      EXPECT_EQ(ascending[i] == ascending[j], i == j) << i << " " << j;
      EXPECT_EQ(ascending[i] < ascending[j], i < j) << i << " " << j;
    }
  }
  const std::unordered_set<Address> set(ascending.begin(), ascending.end());
  EXPECT_EQ(set.size(), ascending.size());
}

// T124, T125
TEST(AddressTest, KeepsTheFlowLabelAndDoesNotCompareIt) {
  sockaddr_in6 in{};
  in.sin6_family = AF_INET6;
  in.sin6_flowinfo = htonl(0x12345);
  Address labelled;
  ASSERT_FALSE(Address::fromSockaddr(reinterpret_cast<sockaddr*>(&in), sizeof in, labelled));
  EXPECT_EQ(labelled, Address::ipv6({}, 0));
  EXPECT_EQ(std::hash<Address>()(labelled), std::hash<Address>()(Address::ipv6({}, 0)));
  std::memcpy(&in, labelled.sockaddrData(), sizeof in);
  EXPECT_EQ(in.sin6_flowinfo, htonl(0x12345));
}

// T125: what pads a structure is no part of the address.
TEST(AddressTest, DoesNotCompareWhatPadsAStructure) {
  sockaddr_in in{};
  std::memset(&in, 0xff, sizeof in);
  in.sin_family = AF_INET;
  in.sin_port = htons(1);
  in.sin_addr.s_addr = htonl(0x01020304);
  Address padded;
  ASSERT_FALSE(Address::fromSockaddr(reinterpret_cast<sockaddr*>(&in), sizeof in, padded));
  EXPECT_EQ(padded, Address::ipv4({1, 2, 3, 4}, 1));
  EXPECT_EQ(std::hash<Address>()(padded), std::hash<Address>()(Address::ipv4({1, 2, 3, 4}, 1)));
}

// T125: equal addresses have equal hashes, and different ones hardly ever.
TEST(AddressTest, HashesAllThatItCompares) {
  Random random;
  std::unordered_set<std::size_t> hashes;
  for (int i = 0; i < 10000; ++i) {
    Address::Ipv6Bytes bytes{};
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random.below(256));
    const Address address = Address::ipv6(bytes, static_cast<std::uint16_t>(random.below(65536)),
                                          static_cast<std::uint32_t>(random.below(1000)));
    const std::size_t hash = std::hash<Address>()(address);
    EXPECT_EQ(hash, std::hash<Address>()(converted(address)));
    hashes.insert(hash);
  }
  EXPECT_GE(hashes.size(), 9999u);
}

TEST(AddressTest, ChangesThePortWhereThereIsOne) {
  EXPECT_EQ(Address::ipv4({1, 2, 3, 4}, 5).withPort(6), Address::ipv4({1, 2, 3, 4}, 6));
  EXPECT_EQ(Address::ipv6(linkLocal, 5, 3).withPort(6), Address::ipv6(linkLocal, 6, 3));
  EXPECT_EQ(path("a").withPort(6), path("a"));
  EXPECT_EQ(Address().withPort(6), Address());
}

// T79
TEST(AddressTest, UnmapsIpv4InIpv6AndNothingElse) {
  Address mapped;
  ASSERT_FALSE(Address::parse("[::ffff:1.2.3.4]:80", mapped));
  EXPECT_TRUE(mapped.isIpv6());
  EXPECT_EQ(mapped.unmapped(), Address::ipv4({1, 2, 3, 4}, 80));
  for (const Address& other :
       {Address::ipv6(linkLocal, 1, 2), Address::ipv4({1, 2, 3, 4}, 5), path("a"), Address()}) {
    EXPECT_EQ(other.unmapped(), other);
  }
}

}  // namespace
}  // namespace kairos
