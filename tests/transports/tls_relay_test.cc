// SPDX-License-Identifier: MIT OR Apache-2.0
// TLS through somebody in between, who cuts the connection, or changes a bit, at each byte of it.
#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <array>
#include <limits>
#include <string>
#include <string_view>

#include "kairos/tests/transports/tls_fixture.h"

namespace kairos {
namespace {

class TlsRelayTest : public TlsTest {
 protected:
  static constexpr std::size_t never = std::numeric_limits<std::size_t>::max();

  enum class Deed { cut, flip };

  // One direction through the relay.
  struct Way {
    UniqueFd* from = nullptr;
    UniqueFd* to = nullptr;
    std::size_t bytes = 0;
    std::size_t at = never;  // where it is done
  };

  // A question, an answer, and both farewells.
  struct Talk {
    explicit Talk(TlsRelayTest& test) {
      TlsStream& client = test.client_;
      TlsStream& server = test.server_;
      ok(client.handshake(shakes[0], Handshake::done, &shakes[0]));
      ok(server.handshake(shakes[1], Handshake::done, &shakes[1]));
      ok(client.write(writes[0], "question", Write::done, &writes[0]));
      ok(server.write(writes[1], "answer", Write::done, &writes[1]));
      ok(client.shutdown(writes[2], Write::done, &writes[2]));
      ok(server.shutdown(writes[3], Write::done, &writes[3]));
      ok(client.readToEnd(reads[0], {}, Read::done, &reads[0]));
      ok(server.readToEnd(reads[1], {}, Read::done, &reads[1]));
    }

    void expectAllCompletedOnce() const {
      const auto once = [](const auto& each) { EXPECT_EQ(each.completions(), 1u); };
      std::for_each(shakes.begin(), shakes.end(), once);
      std::for_each(reads.begin(), reads.end(), once);
      std::for_each(writes.begin(), writes.end(), once);
    }

    bool isHeard() const { return !reads[0].error && !reads[1].error; }

    // What is read without an error is what was written.
    void expectTruth() const {
      if (!reads[0].error) {
        EXPECT_EQ(reads[0].data, "answer");
      }
      if (!reads[1].error) {
        EXPECT_EQ(reads[1].data, "question");
      }
    }

    std::array<Handshake, 2> shakes;
    std::array<Read, 2> reads;
    std::array<Write, 4> writes;
  };

  void begin() {
    Pair ofClient = pair();
    Pair ofServer = pair();
    makeEnds({std::move(ofClient.near), std::move(ofServer.near)});
    clientsPeer_ = std::move(ofClient.far);
    serversPeer_ = std::move(ofServer.far);
    ways_ = {{{.from = &clientsPeer_, .to = &serversPeer_},
              {.from = &serversPeer_, .to = &clientsPeer_}}};
  }

  // Hands on what has come, at most so many bytes at once. True: there was something.
  bool pass(Way& way, std::size_t most) {
    std::array<char, 16384> chunk;
    if (way.from->get() < 0) return false;
    const ssize_t got = ::read(way.from->get(), chunk.data(), std::min(most, chunk.size()));
    if (got <= 0) return false;
    std::string_view bytes(chunk.data(), static_cast<std::size_t>(got));
    const bool isHere = way.at >= way.bytes && way.at - way.bytes < bytes.size();
    if (isHere && deed_ == Deed::flip) chunk[way.at - way.bytes] ^= 4;
    if (isHere && deed_ == Deed::cut) bytes = bytes.substr(0, way.at - way.bytes);
    way.bytes += bytes.size();
    if (!bytes.empty()) sendAll(way.to->get(), bytes);
    if (isHere && deed_ == Deed::cut) {
      clientsPeer_.reset();
      serversPeer_.reset();
    }
    return true;
  }

  void carry(std::size_t most = never) {
    bool isMoving = true;
    while (isMoving) {
      settle();
      isMoving = pass(ways_[0], most);
      isMoving = pass(ways_[1], most) || isMoving;
    }
  }

  // True: it got that far.
  bool talkUntil(std::size_t way, std::size_t at) {
    SCOPED_TRACE(testing::Message() << "way " << way << ", byte " << at);
    begin();
    ways_[way].at = at;
    const Talk talk(*this);
    carry();
    const bool wasReached = clientsPeer_.get() < 0 || ways_[way].bytes > at;
    clientsPeer_.reset();
    serversPeer_.reset();
    settle();
    talk.expectAllCompletedOnce();
    talk.expectTruth();
    EXPECT_FALSE(deed_ == Deed::cut && wasReached && talk.isHeard());
    return wasReached;
  }

  void sweep(Deed deed, std::size_t step) {
    deed_ = deed;
    const auto before = openFds();
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
      ASSERT_EQ(SSL_CTX_set_max_proto_version(clients_.native(), version), 1);
      for (const std::size_t way : {0u, 1u}) {
        std::size_t at = 0;
        while (talkUntil(way, at) && !HasFailure()) at += step;
        EXPECT_GT(at, 300u);
      }
    }
    client_ = TlsStream();
    server_ = TlsStream();
    EXPECT_TRUE(openedSince(before).empty());
  }

  UniqueFd clientsPeer_;
  UniqueFd serversPeer_;
  std::array<Way, 2> ways_;
  Deed deed_ = Deed::cut;
};

INSTANTIATE_TEST_SUITE_P(Backends, TlsRelayTest, backends(), backendName);

TEST_P(TlsRelayTest, ComesThroughByteByByte) {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    ASSERT_EQ(SSL_CTX_set_max_proto_version(clients_.native(), version), 1);
    begin();
    const Talk talk(*this);
    carry(1);
    talk.expectAllCompletedOnce();
    EXPECT_TRUE(talk.isHeard());
    talk.expectTruth();
  }
}

// IL2: and no cut is taken for an end.
TEST_P(TlsRelayTest, EndsAllOnceWhereverItIsCut) { sweep(Deed::cut, 7); }

TEST_P(TlsRelayTest, ShowsNothingFalseWhateverIsChanged) { sweep(Deed::flip, 7); }

}  // namespace
}  // namespace kairos
