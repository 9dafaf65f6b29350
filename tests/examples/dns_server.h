// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TESTS_EXAMPLES_DNS_SERVER_H_
#define KAIROS_TESTS_EXAMPLES_DNS_SERVER_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "kairos/tests/support/unique_fd.h"

namespace kairos {

// A name server on a port of its own on 127.0.0.1, which runs in a thread until it is destroyed
// (RFC 1035). It knows names to which it has one IPv4 address or several, and is asked over UDP.
class DnsServer {
 public:
  enum class Manner {
    plain,
    silent,     // never answers
    forgetful,  // does not answer the first question of each type
    truncated,  // over UDP it says that the answer is too long, so that TCP is needed
    failing,    // says that it cannot tell
    garbled,    // answers with something else
    stranger,   // answers with the number of another question
  };
  struct Entry {
    std::vector<std::string> addresses;
    Manner manner = Manner::plain;
  };

  // Any other name does not exist.
  explicit DnsServer(std::map<std::string, Entry> names);
  ~DnsServer();

  DnsServer(const DnsServer&) = delete;
  DnsServer& operator=(const DnsServer&) = delete;

  std::uint16_t port() const { return port_; }

 private:
  void serve();
  void answerDatagram();
  void answerConnection();
  // Empty: no answer.
  std::string answer(std::string_view question, bool overTcp);

  std::map<std::string, Entry> names_;
  std::map<std::string, int> timesAsked_;  // by name and type
  std::uint16_t port_ = 0;
  UniqueFd datagrams_;
  UniqueFd listener_;
  UniqueFd stop_;
  std::thread thread_;
};

}  // namespace kairos

#endif  // KAIROS_TESTS_EXAMPLES_DNS_SERVER_H_
