// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TESTS_FUTURES_ADDON_CONVERSATION_H_
#define KAIROS_TESTS_FUTURES_ADDON_CONVERSATION_H_

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <new>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "kairos/futures-addon/as_future.h"
#include "kairos/futures-addon/sleep.h"
#include "kairos/futures-addon/timeout.h"
#include "kairos/futures-addon/transports.h"
#include "kairos/tests/futures-addon/stage.h"
#include "kairos/tests/support/descriptors.h"

// What the scenarios of transports have in common, whatever the streams are.

namespace kairos {

inline void ok(std::error_code error) {
  if (error == std::errc::not_enough_memory) throw std::bad_alloc();
  EXPECT_EQ(error, std::error_code());
}

// A transport of `fd`.
template <class Transport, class... Options>
Transport adopted(Stage& stage, UniqueFd fd, const Options&... options) {
  Transport transport;
  ok(Transport::adopt(stage.transports(), fd.get(), options..., transport));
  fd.release();
  return transport;
}

// Where the other side may have been cancelled.
inline void require(const Stage& stage, bool isAsItWouldBe) {
  if (isAsItWouldBe) return;
  EXPECT_TRUE(stage.wasHit());
  throw std::system_error(std::make_error_code(std::errc::connection_aborted));
}

// What the end of the transports, or of the other side, makes of a coroutine. What it has goes with
// it.
inline Future<> endingWell(Stage& stage, Future<> work) {
  const Stage::Scope scope(stage);
  try {
    Future<> running = std::move(work);
    co_await std::move(running);
  } catch (const std::system_error&) {
    EXPECT_TRUE(stage.wasHit());
  }
}

// Two sides of one thing, of which one is the root.
inline void startSides(Stage& stage, bool isFirstTheRoot, Future<> first, Future<> second) {
  first = endingWell(stage, std::move(first));
  second = endingWell(stage, std::move(second));
  stage.setRoot(isFirstTheRoot ? first : second);
  stage.add(isFirstTheRoot ? second : first);
}

// ---- An echo, of which one side is cancelled: the other has its end, or its error

template <class Stream>
Future<> echo(Stage& stage, Stream stream) {
  const Stage::Scope scope(stage);
  while (auto line = co_await readLine(stream)) {
    stage.step();
    co_await writeOwned(stream, std::string(*line) + "\n");
    stage.step();
  }
  co_await shutdown(stream);
  stage.step();
}

template <class Stream>
Future<> converse(Stage& stage, Stream stream) {
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
  const auto read = co_await readExactly(stream, three);
  require(stage, read.has_value());
  stage.step();
  EXPECT_TRUE(co_await withTimeout(asFuture(stage.futureContext(), readOnce(stream)),
                                   std::chrono::seconds(1)));
  co_await shutdown(stream);
  stage.step();
  const std::string_view rest = co_await readToEnd(stream);
  require(stage, rest.empty());
  stage.step();
}

// ---- Writes that have to wait

template <class Stream>
Future<> readSlowly(Stage& stage, Stream stream) {
  const Stage::Scope scope(stage);
  while (co_await consume(stream, 300'000) > 0) {
    stage.step();
    co_await sleepAsync(stage.futureContext(), std::chrono::milliseconds(1));
  }
}

inline const std::string largeText(1 << 20, 'x');

// ---- A host that has two visitors, one after the other

inline Future<> serve(Stage& stage, StreamServer server) {
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

inline Future<> greet(Stage& stage, StreamTransport host) {
  const Stage::Scope scope(stage);
  co_await write(host, "hello\n");
  stage.step();
  require(stage, co_await readToEnd(host) == "bye");
  stage.step();
}

// Who listens, at `address`.
inline StreamServer listening(Stage& stage, Address& address) {
  StreamServer server;
  ok(StreamServer::listen(stage.transports(), Address::ipv4({127, 0, 0, 1}, 0), {}, server));
  ok(server.localAddress(address));
  return server;
}

}  // namespace kairos

#endif  // KAIROS_TESTS_FUTURES_ADDON_CONVERSATION_H_
