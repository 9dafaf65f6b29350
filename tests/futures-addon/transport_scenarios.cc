// SPDX-License-Identifier: MIT OR Apache-2.0
// What awaits transports.
#include <array>
#include <csignal>
#include <new>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "kairos/futures-addon/as_future.h"
#include "kairos/futures-addon/cancel.h"
#include "kairos/futures-addon/sleep.h"
#include "kairos/futures-addon/timeout.h"
#include "kairos/futures-addon/transports.h"
#include "kairos/tests/futures-addon/stage.h"
#include "kairos/tests/support/descriptors.h"
#include "kairos/tests/transports/datagram_fixture.h"
#include "kairos/tests/transports/server_fixture.h"

namespace kairos {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

void ok(std::error_code error) {
  if (error == std::errc::not_enough_memory) throw std::bad_alloc();
  EXPECT_EQ(error, std::error_code());
}

StreamTransport adopted(Stage& stage, UniqueFd fd) {
  StreamTransport stream;
  ok(StreamTransport::adopt(stage.transports(), fd.get(), stream));
  fd.release();
  return stream;
}

// Where the other side may have been cancelled.
void require(const Stage& stage, bool isAsItWouldBe) {
  if (isAsItWouldBe) return;
  EXPECT_TRUE(stage.wasHit());
  throw std::system_error(std::make_error_code(std::errc::connection_aborted));
}

// What the end of the transports, or of the other side, makes of a coroutine.
Future<> endingWell(Stage& stage, Future<> work) {
  const Stage::Scope scope(stage);
  try {
    co_await std::move(work);
  } catch (const std::system_error&) {
    EXPECT_TRUE(stage.wasHit());
  }
}

// ---- An echo, of which one side is cancelled: the other has its end, or its error

Future<> echo(Stage& stage, StreamTransport stream) {
  const Stage::Scope scope(stage);
  while (auto line = co_await readLine(stream)) {
    stage.step();
    co_await writeOwned(stream, std::string(*line) + "\n");
    stage.step();
  }
  co_await shutdown(stream);
  stage.step();
}

Future<> converse(Stage& stage, StreamTransport stream) {
  const Stage::Scope scope(stage);
  std::array<char, 3> three{};
  co_await write(stream, "one\n");
  stage.step();
  require(stage, co_await readLine(stream) == "one");
  stage.step();
  co_await write(stream, "two;\n");
  require(stage, co_await readUntil(stream, ";") == "two;");
  stage.step();
  require(stage, co_await consume(stream, 1) == 1U);
  co_await write(stream, "tri\n");
  stage.step();
  require(stage, (co_await readExactly(stream, three)).has_value());
  stage.step();
  EXPECT_TRUE(co_await withTimeout(asFuture(stage.futureContext(), readOnce(stream)), seconds(1)));
  co_await shutdown(stream);
  stage.step();
  require(stage, (co_await readToEnd(stream)).empty());
  stage.step();
}

void startEcho(Stage& stage, Pair ends, bool isClientTheRoot) {
  Future<> client = endingWell(stage, converse(stage, adopted(stage, std::move(ends.near))));
  Future<> server = endingWell(stage, echo(stage, adopted(stage, std::move(ends.far))));
  stage.setRoot(isClientTheRoot ? client : server);
  stage.add(isClientTheRoot ? server : client);
}

// ---- Writes that have to wait

const std::string large(1 << 20, 'x');

Future<> readSlowly(Stage& stage, StreamTransport stream) {
  const Stage::Scope scope(stage);
  while (co_await consume(stream, 300'000) > 0) {
    stage.step();
    co_await sleepAsync(stage.futureContext(), milliseconds(1));
  }
}

Future<> writeMuch(Stage& stage, StreamTransport stream) {
  const Stage::Scope scope(stage);
  FutureContext& context = stage.futureContext();
  co_await write(stream, large);
  stage.step();
  Future<> behind = asFuture(context, write(stream, large));
  Future<> drained = asFuture(context, waitUntilDrained(stream));
  stage.step();
  co_await wait(behind, seconds(10));
  stage.step();
  co_await drained;
  const std::array<std::string_view, 2> parts{large, "end"};
  co_await write(stream, parts);
  stage.step();
  co_await closeAfterFlush(stream);
  stage.step();
}

// ---- Connections

Future<> serve(Stage& stage, StreamServer server) {
  const Stage::Scope scope(stage);
  for (int i = 0; i < 2; ++i) {
    auto [stream, peer] = co_await accept(server);
    stage.step();
    const auto line = co_await readLine(stream);
    stage.step();
    if (line) co_await write(stream, "bye");
    stage.step();
  }
}

Future<> visit(Stage& stage, Address address) {
  const Stage::Scope scope(stage);
  StreamTransport first = co_await connect(stage.transports(), address);
  stage.step();
  co_await write(first, "hello\n");
  require(stage, co_await readToEnd(first) == "bye");
  stage.step();
  const std::array<Address, 2> addresses{address, address};
  StreamTransport second = co_await connectAny(stage.transports(), addresses);
  stage.step();
  co_await write(second, "hello\n");
  stage.step();
  co_await readToEnd(second);
  stage.step();
}

void startVisit(Stage& stage, bool isVisitorTheRoot) {
  StreamServer server;
  Address address;
  ok(StreamServer::listen(stage.transports(), loopback(), {}, server));
  ok(server.localAddress(address));
  Future<> serving = endingWell(stage, serve(stage, std::move(server)));
  Future<> visiting = endingWell(stage, visit(stage, address));
  stage.setRoot(isVisitorTheRoot ? visiting : serving);
  stage.add(isVisitorTheRoot ? serving : visiting);
}

// ---- Datagrams

DatagramTransport adoptedDatagrams(Stage& stage, UniqueFd fd) {
  DatagramTransport transport;
  ok(DatagramTransport::adopt(stage.transports(), fd.get(), {}, transport));
  fd.release();
  return transport;
}

Future<> answer(Stage& stage, DatagramTransport transport) {
  const Stage::Scope scope(stage);
  for (int i = 0; i < 3; ++i) {
    const auto datagrams = co_await receive(transport);
    stage.step();
    co_await send(transport, datagrams);
    stage.step();
  }
}

Future<> ask(Stage& stage, DatagramTransport transport) {
  const Stage::Scope scope(stage);
  for (const std::string_view question : {"one", "two", "three"}) {
    co_await send(transport, question);
    stage.step();
    EXPECT_EQ((co_await receiveOne(transport)).data, question);
    stage.step();
  }
}

// ---- What takes the time it takes

Future<> awaitProcess(Stage& stage) {
  const Stage::Scope scope(stage);
  SubprocessTransport process;
  const auto arguments = shellArguments("read line; echo $line");
  ok(SubprocessTransport::start(stage.transports(),
                                {.arguments = arguments,
                                 .input = {.kind = Redirect::Kind::pipe},
                                 .output = {.kind = Redirect::Kind::pipe}},
                                process));
  stage.step();
  co_await write(process.input(), "hello\n");
  stage.step();
  EXPECT_EQ(co_await readLine(process.output()), "hello");
  stage.step();
  EXPECT_EQ((co_await waitForExit(process)).code, 0);
  stage.step();
}

Future<> awaitSignals(Stage& stage) {
  const Stage::Scope scope(stage);
  SignalSet signals;
  ok(SignalSet::open(stage.transports(), {SIGUSR1, SIGUSR2}, signals));
  for (const int number : {SIGUSR1, SIGUSR2}) {
    stage.step();
    EXPECT_EQ(::raise(number), 0);
    stage.step();
    EXPECT_EQ((co_await nextSignal(signals)).number, number);
    stage.step();
  }
}

Future<> awaitThreadSignals(Stage& stage, ThreadSignal signal) {
  const Stage::Scope scope(stage);
  for (int i = 0; i < 3; ++i) {
    co_await signal.wait(stage.transports());
    stage.step();
  }
}
Future<> fireThreadSignals(Stage& stage, ThreadSignal signal) {
  const Stage::Scope scope(stage);
  for (int i = 0; i < 3; ++i) {
    co_await sleepAsync(stage.futureContext(), milliseconds(1));
    signal.fire();
    stage.step();
  }
}

}  // namespace

const std::vector<StageScenario> transportScenarios = {
    {"client", [](Stage& stage) { startEcho(stage, pair(), true); }},
    {"server", [](Stage& stage) { startEcho(stage, tcpPair(), false); }},
    {"writer",
     [](Stage& stage) {
       Pair ends = pair();
       stage.setRoot(endingWell(stage, writeMuch(stage, adopted(stage, std::move(ends.near)))));
       stage.add(endingWell(stage, readSlowly(stage, adopted(stage, std::move(ends.far)))));
     }},
    {"reader",
     [](Stage& stage) {
       Pair ends = pair();
       stage.setRoot(endingWell(stage, readSlowly(stage, adopted(stage, std::move(ends.near)))));
       stage.add(endingWell(stage, writeMuch(stage, adopted(stage, std::move(ends.far)))));
     }},
    {"visitor", [](Stage& stage) { startVisit(stage, true); }},
    {"host", [](Stage& stage) { startVisit(stage, false); }},
    {"datagrams",
     [](Stage& stage) {
       Pair ends = datagramPair();
       Future<> asking = ask(stage, adoptedDatagrams(stage, std::move(ends.near)));
       stage.setRoot(endingWell(stage, std::move(asking)));
       Future<> answering = answer(stage, adoptedDatagrams(stage, std::move(ends.far)));
       stage.add(endingWell(stage, std::move(answering)));
     }},
    {"thread signal",
     [](Stage& stage) {
       const ThreadSignal signal;
       stage.setRoot(endingWell(stage, awaitThreadSignals(stage, signal)));
       stage.add(endingWell(stage, fireThreadSignals(stage, signal)));
     }},
};

const std::vector<StageScenario> slowScenarios = {
    {"process", [](Stage& stage) { stage.setRoot(endingWell(stage, awaitProcess(stage))); }},
    {"signals", [](Stage& stage) { stage.setRoot(endingWell(stage, awaitSignals(stage))); }},
};

}  // namespace kairos
