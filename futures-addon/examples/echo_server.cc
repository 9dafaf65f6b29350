// SPDX-License-Identifier: MIT OR Apache-2.0
// Sends back what it receives, to any number of clients at once. Try `echo_server 127.0.0.1:7777`.
//
// It shows a server in coroutines: one that accepts, and one for each client, which owns the stream
// and ends when the client does. An error of one client is told, and concerns nobody else.

#include <cstdio>
#include <exception>
#include <string>
#include <system_error>
#include <utility>

#include "kairos/futures-addon/check.h"
#include "kairos/futures-addon/future.h"
#include "kairos/futures-addon/loop.h"
#include "kairos/futures-addon/transports.h"
#include "kairos/transports/address.h"
#include "kairos/transports/stream_server.h"

namespace {

int report(const std::string& what, std::error_code error) {
  std::fprintf(stderr, "echo_server: %s: %s\n", what.c_str(), error.message().c_str());
  return 1;
}

kairos::Future<> echo(kairos::Loop&, kairos::StreamTransport stream) {
  while (auto data = co_await kairos::readOnce(stream)) co_await kairos::write(stream, *data);
}

// A shortage of descriptors is told once; the next accept waits until there are some.
kairos::Future<> serve(kairos::Loop& loop, kairos::StreamServer server) {
  for (;;) {
    auto [error, accepted] = co_await noThrow(kairos::accept(server));
    if (!error) {
      kairos::asyncCheck(echo(loop, std::move(accepted.stream)));
    } else {
      report("accept", error);
    }
  }
}

// Of the coroutines that nobody waits for.
void onUnhandledError(void* udata) {
  const auto& futures = static_cast<kairos::Loop*>(udata)->futureContext();
  try {
    std::rethrow_exception(futures.unhandledError().error);
  } catch (const std::system_error& error) {
    report("a client is lost", error.code());
  }
}

}  // namespace

int main(int argc, char** argv) {
  kairos::Address address;
  if (argc != 2 || kairos::Address::parse(argv[1], address)) {
    std::fprintf(stderr, "usage: %s ADDRESS, such as 127.0.0.1:7777 or [::1]:0\n", argv[0]);
    return 2;
  }
  kairos::Loop loop;
  loop.futureContext().setUnhandledErrorCallback(onUnhandledError, &loop);
  kairos::StreamServer server;
  if (const auto error = kairos::StreamServer::listen(loop.transportContext(), address,
                                                      {.noDelay = true}, server)) {
    return report("cannot listen on " + address.toString(), error);
  }
  kairos::Address bound;
  if (const auto error = server.localAddress(bound)) return report("no address", error);
  std::printf("listening on %s\n", bound.toString().c_str());
  std::fflush(stdout);
  kairos::asyncCheck(serve(loop, std::move(server)));
  loop.run();
  return 0;
}
