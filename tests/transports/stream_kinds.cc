// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/tests/transports/stream_kinds.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <array>
#include <cstdint>

#include "kairos/tests/support/child_process.h"
#include "kairos/tests/transports/server_fixture.h"
#include "kairos/tests/transports/tls_fixture.h"

namespace kairos {
namespace {

constexpr BackendKind simulationKind = {
    .name = "simulation", .open = nullptr, .hasKernelSet = false, .keepsClosedDuplicates = true};

StreamTransport adopt(const StreamStage& stage, UniqueFd fd) {
  StreamTransport stream;
  EXPECT_EQ(StreamTransport::adopt(stage.context, fd.get(), stream), std::error_code());
  fd.release();
  return stream;
}

// ---- Kinds

Ends over(const StreamStage& stage, Pair pair) {
  return {End(adopt(stage, std::move(pair.near))), End(adopt(stage, std::move(pair.far)))};
}

// A small window would make TCP wait for timers.
Ends makeTcp(const StreamStage& stage) {
  Pair ends = tcpPair();
  const int bytes = 4608;
  for (const Fd fd : {ends.near.get(), ends.far.get()}) {
    if (!stage.isSmall) break;
    EXPECT_EQ(::setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes), 0);
  }
  return over(stage, std::move(ends));
}

Ends makeUnix(const StreamStage& stage) {
  Pair ends = pair();
  if (stage.isSmall) setSmallBuffers(ends);
  return over(stage, std::move(ends));
}

void makeSmall(const StreamStage& stage, Fd pipe) {
  if (!stage.isSmall) return;
  ASSERT_GT(::fcntl(pipe, F_SETPIPE_SZ, 4096), 0);
}

// One each way.
Ends makePipes(const StreamStage& stage) {
  Pair there = pipePair();
  Pair back = pipePair();
  makeSmall(stage, there.near.get());
  makeSmall(stage, back.near.get());
  return {End(adopt(stage, std::move(back.near)), adopt(stage, std::move(there.far))),
          End(adopt(stage, std::move(there.near)), adopt(stage, std::move(back.far)))};
}

// The input and output of a child, which relays them to and from the far end.
Ends makeChild(const StreamStage& stage) {
  Pair link = pair();
  if (stage.isSmall) setSmallBuffers(link);
  ::fcntl(link.near.get(), F_SETFL, 0);
  const std::array<Fd, 1> passed = {link.near.get()};
  const std::string program = runfile("tests/transports/stdio_relay");
  const std::string number = std::to_string(passed[0]);
  const std::array<const char*, 2> arguments = {program.c_str(), number.c_str()};
  SubprocessOptions options;
  options.arguments = arguments;
  options.input = options.output = Redirect::pipe();
  options.passed = passed;
  SubprocessTransport& child = stage.children.emplace_back();
  EXPECT_EQ(SubprocessTransport::start(stage.context, options, child), std::error_code());
  makeSmall(stage, child.input().fd());
  makeSmall(stage, child.output().fd());
  return {End(std::move(child.output()), std::move(child.input())),
          End(adopt(stage, std::move(link.far)))};
}

Ends makeSimulated(const StreamStage& stage) {
  const Simulation::Pair pair = stage.simulation.openPair();
  return {End(adopt(stage, UniqueFd(pair.near))), End(adopt(stage, UniqueFd(pair.far)))};
}

Address anyName() {
  static int names = 0;
  return abstractAddress(std::to_string(++names));
}

constexpr StreamKind kinds[] = {
    {.name = "tcp", .make = makeTcp, .place = loopback, .manyReads = 1'000'000},
    {.name = "unix", .make = makeUnix, .place = anyName},
    {.name = "pipes", .make = makePipes},
    {.name = "child", .make = makeChild},
    {.name = "tlsTcp", .make = makeTcp, .isTls = true, .place = loopback},
    {.name = "tlsUnix", .make = makeUnix, .isTls = true, .place = anyName},
    {.name = "tlsPipes", .make = makePipes, .isTls = true},
    {.name = "tlsChild", .make = makeChild, .isTls = true},
    {.name = "simulated", .make = makeSimulated, .isSimulated = true},
    {.name = "tlsSimulated", .make = makeSimulated, .isTls = true, .isSimulated = true},
};

// ---- TLS

const TlsContext& clientsOfTls() {
  static const TlsContext clients = [] {
    TlsContext made;
    EXPECT_EQ(TlsContext::makeClient(made), std::error_code());
    EXPECT_EQ(made.trust(testAuthority().pem()), std::error_code());
    return made;
  }();
  return clients;
}

const TlsContext& serversOfTls() {
  static const TlsContext servers = [] {
    TlsContext made;
    EXPECT_EQ(TlsContext::makeServer(made), std::error_code());
    EXPECT_EQ(made.useCertificate(serverIdentity().chain, serverIdentity().key), std::error_code());
    return made;
  }();
  return servers;
}

}  // namespace

std::error_code makeClient(TransportContext& context, End& end, TlsStream& client) {
  StreamTransport& input = *end.input();
  StreamTransport& output = *end.output();
  const TlsContext& tls = clientsOfTls();
  if (&input == &output) {
    return TlsStream::client(context, tls, std::move(input), "server.test", {}, client);
  }
  return TlsStream::client(context, tls, std::move(input), std::move(output), "server.test", {},
                           client);
}

std::error_code makeServer(TransportContext& context, End& end, TlsStream& server) {
  StreamTransport& input = *end.input();
  StreamTransport& output = *end.output();
  const TlsContext& tls = serversOfTls();
  if (&input == &output) return TlsStream::server(context, tls, std::move(input), {}, server);
  return TlsStream::server(context, tls, std::move(input), std::move(output), {}, server);
}

std::vector<StreamCase> streamCases(bool (*isWanted)(const StreamKind& kind)) {
  std::vector<StreamCase> cases;
  for (const StreamKind& kind : kinds) {
    if (isWanted != nullptr && !isWanted(kind)) continue;
    if (kind.isSimulated) {
      cases.push_back({kind, simulationKind});
    } else {
      for (const BackendKind& backend : {epollKind, pollKind}) cases.push_back({kind, backend});
    }
  }
  return cases;
}

std::string streamCaseName(const testing::TestParamInfo<StreamCase>& info) {
  return std::string(info.param.kind.name) + "_" + info.param.backend.name;
}

StreamKindTest::StreamKindTest() = default;

StreamKindTest::~StreamKindTest() { EXPECT_EQ(seam_.vainCloses(), 0u); }

std::size_t StreamKindTest::poll(Clock::duration timeout) {
  const PollResult result = reactor_.poll(timeout);
  EXPECT_EQ(result.error, std::error_code()) << result.error.message();
  return result.callbacks;
}

std::string StreamKindTest::randomText(std::size_t size) {
  std::string text(size, '\0');
  std::uint64_t word = 0;
  for (std::size_t i = 0; i < size; ++i) {
    word = i % 8 == 0 ? random_.engine()() : word >> 8;
    text[i] = static_cast<char>(word);
  }
  return text;
}

void StreamKindTest::connect(bool isSmall, const StreamFaults& faults) {
  seam_.setFaults({});
  Ends ends = kind().make({context_, simulation_, children_, isSmall});
  seam_.setFaults(faults);
  if (kind().isTls) return makeSecure(std::move(ends));
  near_ = std::move(ends.near);
  far_ = std::move(ends.far);
}

void StreamKindTest::makeSecure(Ends ends) {
  TlsStream client;
  TlsStream server;
  ok(makeClient(context_, ends.near, client));
  ok(makeServer(context_, ends.far, server));
  Handshake shakes[2];
  ok(client.handshake(shakes[0], Handshake::done, &shakes[0]));
  ok(server.handshake(shakes[1], Handshake::done, &shakes[1]));
  pollUntilDone(shakes[0], shakes[1]);
  ok(shakes[0].error);
  ok(shakes[1].error);
  near_ = End(std::move(client));
  far_ = End(std::move(server));
}

}  // namespace kairos
