// SPDX-License-Identifier: MIT OR Apache-2.0
// TLS, resolving and dialling: cancelled at every step, and without each allocation. F43, IF6, IF13
#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kairos/futures-addon/as_future.h"
#include "kairos/futures-addon/resolver.h"
#include "kairos/futures-addon/timeout.h"
#include "kairos/futures-addon/tls.h"
#include "kairos/tests/futures-addon/conversation.h"
#include "kairos/tests/futures-addon/sweep.h"
#include "kairos/tests/support/descriptors.h"
#include "kairos/tests/transports/certificates.h"
#include "kairos/tests/transports/raw_name_server.h"

namespace kairos {
namespace {

// ---- TLS

constexpr std::string_view host = "server.test";

struct TlsContexts {
  TlsContexts() {
    const CertificateAuthority authority;
    const Identity identity = authority.issue();
    ok(TlsContext::makeClient(clients));
    ok(clients.trust(authority.pem()));
    ok(TlsContext::makeServer(servers));
    ok(servers.useCertificate(identity.chain, identity.key));
  }

  TlsContext clients;
  TlsContext servers;
};

const TlsContexts& tls() {
  static const TlsContexts contexts;
  return contexts;
}

TlsStream clientOver(Stage& stage, UniqueFd fd) {
  TlsStream stream;
  ok(TlsStream::client(stage.transports(), tls().clients,
                       adopted<StreamTransport>(stage, std::move(fd)), host, {}, stream));
  return stream;
}
TlsStream serverOver(Stage& stage, UniqueFd fd) {
  TlsStream stream;
  ok(TlsStream::server(stage.transports(), tls().servers,
                       adopted<StreamTransport>(stage, std::move(fd)), {}, stream));
  return stream;
}

using Side = Future<> (*)(Stage& stage, TlsStream stream);

Future<> secure(Stage& stage, TlsStream stream, Side talk) {
  const Stage::Scope scope(stage);
  co_await handshake(stream);
  stage.step();
  co_await talk(stage, std::move(stream));
  stage.step();
}

void startSecure(Stage& stage, bool isClientTheRoot, Side client, Side server) {
  Pair ends = pair();
  Future<> near = secure(stage, clientOver(stage, std::move(ends.near)), client);
  Future<> far = secure(stage, serverOver(stage, std::move(ends.far)), server);
  startSides(stage, isClientTheRoot, std::move(near), std::move(far));
}

Future<> writeMuch(Stage& stage, TlsStream stream) {
  const Stage::Scope scope(stage);
  co_await write(stream, largeText);
  stage.step();
  const std::array<std::string_view, 2> parts{"the ", "end"};
  co_await write(stream, parts);
  stage.step();
  co_await shutdown(stream);
  stage.step();
}

// ---- Names: all are this machine

Future<> answerQuestions(Stage& stage, DatagramTransport transport) {
  const Stage::Scope scope(stage);
  for (;;) {
    const Datagram question = co_await receiveOne(transport);
    stage.step();
    const std::string answer = RawNameServer::answer(question.data, 1, false, {"\x7f\0\0\1", 4});
    co_await sendTo(transport, question.peer, answer);
    stage.step();
  }
}

// One that asks `server`, which does nothing yet.
Resolver asking(Stage& stage, DatagramTransport& server) {
  Address address;
  Resolver resolver;
  ok(DatagramTransport::bind(stage.transports(), Address::ipv4({127, 0, 0, 1}, 0), {}, server));
  ok(server.localAddress(address));
  ok(Resolver::make(stage.transports(), {.servers = {&address, 1}}, resolver));
  return resolver;
}
// The same, of which the server is on the stage too.
Resolver asking(Stage& stage) {
  DatagramTransport server;
  Resolver resolver = asking(stage, server);
  stage.add(endingWell(stage, answerQuestions(stage, std::move(server))));
  return resolver;
}

constexpr std::array<std::string_view, 2> names{"some.test.", "127.0.0.1"};

Future<> resolveNames(Stage& stage, Resolver resolver) {
  const Stage::Scope scope(stage);
  for (const std::string_view name : names) {
    const std::vector<Address> found = co_await resolve(resolver, name, 80);
    EXPECT_EQ(found, std::vector<Address>{Address::ipv4({127, 0, 0, 1}, 80)});
    stage.step();
  }
}

Future<> dialNames(Stage& stage, Resolver resolver, std::uint16_t port) {
  const Stage::Scope scope(stage);
  const std::string service = std::to_string(port);
  for (const std::string_view name : names) {
    StreamTransport stream = co_await dial(resolver, name, service);
    stage.step();
    co_await greet(stage, std::move(stream));
  }
}

void startDialling(Stage& stage, bool isDiallerTheRoot) {
  Address address;
  Future<> serving = serve(stage, listening(stage, address));
  Future<> dialling = dialNames(stage, asking(stage), address.port());
  startSides(stage, isDiallerTheRoot, std::move(dialling), std::move(serving));
}

// ---- What would last, each with a limit of time

template <class Call>
Future<> expectLate(Stage& stage, Call call) {
  const Stage::Scope scope(stage);
  stage.step();
  const bool isInTime = co_await withTimeout(asFuture(stage.futureContext(), std::move(call)),
                                             std::chrono::milliseconds(1));
  require(stage, !isInTime);
  stage.step();
}

Future<> beLate(Stage& stage) {
  const Stage::Scope scope(stage);
  DatagramTransport silent;
  Resolver resolver = asking(stage, silent);
  co_await expectLate(stage, resolve(resolver, names[0], 80));
  co_await expectLate(stage, dial(resolver, names[0], "80"));
  const Pair ends = pair();
  TlsStream stream = clientOver(stage, duplicate(ends.near.get()));
  co_await expectLate(stage, handshake(stream));
}

void expectNoDelay(Stage& stage) { EXPECT_LT(stage.elapsed(), std::chrono::seconds(1)); }

const std::vector<StageScenario> libraryScenarios = {
    {"secure client",
     [](Stage& stage) { startSecure(stage, true, converse<TlsStream>, echo<TlsStream>); }},
    {"secure server",
     [](Stage& stage) { startSecure(stage, false, converse<TlsStream>, echo<TlsStream>); }},
    {"secure writer",
     [](Stage& stage) { startSecure(stage, true, writeMuch, readSlowly<TlsStream>); }},
    {"secure reader",
     [](Stage& stage) { startSecure(stage, false, writeMuch, readSlowly<TlsStream>); }},
    {"names",
     [](Stage& stage) { stage.setRoot(endingWell(stage, resolveNames(stage, asking(stage)))); }},
    {"dialler", [](Stage& stage) { startDialling(stage, true); }},
    {"host that is dialled", [](Stage& stage) { startDialling(stage, false); }},
    {"late", [](Stage& stage) { stage.setRoot(endingWell(stage, beLate(stage))); }, expectNoDelay},
};

INSTANTIATE_TEST_SUITE_P(Backends, CancelSweepTest, backends(), backendName);

TEST_P(CancelSweepTest, NothingIsLeftBehindOfWhatNeedsALibrary) { sweepAll(libraryScenarios, 30); }

INSTANTIATE_TEST_SUITE_P(Backends, AllocationSweepTest, backends(), backendName);

TEST_P(AllocationSweepTest, WhatNeedsALibrarySurvivesTheFailureOfAnyOne) {
  sweepAll(libraryScenarios);
}

}  // namespace
}  // namespace kairos
