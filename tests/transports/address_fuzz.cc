// SPDX-License-Identifier: MIT OR Apache-2.0
// One input is a text, or, after a zero byte, what the OS might say an address is. What is taken
// for an address can be written and read again, and survives the way through a sockaddr.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <string_view>

#include "kairos/transports/address.h"

namespace {

using kairos::Address;

void check(bool isSo, const Address& address, const char* what) {
  if (isSo) return;
  std::fprintf(stderr, "%s: %s\n", address.toString().c_str(), what);
  std::abort();
}

bool hasName(const Address& address) {
  return address.isIp() || address.family() == Address::Family::unixPath ||
         address.family() == Address::Family::unixAbstract;
}

void checkAddress(const Address& address) {
  Address again;
  const bool isRead = !Address::parse(address.toString(), again);
  check(isRead == hasName(address), address, "is read again if it has a name, and only then");
  check(!isRead || again == address, address, "is another when it is read again");
  check(!isRead || again.toString() == address.toString(), address, "is written otherwise");
  check(std::hash<Address>()(again) == std::hash<Address>()(address) || !isRead, address,
        "has another hash when it is read again");
  const auto refused = Address::fromSockaddr(address.sockaddrData(), address.sockaddrSize(), again);
  check(!refused && again == address, address, "does not survive the way through a sockaddr");
  check(address.unmapped().port() == address.port(), address, "loses its port when unmapped");
}

// At the end of its memory, so that a sanitizer sees what is read beyond.
void checkSockaddr(std::string_view bytes) {
  const std::unique_ptr<void, decltype(&std::free)> copy(std::malloc(bytes.size()), &std::free);
  std::memcpy(copy.get(), bytes.data(), bytes.size());
  Address made;
  if (!Address::fromSockaddr(static_cast<const sockaddr*>(copy.get()),
                             static_cast<socklen_t>(bytes.size()), made)) {
    checkAddress(made);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  Address parsed;
  if (!input.empty() && input.front() == '\0') {
    checkSockaddr(input.substr(1));
  } else if (!Address::parse(input, parsed)) {
    checkAddress(parsed);
  }
  return 0;
}
