// SPDX-License-Identifier: MIT OR Apache-2.0
// What awaits transports.
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <system_error>
#include <utility>

#include "kairos/futures-addon/as_future.h"
#include "kairos/futures-addon/sleep.h"
#include "kairos/futures-addon/timeout.h"
#include "kairos/futures-addon/transports.h"
#include "kairos/tests/futures-addon/conversation.h"
#include "kairos/tests/support/descriptors.h"
#include "kairos/tests/transports/datagram_fixture.h"
#include "kairos/transports/idle_limit.h"

namespace kairos {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

using Side = Future<> (*)(Stage& stage, StreamTransport stream);

void startTalk(Stage& stage, bool isFirstTheRoot, Side first, Side second, Pair ends = pair()) {
  Future<> one = first(stage, adopted<StreamTransport>(stage, std::move(ends.near)));
  Future<> other = second(stage, adopted<StreamTransport>(stage, std::move(ends.far)));
  startSides(stage, isFirstTheRoot, std::move(one), std::move(other));
}

Future<> writeMuch(Stage& stage, StreamTransport stream) {
  const Stage::Scope scope(stage);
  FutureContext& context = stage.futureContext();
  co_await write(stream, largeText);
  stage.step();
  Future<> behind = asFuture(context, write(stream, largeText));
  Future<> drained = asFuture(context, waitUntilDrained(stream));
  Future<> closed = asFuture(context, waitUntilClosed(stream));
  stage.step();
  co_await wait(behind, seconds(10));
  stage.step();
  co_await drained;
  const std::array<std::string_view, 2> parts{largeText, "end"};
  co_await write(stream, parts);
  stage.step();
  co_await closeAfterFlush(stream);
  stage.step();
  co_await closed;
  stage.step();
}

// A file without a name.
UniqueFd largeFile() {
  UniqueFd file(::memfd_create("kairos", MFD_CLOEXEC));
  EXPECT_EQ(::write(file.get(), largeText.data(), largeText.size()),
            static_cast<ssize_t>(largeText.size()));
  return file;
}

Future<> writeFiles(Stage& stage, StreamTransport stream) {
  const Stage::Scope scope(stage);
  const UniqueFd file = largeFile();
  for (const std::uint64_t offset : {0U, 500'000U}) {
    const FileRange rest{file.get(), offset, FileRange::toEnd};
    EXPECT_EQ(co_await writeFile(stream, rest), largeText.size() - offset);
    stage.step();
  }
  co_await shutdown(stream);
  stage.step();
}

// ---- Messages, and what is late

// The first byte says how many follow.
MessageSize sizeOf(void*, std::string_view bytes) {
  return {.size = bytes.empty() ? 0 : 1 + static_cast<std::size_t>(bytes.front())};
}

Future<> hearMessages(Stage& stage, StreamTransport stream) {
  const Stage::Scope scope(stage);
  for (;;) {
    const auto [error, message] = co_await noThrow(readMessage(stream, sizeOf));
    stage.step();
    if (error) co_return;
    if (!message) break;
    EXPECT_EQ(message->substr(1), "word");
    stage.step();
  }
  std::array<char, 1> none{};
  EXPECT_FALSE(co_await readOnce(stream, none));
}

Future<> sayMessages(Stage& stage, StreamTransport stream) {
  const Stage::Scope scope(stage);
  for (int i = 0; i < 3; ++i) {
    co_await write(stream, "\4wo");
    stage.step();
    co_await sleepAsync(stage.futureContext(), milliseconds(1));
    co_await write(stream, "rd");
    stage.step();
  }
}

// Closes a stream that nothing comes from.
class Watchman {
 public:
  Watchman(Stage& stage, StreamTransport& stream)
      : limit_(stage.transports(), milliseconds(10)), stream_(stream) {
    ok(limit_.watch(idle_, onIdle, this));
  }
  void touch() noexcept { idle_.touch(); }

 private:
  static void onIdle(void* udata) { static_cast<Watchman*>(udata)->stream_.close(); }

  IdleLimit limit_;
  IdleOperation idle_;
  StreamTransport& stream_;
};

Future<> readUntilIdle(Stage& stage, StreamTransport stream) {
  const Stage::Scope scope(stage);
  Watchman watchman(stage, stream);
  try {
    while (co_await readLine(stream)) {
      watchman.touch();
      stage.step();
    }
  } catch (const std::system_error& error) {
    if (error.code() != TransportError::closed) throw;
    stage.step();
  }
}

Future<> sayLittle(Stage& stage, StreamTransport stream) {
  const Stage::Scope scope(stage);
  for (int i = 0; i < 3; ++i) {
    co_await write(stream, "line\n");
    stage.step();
    co_await sleepAsync(stage.futureContext(), milliseconds(5));
  }
  EXPECT_FALSE(co_await readLine(stream));
  stage.step();
}

// ---- Connections

Future<> visit(Stage& stage, Address address) {
  const Stage::Scope scope(stage);
  StreamTransport first = co_await connect(stage.transports(), address);
  stage.step();
  co_await greet(stage, std::move(first));
  const std::array<Address, 2> addresses{address, address};
  StreamTransport second = co_await connectAny(stage.transports(), addresses);
  stage.step();
  co_await greet(stage, std::move(second));
}

void startVisit(Stage& stage, bool isVisitorTheRoot) {
  Address address;
  Future<> serving = serve(stage, listening(stage, address));
  Future<> visiting = visit(stage, address);
  startSides(stage, isVisitorTheRoot, std::move(visiting), std::move(serving));
}

// ---- Datagrams

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
    {"client",
     [](Stage& stage) {
       startTalk(stage, true, converse<StreamTransport>, echo<StreamTransport>);
     }},
    {"server",
     [](Stage& stage) {
       startTalk(stage, false, converse<StreamTransport>, echo<StreamTransport>, tcpPair());
     }},
    {"writer",
     [](Stage& stage) { startTalk(stage, true, writeMuch, readSlowly<StreamTransport>); }},
    {"reader",
     [](Stage& stage) { startTalk(stage, false, writeMuch, readSlowly<StreamTransport>); }},
    {"writer of files",
     [](Stage& stage) { startTalk(stage, true, writeFiles, readSlowly<StreamTransport>); }},
    {"hearer", [](Stage& stage) { startTalk(stage, true, hearMessages, sayMessages); }},
    {"sayer", [](Stage& stage) { startTalk(stage, false, hearMessages, sayMessages); }},
    {"idle", [](Stage& stage) { startTalk(stage, true, readUntilIdle, sayLittle); }},
    {"visitor", [](Stage& stage) { startVisit(stage, true); }},
    {"host", [](Stage& stage) { startVisit(stage, false); }},
    {"datagrams",
     [](Stage& stage) {
       Pair ends = datagramPair();
       const DatagramOptions none;
       Future<> asking = ask(stage, adopted<DatagramTransport>(stage, std::move(ends.near), none));
       Future<> answering =
           answer(stage, adopted<DatagramTransport>(stage, std::move(ends.far), none));
       startSides(stage, true, std::move(asking), std::move(answering));
     }},
    {"thread signal",
     [](Stage& stage) {
       const ThreadSignal signal;
       startSides(stage, true, awaitThreadSignals(stage, signal), fireThreadSignals(stage, signal));
     }},
};

const std::vector<StageScenario> slowScenarios = {
    {"process", [](Stage& stage) { stage.setRoot(endingWell(stage, awaitProcess(stage))); }},
    {"signals", [](Stage& stage) { stage.setRoot(endingWell(stage, awaitSignals(stage))); }},
};

}  // namespace kairos
