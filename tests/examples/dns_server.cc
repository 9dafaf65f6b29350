// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/tests/examples/dns_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cctype>
#include <optional>
#include <system_error>
#include <utility>

#include "kairos/tests/examples/peer_server.h"

namespace kairos {
namespace {

constexpr std::size_t headerBytes = 12;
constexpr int typeA = 1;
constexpr int attemptsToShareAPort = 20;

enum ResponseCode { noError = 0, serverFailure = 2, nameError = 3 };

struct Question {
  std::string name;  // in lower case, without the dot at the end
  int type = 0;
  std::size_t end = 0;  // where it ends in the message
};

void append16(std::string& message, int value) {
  message += static_cast<char>(value >> 8);
  message += static_cast<char>(value & 0xff);
}

int read16(std::string_view message, std::size_t at) {
  return static_cast<unsigned char>(message[at]) << 8 | static_cast<unsigned char>(message[at + 1]);
}

std::optional<Question> parseQuestion(std::string_view message) {
  Question question;
  std::size_t at = headerBytes;
  while (at < message.size() && message[at] != 0) {
    const auto length = static_cast<std::size_t>(static_cast<unsigned char>(message[at]));
    if (at + length + 1 >= message.size()) return std::nullopt;
    if (!question.name.empty()) question.name += '.';
    for (const char letter : message.substr(at + 1, length)) {
      question.name += static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
    }
    at += length + 1;
  }
  if (at + 5 > message.size()) return std::nullopt;
  question.type = read16(message, at + 1);
  question.end = at + 5;
  return question;
}

std::string makeAnswer(std::string_view message, const Question& question, ResponseCode code,
                       bool truncated, const std::vector<std::string>& addresses) {
  std::string answer(message.substr(0, 2));                   // the number of the question
  append16(answer, 0x8180 | (truncated ? 0x200 : 0) | code);  // recursive answer
  append16(answer, 1);
  append16(answer, static_cast<int>(addresses.size()));
  append16(answer, 0);
  append16(answer, 0);
  answer += message.substr(headerBytes, question.end - headerBytes);
  for (const auto& address : addresses) {
    append16(answer, 0xc000 | headerBytes);  // the name in the question
    append16(answer, typeA);
    append16(answer, 1);  // Internet
    append16(answer, 0);
    append16(answer, 60);  // seconds it may be kept
    append16(answer, 4);
    in_addr binary{};
    ::inet_pton(AF_INET, address.c_str(), &binary);
    answer.append(reinterpret_cast<const char*>(&binary), sizeof binary);
  }
  return answer;
}

}  // namespace

DnsServer::DnsServer(std::map<std::string, Entry> names)
    : names_(std::move(names)), stop_(::eventfd(0, EFD_CLOEXEC)) {
  // UDP and TCP on one number, which is tried until it is free in both.
  for (int i = 0; i < attemptsToShareAPort && listener_.get() < 0; ++i) {
    BoundSocket datagrams(SOCK_DGRAM);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(datagrams.port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    UniqueFd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const auto* const generic = reinterpret_cast<const sockaddr*>(&address);
    if (::bind(listener.get(), generic, sizeof address) != 0) continue;
    if (::listen(listener.get(), SOMAXCONN) != 0) continue;
    port_ = datagrams.port;
    datagrams_ = std::move(datagrams.socket);
    listener_ = std::move(listener);
  }
  if (listener_.get() < 0) throw std::system_error(EADDRINUSE, std::generic_category(), "DNS");
  thread_ = std::thread([this] { serve(); });
}

DnsServer::~DnsServer() {
  ::eventfd_write(stop_.get(), 1);
  thread_.join();
}

void DnsServer::serve() {
  for (;;) {
    std::array<pollfd, 3> fds{
        {{stop_.get(), POLLIN, 0}, {datagrams_.get(), POLLIN, 0}, {listener_.get(), POLLIN, 0}}};
    ::poll(fds.data(), fds.size(), -1);
    if (fds[0].revents != 0) return;
    if (fds[1].revents != 0) answerDatagram();
    if (fds[2].revents != 0) answerConnection();
  }
}

void DnsServer::answerDatagram() {
  std::array<char, 1024> buffer;
  sockaddr_in peer{};
  socklen_t length = sizeof peer;
  auto* const generic = reinterpret_cast<sockaddr*>(&peer);
  const auto size = ::recvfrom(datagrams_.get(), buffer.data(), buffer.size(), 0, generic, &length);
  if (size < 0) return;
  const std::string reply = answer({buffer.data(), static_cast<std::size_t>(size)}, false);
  if (!reply.empty()) {
    ::sendto(datagrams_.get(), reply.data(), reply.size(), 0, generic, length);
  }
}

// One question, which like the answer has its length before it.
void DnsServer::answerConnection() {
  const UniqueFd connection(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  std::string message(2, '\0');
  if (::recv(connection.get(), message.data(), 2, MSG_WAITALL) != 2) return;
  message.resize(static_cast<std::size_t>(read16(message, 0)));
  const auto size = ::recv(connection.get(), message.data(), message.size(), MSG_WAITALL);
  if (size != static_cast<ssize_t>(message.size())) return;
  const std::string reply = answer(message, true);
  std::string framed;
  append16(framed, static_cast<int>(reply.size()));
  framed += reply;
  ::send(connection.get(), framed.data(), framed.size(), MSG_NOSIGNAL);
}

std::string DnsServer::answer(std::string_view message, bool overTcp) {
  const auto question = parseQuestion(message);
  if (!question) return "";
  const auto known = names_.find(question->name);
  if (known == names_.end()) return makeAnswer(message, *question, nameError, false, {});
  const auto& [addresses, manner] = known->second;
  const int before = timesAsked_[question->name + " " + std::to_string(question->type)]++;
  if (manner == Manner::silent || (manner == Manner::forgetful && before == 0)) return "";
  if (manner == Manner::truncated && !overTcp) {
    return makeAnswer(message, *question, noError, true, {});
  }
  if (manner == Manner::failing) return makeAnswer(message, *question, serverFailure, false, {});
  if (manner == Manner::garbled) return "garbage";
  std::string reply = makeAnswer(message, *question, noError, false,
                                 question->type == typeA ? addresses : std::vector<std::string>());
  if (manner == Manner::stranger) reply[0] = static_cast<char>(~reply[0]);
  return reply;
}

}  // namespace kairos
