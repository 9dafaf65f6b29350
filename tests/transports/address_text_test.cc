// SPDX-License-Identifier: MIT OR Apache-2.0
// Addresses as text. Bad text is refused, whatever it is, and leaves the result alone.
#include <gtest/gtest.h>

#include <sstream>
#include <string>

#include "kairos/tests/support/random_seed.h"
#include "kairos/transports/address.h"

namespace kairos {
namespace {

using Family = Address::Family;

// What parsing and writing again makes of a text; "refused" if it is refused, as it should be.
std::string canonical(std::string_view text) {
  const Address before = Address::ipv4({9, 9, 9, 9}, 9);
  Address parsed = before;
  const std::error_code error = Address::parse(text, parsed);
  if (!error) return parsed.toString();
  EXPECT_EQ(parsed, before) << text;
  return error == std::errc::invalid_argument ? "refused" : error.message();
}

// T120
TEST(AddressTextTest, ReadsAndWritesTheCanonicalForm) {
  for (const std::string_view text : {"0.0.0.0:1",
                                      "255.255.255.255:65535",
                                      "127.0.0.1:0",
                                      "[::]:1",
                                      "[::1]:80",
                                      "[1::]:80",
                                      "[2001:db8::1]:80",
                                      "[1:2:3:4:5:6:7:8]:80",
                                      "[::ffff:1.2.3.4]:80",
                                      "[1:0:0:2::]:80",
                                      "[fe80::1%1]:80",
                                      "[fe80::1%4294967295]:80",
                                      "unix:/run/x.sock",
                                      "unix:relative",
                                      "unix:/with space",
                                      "unix:\xc3\xa4",
                                      "unix:@x",
                                      "unix-abstract:",
                                      "unix-abstract:name",
                                      "unix-abstract:\\x00\\x0a\\x7f\\\\"}) {
    EXPECT_EQ(canonical(text), text);
  }
}

// T120
TEST(AddressTextTest, MakesOtherFormsCanonical) {
  struct Row {
    std::string_view text;
    std::string_view written;
  };
  for (const Row& row :
       {Row{"[FEDC:BA98:7654:3210:ABCD:EF01:2345:6789]:65535",
            "[fedc:ba98:7654:3210:abcd:ef01:2345:6789]:65535"},
        Row{"[FE80::ABCD]:80", "[fe80::abcd]:80"}, Row{"[0:0:0:0:0:0:0:1]:80", "[::1]:80"},
        Row{"[0001:0:0:0:0:0:0:0002]:80", "[1::2]:80"},
        Row{"[::FFFF:102:304]:80", "[::ffff:1.2.3.4]:80"},
        Row{"unix:\\x2frun\\x5c", "unix:/run\\\\"},
        Row{"unix-abstract:\\x0A", "unix-abstract:\\x0a"}}) {
    EXPECT_EQ(canonical(row.text), row.written) << row.text;
  }
}

// T124: every Linux has this interface, as number 1 of its network namespace.
TEST(AddressTextTest, ReadsTheNameOfAnInterface) {
  Address address;
  ASSERT_FALSE(Address::parse("[fe80::1%lo]:80", address));
  EXPECT_EQ(address.scope(), 1u);
  EXPECT_EQ(address.toString(), "[fe80::1%1]:80");
  EXPECT_EQ(Address::parse("[fe80::1%no-such-if]:80", address), std::errc::no_such_device);
  EXPECT_EQ(address.scope(), 1u);
}

// Each between bars.
constexpr std::string_view malformed =
    R"(:|:80|80|127.0.0.1|127.0.0.1:|127.0.0.1:65536|127.0.0.1:-1|127.0.0.1:+80|127.0.0.1: 80|
 127.0.0.1:80|127.0.0.1:80 |127.0.0.1:80x|127.0.0.1x:80|127.0.0.1 :80|127.0.0.1:080|127.0.0.1:00|
127.0.0.1:0x50|127.0.0.1:99999999999999999999|127.0.0.1:80:80|127.1:80|127.0.1:80|1:80|256.1.1.1:1|
1.2.3.4.5:1|1.2.3:1|01.2.3.4:1|0177.0.0.1:1|0x7f.0.0.1:1|1..2.3:1|1.2.3.:1|.1.2.3:1|localhost:80|
example.com:80|*:80|::1:80|::1|fe80::1%lo:80|[|]|[]|[]:1|[::1|[::1]|[::1]:|[::1]80|[::1]:65536|
[::1]:-1|[::1]]:80|[[::1]]:80|[::1]:80]|[127.0.0.1]:80|[:::]:80|[::1::]:80|[1:2:3:4:5:6:7]:80|
[1:2:3:4:5:6:7:8:9]:80|[12345::]:80|[g::]:80|[::1 ]:80|[fe80::1%]:80|[fe80::1%0]:80|
[fe80::1%01]:80|[fe80::1%4294967296]:80|[fe80::1%-1]:80:|[fe80::1%interface-name-too-long]:80|
[%1]:80|[::1.2.3]:80|[::1.2.3.256]:80|[::1.2.3.04]:80|unix:|unix|UNIX:/x|unix:\|unix:\x|unix:\x1|
unix:\xg0|unix:\n|unix:a\x00b|unix-abstract|unix-abstract:\|unix-abstract:\x-1|unix-abstract:\x+1|
none)";

// T120, T121
TEST(AddressTextTest, RefusesWhatMerelyResemblesAnAddress) {
  std::istringstream rows{std::string(malformed)};
  std::size_t count = 0;
  for (std::string row; std::getline(rows, row);) {
    std::istringstream texts(row);
    for (std::string text; std::getline(texts, text, '|'); ++count) {
      EXPECT_EQ(canonical(text), "refused") << text;
    }
  }
  EXPECT_EQ(count, 82u);
  for (const std::string_view text : {"", "unix:a\nb", "unix:\x7f"}) {
    EXPECT_EQ(canonical(text), "refused") << text;
  }
}

// T121
TEST(AddressTextTest, RefusesZeroBytes) {
  for (const char* whole :
       {"127.0.0.1:80", "[::1]:80", "[fe80::1%lo]:80", "unix:/x", "unix-abstract:x"}) {
    const std::string text = whole;
    for (std::size_t i = 0; i <= text.size(); ++i) {
      std::string damaged = text;
      damaged.insert(i, 1, '\0');
      EXPECT_EQ(canonical(damaged), "refused") << text << " at " << i;
    }
  }
}

// T121
TEST(AddressTextTest, RefusesVeryLongText) {
  constexpr std::size_t mebibyte = 1048576;
  for (const std::string begin : {"", "1", "[", "[::", "[fe80::1%", "127.0.0.1:", "[::1]:"}) {
    for (const char fill : {'0', '1', ':', '.', ']', '[', '%', 'x', '\0', '\\'}) {
      EXPECT_EQ(canonical(begin + std::string(mebibyte, fill)), "refused") << begin << fill;
    }
  }
  Address address;
  const std::string longName(mebibyte, 'x');
  EXPECT_EQ(Address::parse("unix:" + longName, address), std::errc::filename_too_long);
  EXPECT_EQ(Address::parse("unix-abstract:" + longName, address), std::errc::filename_too_long);
  EXPECT_EQ(Address::parse("unix:" + std::string(109, 'x'), address), std::errc::filename_too_long);
  EXPECT_FALSE(Address::parse("unix:" + std::string(108, 'x'), address));
}

TEST(AddressTextTest, WritesWhatHasNoName) {
  EXPECT_EQ(Address().toString(), "none");
  EXPECT_EQ(Address::unixUnnamed().toString(), "unix:");
}

Address randomIpv4(Random& random) {
  Address::Ipv4Bytes bytes;
  for (auto& each : bytes) each = static_cast<std::uint8_t>(random.below(256));
  return Address::ipv4(bytes, static_cast<std::uint16_t>(random.below(65536)));
}

// Often with zeros, which are written short, and with a scope.
Address randomIpv6(Random& random) {
  Address::Ipv6Bytes bytes{};
  for (auto& each : bytes) {
    if (random.oneIn(2)) each = static_cast<std::uint8_t>(random.below(256));
  }
  const auto scope = static_cast<std::uint32_t>(random.below(std::size_t{1} << 32));
  return Address::ipv6(bytes, static_cast<std::uint16_t>(random.below(65536)),
                       random.oneIn(2) ? scope : 0);
}

Address randomPath(Random& random) {
  std::string name(1 + random.below(Address::unixPathBytesMax), '\0');
  for (char& each : name) each = static_cast<char>(1 + random.below(255));
  Address made;
  EXPECT_FALSE(Address::unixPath(name, made));
  return made;
}

Address randomAbstract(Random& random) {
  std::string name(random.below(Address::abstractNameBytesMax + 1), '\0');
  for (char& each : name) each = static_cast<char>(random.below(256));
  Address made;
  EXPECT_FALSE(Address::unixAbstract(name, made));
  return made;
}

// T124
TEST(AddressTextTest, ReadsBackWhatItWrote) {
  Random random;
  for (const auto make : {randomIpv4, randomIpv6, randomPath, randomAbstract}) {
    for (int i = 0; i < 100'000; ++i) {
      const Address address = make(random);
      Address back;
      ASSERT_FALSE(Address::parse(address.toString(), back)) << address.toString();
      ASSERT_EQ(back, address) << address.toString();
    }
  }
}

// T121: no more than a crash, a sanitizer report or a changed result would tell; and what is
// accepted can be written and read again.
TEST(AddressTextTest, IsTotal) {
  constexpr std::string_view pieces[] = {
      "[",   "]",  "::", ":", "%",  "lo",   "1", "255",   ".", "80",  "f",  "ffff:",
      "\\x", "\\", "0",  "-", "1.", "unix", "",  "unix:", "@", "[::", "]:", "1.2.3.4"};
  Random random;
  std::size_t accepted = 0;
  for (int i = 0; i < 1000000; ++i) {
    std::string text;
    for (std::size_t left = random.below(9); left > 0; --left) {
      text += pieces[random.below(std::size(pieces))];
      if (random.oneIn(20)) text += static_cast<char>(random.below(256));
    }
    Address parsed;
    if (Address::parse(text, parsed)) {
      ASSERT_EQ(parsed.family(), Family::none) << text;
      continue;
    }
    ++accepted;
    Address again;
    ASSERT_FALSE(Address::parse(parsed.toString(), again)) << text;
    ASSERT_EQ(again, parsed) << text;
  }
  EXPECT_GT(accepted, 1000u);
}

}  // namespace
}  // namespace kairos
