// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TESTS_TRANSPORTS_RAW_NAME_SERVER_H_
#define KAIROS_TESTS_TRANSPORTS_RAW_NAME_SERVER_H_

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "kairos/tests/support/unique_fd.h"
#include "kairos/transports/address.h"

namespace kairos {

// A name server that does nothing by itself: the test takes the questions, in the thread of the
// loop, and answers what it likes (RFC 1035).
class RawNameServer {
 public:
  RawNameServer() {
    for (int tries = 0; tries < 20 && listener_.get() < 0; ++tries) bindBoth();
    EXPECT_GE(listener_.get(), 0);
  }

  Address address() const { return Address::ipv4({127, 0, 0, 1}, port_); }

  // The next one that came by UDP; empty: none has.
  std::string question() {
    std::array<char, 1024> bytes;
    socklen_t size = sizeof asker_;
    const ssize_t got = ::recvfrom(datagrams_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT,
                                   reinterpret_cast<sockaddr*>(&asker_), &size);
    return got > 0 ? std::string(bytes.data(), static_cast<std::size_t>(got)) : std::string();
  }

  // To who asked last.
  bool reply(std::string_view message) const { return replyFrom(datagrams_.get(), message); }
  // By a socket that may be somebody else's.
  bool replyFrom(int socket, std::string_view message) const {
    return ::sendto(socket, message.data(), message.size(), MSG_DONTWAIT,
                    reinterpret_cast<const sockaddr*>(&asker_), sizeof asker_) > 0;
  }

  // A connection that somebody made to ask by TCP.
  UniqueFd accept() const {
    return UniqueFd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  }
  void refuseConnections() { listener_.reset(); }

  // An address of IPv4, so many times, if that was asked for; `tooLong`: ask by TCP.
  static std::string answer(std::string_view question, int count = 1, bool tooLong = false,
                            std::string_view address = {"\xc0\0\2\1", 4}) {
    constexpr std::size_t headerBytes = 12;
    const bool isForIpv4 = question.size() > 16 && typeOf(question) == 1;
    const int answers = isForIpv4 && !tooLong ? count : 0;
    std::string message(question.substr(0, 2));
    message += std::string{'\x81', '\x80', 0, 1};
    if (tooLong) message[2] = '\x83';
    message += static_cast<char>(answers >> 8);
    message += static_cast<char>(answers);
    message.append(4, '\0');
    message += question.substr(headerBytes, endOfName(question) + 4 - headerBytes);
    for (int i = 0; i < answers; ++i) {
      message += std::string{'\xc0', 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4};
      message += address;
    }
    return message;
  }

  // As TCP has it.
  static std::string withLength(std::string_view message) {
    return std::string{static_cast<char>(message.size() >> 8), static_cast<char>(message.size())} +
           std::string(message);
  }

 private:
  static std::size_t endOfName(std::string_view question) { return question.find('\0', 12) + 1; }
  static int typeOf(std::string_view question) { return question[endOfName(question) + 1]; }

  // UDP and TCP on one number.
  void bindBoth() {
    datagrams_ = UniqueFd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    UniqueFd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof name;
    auto* const generic = reinterpret_cast<sockaddr*>(&name);
    ASSERT_EQ(::bind(datagrams_.get(), generic, size), 0);
    ASSERT_EQ(::getsockname(datagrams_.get(), generic, &size), 0);
    if (::bind(listener.get(), generic, size) != 0 || ::listen(listener.get(), 10) != 0) return;
    port_ = ntohs(name.sin_port);
    listener_ = std::move(listener);
  }

  UniqueFd datagrams_;
  UniqueFd listener_;
  std::uint16_t port_ = 0;
  sockaddr_in asker_{};
};

}  // namespace kairos

#endif  // KAIROS_TESTS_TRANSPORTS_RAW_NAME_SERVER_H_
