// SPDX-License-Identifier: MIT OR Apache-2.0
// Sends back what it receives, to any number of clients at once. Try `echo_server 127.0.0.1:7777`.
//
// It shows a server in coroutines: one that accepts, and one for each client, which owns the stream
// and ends when the client does. An error of one client is told, and concerns nobody else.

#include <exception>
#include <system_error>
#include <utility>

#include "kairos/futures-addon/check.h"
#include "kairos/futures-addon/examples/serving.h"
#include "kairos/futures-addon/future.h"
#include "kairos/futures-addon/loop.h"
#include "kairos/futures-addon/transports.h"
#include "kairos/transports/address.h"
#include "kairos/transports/stream_server.h"

namespace {

using kairos::examples::report;

kairos::Future<> echo(kairos::Loop&, kairos::StreamTransport stream) {
  while (auto data = co_await kairos::readOnce(stream)) co_await kairos::write(stream, *data);
}

// Until it is cancelled, or the server is closed. A shortage of descriptors is told once; the next
// accept waits until there are some.
kairos::Future<> serve(kairos::Loop& loop, kairos::StreamServer server) {
  for (;;) {
    auto [error, accepted] = co_await noThrow(kairos::accept(server));
    if (error == std::errc::operation_canceled) break;
    if (!error) {
      kairos::asyncCheck(echo(loop, std::move(accepted.stream)));
    } else {
      report("accept", error);
    }
  }
}

// Of the coroutines that nobody waits for. What the end of the program closes is not lost.
void onUnhandledError(void* udata) {
  const auto& futures = static_cast<kairos::Loop*>(udata)->futureContext();
  try {
    std::rethrow_exception(futures.unhandledError().error);
  } catch (const std::system_error& error) {
    if (error.code() != std::errc::operation_canceled) report("a client is lost", error.code());
  }
}

}  // namespace

int main(int argc, char** argv) {
  kairos::Address address;
  if (!kairos::examples::parseArguments(argc, argv, address)) return 2;
  kairos::Loop loop;
  loop.futureContext().setUnhandledErrorCallback(onUnhandledError, &loop);
  kairos::SignalSet signals;
  kairos::StreamServer server;
  if (kairos::examples::openSignals(loop.transportContext(), signals)) return 1;
  if (kairos::examples::listen(loop.transportContext(), address, server)) return 1;
  kairos::asyncCheck(serve(loop, std::move(server)));
  kairos::examples::runUntilSignal(loop, signals);
  return 0;
}
