// SPDX-License-Identifier: MIT OR Apache-2.0
//
// A server of static files over HTTP/1.1. Try `file_server --port 8080 .`, then open
// http://127.0.0.1:8080/ or `curl -i http://127.0.0.1:8080/README.md`.
//
// It shows a whole server on the transports: threads with a reactor each, requests as messages of
// a stream, files that the OS sends, time limits, signals, and an end that nobody notices. What is
// of HTTP is in http/.

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "kairos/reactor/examples/arguments.h"
#include "kairos/reactor/reactor.h"
#include "kairos/transports/address.h"
#include "kairos/transports/examples/http/folder.h"
#include "kairos/transports/examples/http/service.h"
#include "kairos/transports/examples/http/worker.h"
#include "kairos/transports/signal_set.h"
#include "kairos/transports/threaded_server.h"
#include "kairos/transports/transport_context.h"

namespace {

using kairos::examples::Folder;
using kairos::examples::parseNumber;
using kairos::examples::ServiceOptions;
using kairos::examples::takeOption;
using kairos::examples::Worker;

constexpr std::size_t threadsMax = 1024;

struct Arguments {
  kairos::Address address = kairos::Address::ipv4({127, 0, 0, 1}, 8080);
  std::size_t threads = 1;
  ServiceOptions service;
  std::string folder;
};

int report(const std::string& what, std::error_code error) {
  std::fprintf(stderr, "file_server: %s: %s\n", what.c_str(), error.message().c_str());
  return 1;
}

// "127.0.0.1", "::1", "0.0.0.0"; the port is the other option's.
bool readHost(const std::string& host, kairos::Address& address) {
  const bool isIpv6 = host.find(':') != host.npos;
  const std::string text = (isIpv6 ? "[" + host + "]" : host) + ":0";
  kairos::Address parsed;
  if (kairos::Address::parse(text, parsed) || !parsed.isIp()) return false;
  address = parsed.withPort(address.port());
  return true;
}

// False: nothing that is known is in front.
bool takeNext(std::vector<std::string>& words, Arguments& arguments) {
  if (words.front() == "--log") {
    arguments.service.logFd = STDOUT_FILENO;
    words.erase(words.begin());
    return true;
  }
  if (const auto port = takeOption(words, "--port")) {
    const auto number = kairos::examples::parsePort(*port);
    if (number) arguments.address = arguments.address.withPort(*number);
    return number.has_value();
  }
  if (const auto host = takeOption(words, "--host")) return readHost(*host, arguments.address);
  const auto threads = takeOption(words, "--threads");
  const auto number = threads ? parseNumber<std::size_t>(*threads, 1) : std::nullopt;
  if (!number || *number > threadsMax) return false;
  arguments.threads = *number;
  return true;
}

std::optional<Arguments> readArguments(int argc, char** argv) {
  Arguments arguments;
  std::vector<std::string> words(argv + 1, argv + argc);
  while (words.size() > 1) {
    if (!takeNext(words, arguments)) return std::nullopt;
  }
  if (words.empty() || words.front().empty() || words.front().front() == '-') return std::nullopt;
  arguments.folder = words.front();
  return arguments;
}

// As many descriptors as the system allows, and a part of them for files.
void shareDescriptors(Arguments& arguments) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  static_cast<void>(::setrlimit(RLIMIT_NOFILE, &limit));
  static_cast<void>(::getrlimit(RLIMIT_NOFILE, &limit));
  const std::size_t share = limit.rlim_cur / arguments.threads / 4;
  arguments.service.filesMax = std::clamp<std::size_t>(share, 1, arguments.service.filesMax);
}

// Until SIGINT or SIGTERM. A second one ends the program as usual.
std::error_code waitForSignal(kairos::Reactor& reactor, kairos::SignalSet& signals) {
  kairos::SignalOperation signal;
  bool hasCome = false;
  const auto onSignal = [](void* udata) { *static_cast<bool*>(udata) = true; };
  if (const auto error = signals.wait(signal, onSignal, &hasCome)) return error;
  while (!hasCome) {
    if (const auto error = reactor.poll(kairos::Reactor::forever).error) return error;
  }
  signals.close();
  return signal.error;
}

int serve(const Folder& folder, const Arguments& arguments) {
  kairos::Reactor reactor;
  kairos::TransportContext context(reactor);
  kairos::SignalSet signals;
  // Before there are threads, which are to leave these signals to this one.
  if (const auto error = kairos::SignalSet::open(context, {SIGINT, SIGTERM}, signals)) {
    return report("cannot wait for signals", error);
  }
  std::list<Worker> workers;
  kairos::ThreadedServer server;
  for (std::size_t i = 0; i < arguments.threads; ++i) {
    Worker& worker = workers.emplace_back(folder, arguments.service);
    if (const auto error = worker.joinServer(server)) return report("no thread", error);
  }
  const kairos::ThreadedServerOptions options{.server = {.noDelay = true},
                                              .drainTime = arguments.service.drainTime};
  if (const auto error = server.start(arguments.address, options)) {
    return report("cannot listen on " + arguments.address.toString(), error);
  }
  std::printf("listening on %s\n", server.localAddress().toString().c_str());
  std::fflush(stdout);
  const std::error_code error = waitForSignal(reactor, signals);
  server.stop();
  server.join();
  return error ? report("cannot wait for signals", error) : 0;
}

}  // namespace

int main(int argc, char** argv) {
  auto arguments = readArguments(argc, argv);
  if (!arguments) {
    std::fprintf(stderr,
                 "usage: %s [--port PORT] [--host ADDRESS] [--threads N] [--log] DIRECTORY\n",
                 argv[0]);
    return 2;
  }
  Folder folder;
  if (const auto error = Folder::open(arguments->folder, folder)) {
    return report("cannot serve " + arguments->folder, error);
  }
  // Of the log, when its reader goes; the transports raise none.
  std::signal(SIGPIPE, SIG_IGN);
  shareDescriptors(*arguments);
  return serve(folder, *arguments);
}
