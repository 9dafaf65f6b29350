// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Looks up the addresses of names, all at the same time:
// `resolve [--server ADDRESS[:PORT]] [--timeout MS] NAME...`.
//
// It shows a client library whose deadline has to be asked for again and again; cares_adapter.h
// does that. The rest is c-ares as usual.

#include <ares.h>
#include <netdb.h>

#include <array>
#include <cstdio>
#include <list>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "kairos/reactor/examples/arguments.h"
#include "kairos/reactor/examples/cares_adapter.h"
#include "kairos/reactor/reactor.h"

namespace {

using kairos::Reactor;
using kairos::examples::CaresAdapter;
using kairos::examples::parseNumber;
using kairos::examples::takeOption;

struct Arguments {
  std::string server;    // empty: those of /etc/resolv.conf
  int timeoutMs = 2000;  // of the first attempt; the second waits longer
  std::vector<std::string> names;
};

// What the lookups have come to.
struct Tally {
  std::size_t pending = 0;
  std::size_t failed = 0;
};

class Lookup {
 public:
  Lookup(std::string name, Tally& tally) : name_(std::move(name)), tally_(tally) {}

  void start(CaresAdapter& resolver) {
    ++tally_.pending;
    ares_addrinfo_hints hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_flags = ARES_AI_NOSORT;
    ares_getaddrinfo(resolver.channel(), name_.c_str(), nullptr, &hints, &onAnswer, this);
    resolver.updateTimer();
  }

 private:
  static void onAnswer(void* self, int status, int timeouts, ares_addrinfo* answer);

  void print(const ares_addrinfo_node& address) const;

  std::string name_;
  Tally& tally_;
};

// Runs inside ares_getaddrinfo already when the answer is known, from /etc/hosts for example.
void Lookup::onAnswer(void* self, int status, int /*timeouts*/, ares_addrinfo* answer) {
  auto& lookup = *static_cast<Lookup*>(self);
  --lookup.tally_.pending;
  if (status != ARES_SUCCESS) {
    ++lookup.tally_.failed;
    std::fprintf(stderr, "resolve: %s: %s\n", lookup.name_.c_str(), ares_strerror(status));
    return;
  }
  for (const auto* address = answer->nodes; address != nullptr; address = address->ai_next) {
    lookup.print(*address);
  }
  ares_freeaddrinfo(answer);
}

void Lookup::print(const ares_addrinfo_node& address) const {
  std::array<char, NI_MAXHOST> text{};
  ::getnameinfo(address.ai_addr, address.ai_addrlen, text.data(), text.size(), nullptr, 0,
                NI_NUMERICHOST);
  std::printf("%s %s\n", name_.c_str(), text.data());
  std::fflush(stdout);
}

int complain(const char* what, const char* why) {
  std::fprintf(stderr, "resolve: %s: %s\n", what, why);
  return 1;
}

int run(const Arguments& arguments) {
  Reactor reactor;
  std::list<Lookup> lookups;  // these outlive the resolver, which calls back until it is destroyed
  Tally tally;
  CaresAdapter resolver(reactor);

  ares_options options{};
  std::string dnsOnly = "b";
  options.timeout = arguments.timeoutMs;
  options.tries = 2;
  options.lookups = dnsOnly.data();
  const int lookupsMask = arguments.server.empty() ? 0 : ARES_OPT_LOOKUPS;
  int status = resolver.open(options, ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | lookupsMask);
  if (status != ARES_SUCCESS) return complain("cannot start", ares_strerror(status));
  if (!arguments.server.empty()) {
    status = ares_set_servers_ports_csv(resolver.channel(), arguments.server.c_str());
    if (status != ARES_SUCCESS) return complain(arguments.server.c_str(), ares_strerror(status));
  }

  for (const auto& name : arguments.names) lookups.emplace_back(name, tally).start(resolver);
  while (tally.pending > 0) {
    if (const auto error = reactor.poll(Reactor::forever).error) {
      return complain("poll", error.message().c_str());
    }
  }
  return tally.failed == 0 ? 0 : 1;
}

// None when the words make no sense.
std::optional<Arguments> parseArguments(std::vector<std::string> words) {
  Arguments arguments;
  for (;;) {
    if (const auto server = takeOption(words, "--server")) {
      arguments.server = *server;
    } else if (const auto timeout = takeOption(words, "--timeout")) {
      arguments.timeoutMs = parseNumber<int>(*timeout, 1).value_or(0);
      if (arguments.timeoutMs == 0) return std::nullopt;
    } else {
      break;
    }
  }
  if (words.empty() || words.front().starts_with('-')) return std::nullopt;
  arguments.names = std::move(words);
  return arguments;
}

}  // namespace

int main(int argc, char** argv) {
  const auto arguments = parseArguments({argv + 1, argv + argc});
  if (!arguments) {
    std::fprintf(stderr, "usage: %s [--server ADDRESS[:PORT]] [--timeout MS] NAME...\n", argv[0]);
    return 2;
  }
  if (ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS) return 1;
  const int exitCode = run(*arguments);
  ares_library_cleanup();
  return exitCode;
}
