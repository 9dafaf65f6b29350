// SPDX-License-Identifier: MIT OR Apache-2.0
// Connecting, for the kinds of streams that can be connected: until they are of use, which with TLS
// is after the handshake. IT10.
#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <set>
#include <string_view>

#include "kairos/tests/transports/server_fixture.h"
#include "kairos/tests/transports/stream_kinds.h"
#include "kairos/transports/connect_any.h"

namespace kairos {
namespace {

using Handshake = Told<HandshakeOperation>;

class StreamKindsConnectTest : public StreamKindTest {
 protected:
  // One end on its way: an operation that gives a stream, and a handshake where that is the custom.
  template <class Operation>
  struct Way {
    using MakeSecure = std::error_code (*)(TransportContext&, End&, TlsStream&);
    using First = Told<Operation>;

    Way(StreamKindsConnectTest& owner, MakeSecure secure) : test(owner), makeSecure(secure) {
      first.setThen([this] { hasStream(); });
      shake.setThen([this] { finish(shake.error); });
    }

    void hasStream() {
      if (first.error || !kind().isTls) return finish(first.error);
      End below(std::move(first.stream));
      ok(makeSecure(test.context_, below, tls));
      ok(tls.handshake(shake, Handshake::done, &shake));
    }

    void finish(std::error_code why) {
      ++results;
      error = why;
    }

    bool isPending() const { return first.isPending() || shake.isPending(); }

    End takeEnd() { return kind().isTls ? End(std::move(tls)) : End(std::move(first.stream)); }

    StreamKindsConnectTest& test;
    const MakeSecure makeSecure;
    First first;
    TlsStream tls;
    Handshake shake;
    int results = 0;
    std::error_code error;
  };

  struct Dial : Way<ConnectOperation> {
    explicit Dial(StreamKindsConnectTest& owner) : Way(owner, makeClient) {
      ok(kairos::connect(owner.context_, first, owner.address_, {}, First::done, &first));
    }

    bool cancel() {
      return first.isPending() ? kairos::cancel(first) : shake.isPending() && tls.cancel(shake);
    }
  };

  struct DialAny : Way<ConnectAnyOperation> {
    DialAny(StreamKindsConnectTest& owner, std::span<const Address> addresses)
        : Way(owner, makeClient) {
      ok(connectAny(owner.context_, first, addresses, {}, First::done, &first));
    }
  };

  struct Answer : Way<AcceptOperation> {
    explicit Answer(StreamKindsConnectTest& owner) : Way(owner, makeServer) {
      ok(owner.server_.accept(first, First::done, &first));
    }
  };

  void listen() {
    ok(StreamServer::listen(context_, kind().place(), {}, server_));
    ok(server_.localAddress(address_));
  }

  template <class Operation>
  void expectOfUse(Way<Operation>& there, Answer& here) {
    pollUntilDone(there, here);
    EXPECT_EQ(there.error, std::error_code()) << there.error.message();
    EXPECT_EQ(there.results, 1);
    near_ = there.takeEnd();
    far_ = here.takeEnd();
    Write write;
    Read read;
    ok(near_.write(write, "words"));
    ok(far_.readOnce(read));
    pollUntilDone(write, read);
    EXPECT_EQ(read.data, "words");
  }

  StreamServer server_;
  Address address_;
};

INSTANTIATE_TEST_SUITE_P(Kinds, StreamKindsConnectTest,
                         testing::ValuesIn(streamCases([](const StreamKind& kind) {
                           return kind.place != nullptr;
                         })),
                         streamCaseName);

TEST_P(StreamKindsConnectTest, GivesOneResult) {
  listen();
  Answer answer(*this);
  Dial dial(*this);
  EXPECT_EQ(dial.results, 0) << "never inside the call";
  expectOfUse(dial, answer);
  settle();
  EXPECT_EQ(dial.results, 1);
}

// The error of a socket is told once: who asks again is told of none.
TEST_P(StreamKindsConnectTest, TellsARefusalOnce) {
  listen();
  server_.close();
  const auto before = openFds();
  const std::size_t asked = seam_.errorsAsked();
  Dial dial(*this);
  pollUntilDone(dial);
  settle();
  EXPECT_EQ(dial.results, 1);
  EXPECT_EQ(dial.error, std::errc::connection_refused);
  EXPECT_FALSE(dial.first.stream.isOpen());
  EXPECT_LE(seam_.errorsAsked() - asked, 1u);
  EXPECT_EQ(openedSince(before), std::set<Fd>());
}

// Cancelled, or destroyed.
TEST_P(StreamKindsConnectTest, LeavesNothingWhereverItIsCancelled) {
  const auto before = openFds();
  std::set<bool> outcomes;
  for (const bool isDropped : {false, true}) {
    for (int steps = 0; steps < 12; ++steps) {
      listen();
      auto answer = std::make_unique<Answer>(*this);
      auto dial = std::make_unique<Dial>(*this);
      for (int i = 0; i < steps; ++i) poll();
      if (!isDropped) {
        const bool isCancelled = dial->cancel();
        outcomes.insert(isCancelled);
        pollUntilDone(*dial);
        EXPECT_EQ(dial->results, 1);
        EXPECT_EQ(dial->error == std::errc::operation_canceled, isCancelled);
        EXPECT_FALSE(dial->cancel());
      }
      dial.reset();
      answer.reset();
      server_.close();
      settle();
      EXPECT_EQ(openedSince(before), std::set<Fd>()) << "after " << steps << " polls";
    }
  }
  // A unix socket is connected at once.
  const bool isEverInTime = kind().isTls || address_.isIpv4();
  EXPECT_EQ(outcomes.contains(true), isEverInTime);
  EXPECT_TRUE(outcomes.contains(false)) << "too late at last";
}

// Of several addresses, of which some refuse.
TEST_P(StreamKindsConnectTest, GivesOneStreamOfSeveralAddresses) {
  std::array<Address, 3> addresses;
  for (Address& address : addresses) {
    listen();
    address = address_;
  }
  const auto before = openFds();
  Answer answer(*this);
  DialAny dial(*this, addresses);
  expectOfUse(dial, answer);
  EXPECT_EQ(openedSince(before).size(), 2u) << "both ends, and none besides";
}

// There is a stream while it is being connected.
class StreamKindsHandshakeTest : public StreamKindsConnectTest {};

INSTANTIATE_TEST_SUITE_P(Kinds, StreamKindsHandshakeTest,
                         testing::ValuesIn(streamCases([](const StreamKind& kind) {
                           return kind.place != nullptr && kind.isTls;
                         })),
                         streamCaseName);

// IT8
TEST_P(StreamKindsHandshakeTest, EndsOnceWhereverItIsClosed) {
  const auto before = openFds();
  for (int steps = 0; steps < 12; ++steps) {
    listen();
    Answer answer(*this);
    Dial dial(*this);
    for (int i = 0; i < steps; ++i) poll();
    const bool isShaking = dial.shake.isPending();
    dial.tls.close();
    dial.tls.close();
    pollUntilDone(dial);
    EXPECT_EQ(dial.results, 1);
    if (isShaking) {
      EXPECT_EQ(dial.error, TransportError::closed);
    }
    answer.tls.close();
    server_.close();
    settle();
  }
  EXPECT_EQ(openedSince(before), std::set<Fd>());
}

// IT2: what waits for a handshake ends with it.
TEST_P(StreamKindsHandshakeTest, EndsAllThatWaitsWhenItIsCancelled) {
  listen();
  Answer answer(*this);
  Dial dial(*this);
  pollUntil([&] { return dial.shake.isPending(); });
  Read read;
  Write write;
  ok(dial.tls.readOnce(read, Read::done, &read));
  ok(dial.tls.write(write, "words", Write::done, &write));
  EXPECT_TRUE(dial.cancel());
  settle();
  EXPECT_EQ(read.error, std::errc::operation_canceled);
  EXPECT_EQ(write.error, std::errc::operation_canceled);
  EXPECT_EQ(read.completions() + write.completions(), 2u);
  EXPECT_EQ(dial.results, 1);
}

}  // namespace
}  // namespace kairos
