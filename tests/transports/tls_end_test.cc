// SPDX-License-Identifier: MIT OR Apache-2.0
// The ends of TLS in every order: farewells, closes, and streams that are destroyed by a callback.
#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "kairos/tests/transports/tls_fixture.h"

namespace kairos {
namespace {

class TlsEndTest : public TlsTest {
 protected:
  void shutdown(TlsStream& stream, Write& end) { ok(stream.shutdown(end, Write::done, &end)); }
  void readToEnd(TlsStream& stream, Read& read) {
    ok(stream.readToEnd(read, {}, Read::done, &read));
  }
  void write(TlsStream& stream, Write& write, std::string_view bytes) {
    ok(stream.write(write, bytes, Write::done, &write));
  }

  static void expectEnd(const Read& read, std::string_view data = "") {
    EXPECT_EQ(read.completions(), 1u);
    EXPECT_EQ(read.error, std::error_code()) << read.error.message();
    EXPECT_TRUE(read.atEnd);
    EXPECT_EQ(read.data, data);
  }
};

INSTANTIATE_TEST_SUITE_P(Backends, TlsEndTest, backends(), backendName);

TEST_P(TlsEndTest, MayBeSaidByBothAtOnce) {
  shakeHands();
  Write ends[2];
  Read reads[2];
  shutdown(client_, ends[0]);
  shutdown(server_, ends[1]);
  readToEnd(client_, reads[0]);
  readToEnd(server_, reads[1]);
  settle();
  for (const Write& end : ends) EXPECT_EQ(end.error, std::error_code());
  for (const Read& read : reads) expectEnd(read);
}

// A close in the callback of the shutdown loses nothing; one before it aborts.
TEST_P(TlsEndTest, IsNoTruncationIfTheCloseComesAfterIt) {
  shakeHands();
  exchange(server_, client_, "what OpenSSL sends after the handshake is read too");
  Write last;
  Write end([this] { client_.close(); });
  write(client_, last, "last words");
  shutdown(client_, end);
  Read read;
  readToEnd(server_, read);
  settle();
  expectEnd(read, "last words");
  EXPECT_EQ(last.completions() + end.completions(), 2u);
}

// Nobody listens to what follows a farewell.
TEST_P(TlsEndTest, LetsNothingFollow) {
  shakeHands();
  Write end;
  Read read;
  shutdown(server_, end);
  settle();
  readToEnd(client_, read);
  settle();
  expectEnd(read);
  Read late;
  readToEnd(client_, late);
  settle();
  expectEnd(late);
  EXPECT_TRUE(client_.atEnd());
  exchange(client_, server_, "the other direction goes on");
}

// A peer that has said its farewell, and goes, while we are writing.
TEST_P(TlsEndTest, OfThePeerBreaksTheWritesAlone) {
  const std::string much = pattern(4 << 20);
  shakeHands();
  Write end;
  Read read;
  shutdown(server_, end);
  readToEnd(client_, read);
  Write large;
  Write behind;
  write(client_, large, much);
  write(client_, behind, "behind");
  settle();
  expectEnd(read);
  EXPECT_TRUE(large.isPending());
  server_.close();
  settle();
  EXPECT_EQ(large.completions() + behind.completions(), 2u);
  EXPECT_TRUE(large.error == std::errc::broken_pipe || large.error == std::errc::connection_reset)
      << large.error.message();
  EXPECT_EQ(behind.error, large.error);
  Write late;
  write(client_, late, "late");
  settle();
  EXPECT_EQ(late.error, large.error);
  Read again;
  readToEnd(client_, again);
  settle();
  expectEnd(again);
}

// The callback of each kind of operation destroys the stream, with all others pending.
TEST_P(TlsEndTest, MayComeByAnyCallback) {
  const std::string much = pattern(1 << 20);
  for (int which = 0; which < 4; ++which) {
    SCOPED_TRACE(which);
    Handshake shakes[2];
    Write writes[3];
    Read reads[2];
    const std::function<void()> destroy = [&] { client_ = TlsStream(); };
    if (which == 0) shakes[0].setThen(destroy);
    if (which == 1) writes[0].setThen(destroy);
    if (which == 2) reads[0].setThen(destroy);
    if (which == 3) writes[2].setThen(destroy);
    makeEnds(pair());
    ok(client_.handshake(shakes[0], Handshake::done, &shakes[0]));
    ok(server_.handshake(shakes[1], Handshake::done, &shakes[1]));
    write(client_, writes[0], "first");
    if (which != 3) write(client_, writes[1], much);
    shutdown(client_, writes[2]);
    ok(client_.readOnce(reads[0], Read::done, &reads[0]));
    readToEnd(server_, reads[1]);
    Write answer;
    if (which == 2) write(server_, answer, "answer");
    settle();
    EXPECT_FALSE(client_.isOpen());
    server_.close();
    settle();
    EXPECT_EQ(shakes[0].completions() + reads[0].completions(), 2u);
    EXPECT_EQ(writes[0].completions() + writes[2].completions(), 2u);
    EXPECT_EQ(writes[1].completions(), which != 3 ? 1u : 0u);
    EXPECT_EQ(reads[1].completions(), 1u);
    if (which != 3) {
      EXPECT_EQ(writes[2].error, TransportError::closed);
      EXPECT_TRUE(reads[1].error) << "it lacks something";
    }
  }
}

}  // namespace
}  // namespace kairos
