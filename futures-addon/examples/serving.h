// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_FUTURES_ADDON_EXAMPLES_SERVING_H_
#define KAIROS_FUTURES_ADDON_EXAMPLES_SERVING_H_

#include <csignal>
#include <cstdio>
#include <string>
#include <string_view>
#include <system_error>

#include "kairos/futures-addon/as_future.h"
#include "kairos/futures-addon/loop.h"
#include "kairos/futures-addon/signals.h"
#include "kairos/transports/address.h"
#include "kairos/transports/signal_set.h"
#include "kairos/transports/stream_server.h"
#include "kairos/transports/transport_context.h"

namespace kairos::examples {

// What all of these servers begin with.

inline std::error_code report(std::string_view what, std::error_code error) {
  std::fprintf(stderr, "%.*s: %s\n", static_cast<int>(what.size()), what.data(),
               error.message().c_str());
  return error;
}

// Listens on `address` and says on which port that is.
inline std::error_code listen(TransportContext& context, const Address& address,
                              StreamServer& result) {
  if (const auto error = StreamServer::listen(context, address, {.noDelay = true}, result)) {
    return report("cannot listen on " + address.toString(), error);
  }
  Address bound;
  if (const auto error = result.localAddress(bound)) return report("no address", error);
  std::printf("listening on %s\n", bound.toString().c_str());
  std::fflush(stdout);
  return {};
}

// What ends such a server.
inline std::error_code openSignals(TransportContext& context, SignalSet& result) {
  if (const auto error = SignalSet::open(context, {SIGINT, SIGTERM}, result)) {
    return report("signals", error);
  }
  return {};
}

// Runs all that there is until such a signal comes, and gives it.
inline ReceivedSignal runUntilSignal(Loop& loop, SignalSet& signals) {
  return loop.waitFor(asFuture(loop.futureContext(), nextSignal(signals)));
}

// The only argument of the program, an address.
inline bool parseArguments(int argc, char** argv, Address& address) {
  if (argc == 2 && !Address::parse(argv[1], address)) return true;
  std::fprintf(stderr, "usage: %s ADDRESS, such as 127.0.0.1:7777 or [::1]:0\n", argv[0]);
  return false;
}

}  // namespace kairos::examples

#endif  // KAIROS_FUTURES_ADDON_EXAMPLES_SERVING_H_
