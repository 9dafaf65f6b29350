// SPDX-License-Identifier: MIT OR Apache-2.0
// The ends of TLS in every order: farewells, closes, and streams that are destroyed by a callback.
#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <memory>
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
    ok(stream.readToEnd(read, {.limit = 1 << 24}, Read::done, &read));
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

TEST_P(TlsEndTest, ComesOnceForAllThatAskForIt) {
  const std::string much = pattern(1 << 20);
  shakeHands();
  std::string order;
  Write large([&order] { order += 'w'; });
  Write first([&order] { order += '1'; });
  Write second([&order] { order += '2'; });
  Write third([&order] { order += '3'; });
  write(client_, large, much);
  shutdown(client_, first);
  shutdown(client_, second);
  settle();
  EXPECT_EQ(order, "") << "nobody reads";
  large.setThen([&] {
    order += 'w';
    shutdown(client_, third);
  });
  Read read;
  readToEnd(server_, read);
  settle();
  expectEnd(read, much);
  EXPECT_EQ(order, "w123");
  for (const Write* const each : {&first, &second, &third}) {
    EXPECT_EQ(each->error, std::error_code());
  }
}

// One that is destroyed in the queue leaves the stream as it was.
TEST_P(TlsEndTest, DoesNotComeIfItIsForgotten) {
  const std::string much = pattern(1 << 20);
  shakeHands();
  Write large;
  auto forgotten = std::make_unique<Write>();
  write(client_, large, much);
  shutdown(client_, *forgotten);
  forgotten.reset();
  Read read;
  readToEnd(server_, read);
  settle();
  EXPECT_TRUE(read.isPending());
  Write more;
  Write end;
  write(client_, more, "more");
  shutdown(client_, end);
  settle();
  EXPECT_EQ(more.error, std::error_code());
  EXPECT_EQ(end.completions(), 1u);
  expectEnd(read, much + "more");
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
