// SPDX-License-Identifier: MIT OR Apache-2.0
// The echo of kairos_echo.cc, operation for operation, by coroutines.
#include <utility>

#include "kairos/bench/support/check.h"
#include "kairos/bench/transports/servers/services.h"
#include "kairos/futures-addon/check.h"
#include "kairos/futures-addon/connection.h"
#include "kairos/futures-addon/future.h"
#include "kairos/futures-addon/future_context.h"
#include "kairos/futures-addon/stream.h"

namespace kairos::bench {
namespace {

Future<> echo(FutureContext&, StreamTransport stream) {
  while (const auto bytes = co_await readOnce(stream)) co_await write(stream, *bytes);
}

Future<> serve(FutureContext& futures, StreamServer& server) {
  for (;;) {
    Accepted newcomer = co_await accept(server);
    asyncCheck(echo(futures, std::move(newcomer.stream)));
  }
}

}  // namespace

void echoKairosAwait(int listener) {
  Reactor reactor;
  TransportContext transports(reactor);
  FutureContext futures(reactor);
  StreamServer server;
  check(!StreamServer::adopt(transports, listener, {}, server), "adopt");
  asyncCheck(serve(futures, server));
  for (;;) check(!reactor.poll(Reactor::forever).error, "poll");
}

}  // namespace kairos::bench
