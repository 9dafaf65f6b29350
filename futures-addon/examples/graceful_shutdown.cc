// SPDX-License-Identifier: MIT OR Apache-2.0
// A server that ends well: `graceful_shutdown 127.0.0.1:7777`, some `nc 127.0.0.1 7777`, and
// Ctrl-C.
//
// It shows how a signal cancels everything: the server accepts no more, each client is told
// goodbye, wherever its coroutine stands, and the program waits for all of them, but not for ever.

#include <chrono>
#include <cstdio>
#include <list>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "kairos/futures-addon/as_future.h"
#include "kairos/futures-addon/cancel.h"
#include "kairos/futures-addon/error.h"
#include "kairos/futures-addon/examples/serving.h"
#include "kairos/futures-addon/future.h"
#include "kairos/futures-addon/group.h"
#include "kairos/futures-addon/loop.h"
#include "kairos/futures-addon/timeout.h"
#include "kairos/futures-addon/transports.h"

namespace {

using kairos::Future;
using kairos::Loop;

constexpr std::chrono::seconds patience(2);

// True: it was cancelled.
Future<bool> repeatUntilTheEnd(Loop&, kairos::StreamTransport& stream) {
  try {
    while (auto data = co_await kairos::readOnce(stream)) co_await kairos::write(stream, *data);
  } catch (const kairos::CancelledError&) {
    co_return true;
  } catch (const std::system_error&) {
    // The client is lost.
  }
  co_return false;
}

// A client that does not listen must not keep the program. The stream ends with the work, while a
// parameter would stay as long as the Future that the server keeps.
Future<> serveOne(Loop& loop, kairos::StreamTransport accepted) {
  kairos::StreamTransport stream = std::move(accepted);
  if (!co_await repeatUntilTheEnd(loop, stream)) co_return;
  auto goodbye = asFuture(loop.futureContext(), noThrow(kairos::write(stream, "goodbye\n")));
  co_await kairos::withTimeout(std::move(goodbye), patience);
}

class Server {
 public:
  Server(Loop& loop, kairos::StreamServer server) : loop_(loop), server_(std::move(server)) {}

  kairos::FutureContext& futureContext() { return loop_.futureContext(); }

  // Until it is cancelled. A shortage of descriptors is told, and the next accept waits it out.
  Future<> acceptAll() {
    for (;;) {
      auto [error, accepted] = co_await noThrow(kairos::accept(server_));
      clients_.remove_if([](const Future<>& client) { return client.finished(); });
      if (error == std::errc::operation_canceled) break;
      if (error) {
        kairos::examples::report("accept", error);
      } else {
        clients_.push_back(serveOne(loop_, std::move(accepted.stream)));
      }
    }
  }

  // Runs until a signal comes, and ends everything.
  Future<> run(kairos::SignalSet& signals) {
    Future<> accepting = acceptAll();
    const kairos::ReceivedSignal signal = co_await kairos::nextSignal(signals);
    std::printf("signal %d\n", signal.number);
    co_await cancelAndWait(accepting);
    server_.close();
    const std::size_t count = clients_.size();
    co_await cancelAndWait(futureContext(), clients_);
    std::printf("said goodbye to %zu\n", count);
  }

 private:
  Loop& loop_;
  kairos::StreamServer server_;
  std::list<Future<>> clients_;
};

}  // namespace

int main(int argc, char** argv) {
  kairos::Address address;
  if (!kairos::examples::parseArguments(argc, argv, address)) return 2;
  Loop loop;
  kairos::SignalSet signals;
  if (kairos::examples::openSignals(loop.transportContext(), signals)) return 1;
  kairos::StreamServer listening;
  if (kairos::examples::listen(loop.transportContext(), address, listening)) return 1;
  Server server(loop, std::move(listening));
  loop.waitFor(server.run(signals));
  std::printf("%s\n", loop.hasPendingOperations() ? "something is left" : "nothing is left");
  return 0;
}
