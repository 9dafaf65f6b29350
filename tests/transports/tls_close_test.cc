// SPDX-License-Identifier: MIT OR Apache-2.0
// TLS that is closed behind its writes, and who waits for that or for room.
#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "kairos/tests/transports/tls_fixture.h"

namespace kairos {
namespace {

using Drain = Watched<DrainOperation>;
using Close = Watched<CloseOperation>;

class TlsCloseTest : public TlsTest {
 protected:
  // What TLS 1.3 sends after the handshake is read too: unread, it would reset a connection.
  void shakeHandsAndTalk() {
    shakeHands();
    exchange(server_, client_, "hello");
  }
  void write(Write& write, std::string_view bytes) {
    ok(client_.write(write, bytes, Write::done, &write));
  }
  void closeAfterFlush(Write& close) { ok(client_.closeAfterFlush(close, Write::done, &close)); }
  void waitUntilClosed(Close& close) { ok(client_.waitUntilClosed(close, Close::done, &close)); }
  void waitUntilDrained(Drain& drain) { ok(client_.waitUntilDrained(drain, Drain::done, &drain)); }
  // All that the server gets, which is not cut.
  void expectAtServer(std::string_view bytes) {
    Read read;
    ok(server_.readToEnd(read, {.limit = 1 << 24}, Read::done, &read));
    settle();
    EXPECT_EQ(read.error, std::error_code()) << read.error.message();
    EXPECT_TRUE(read.atEnd);
    EXPECT_TRUE(read.data == bytes);
  }
  std::function<void()> noting(char what) {
    return [this, what] { order_ += what; };
  }

  const std::string much_ = pattern(1 << 20);
  std::string order_;
};

INSTANTIATE_TEST_SUITE_P(Backends, TlsCloseTest, backends(), backendName);

TEST_P(TlsCloseTest, ComesBehindAllElse) {
  shakeHandsAndTalk();
  Close closed(noting('.'));
  waitUntilClosed(closed);
  Read read(noting('r'));
  ok(client_.readOnce(read, Read::done, &read));
  Write large(noting('w'));
  Write close(noting('c'));
  Write second(noting('c'));
  Write end(noting('e'));
  write(large, much_);
  closeAfterFlush(close);
  closeAfterFlush(second);
  ok(client_.shutdown(end, Write::done, &end));
  Write late(noting('l'));
  write(late, "late");
  Drain drain(noting('d'));
  waitUntilDrained(drain);
  EXPECT_FALSE(client_.cancel(close));
  settle();
  EXPECT_EQ(order_, "l") << "nobody reads";
  EXPECT_EQ(late.error, TransportError::shutDown);
  expectAtServer(much_);
  EXPECT_EQ(order_, "ldwercc.");
  for (const Write* const each : {&large, &close, &second, &end}) {
    EXPECT_EQ(each->error, std::error_code());
  }
  EXPECT_EQ(drain.error, std::error_code());
  EXPECT_EQ(read.error, TransportError::closed);
  EXPECT_FALSE(client_.isOpen());
  closeAfterFlush(close);
  settle();
  EXPECT_EQ(close.error, TransportError::closed);
}

TEST_P(TlsCloseTest, ComesAtOnceAfterAFarewell) {
  shakeHandsAndTalk();
  Write end;
  ok(client_.shutdown(end, Write::done, &end));
  settle();
  EXPECT_TRUE(client_.isOpen());
  Write close;
  closeAfterFlush(close);
  EXPECT_EQ(close.completions(), 0u) << "never inside the call";
  settle();
  EXPECT_EQ(close.completions(), 1u);
  EXPECT_EQ(close.error, std::error_code());
  EXPECT_FALSE(client_.isOpen());
  expectAtServer("");
}

TEST_P(TlsCloseTest, WaitsForTheHandshakeAndWhatIsWritten) {
  makeEnds(pair());
  Write words;
  Write close;
  write(words, "words");
  closeAfterFlush(close);
  settle();
  EXPECT_TRUE(close.isPending());
  startHandshakes();
  expectAtServer("words");
  EXPECT_EQ(close.error, std::error_code());
  EXPECT_FALSE(client_.isOpen());
}

// Wherever in a block its ciphertext ends: what comes behind a farewell has nothing to be sent.
TEST_P(TlsCloseTest, ComesBehindAFarewellThatFillsABlock) {
  const std::string much = pattern(3 * 16384);
  for (std::size_t less = 0; less < 240; less += 12) {
    SCOPED_TRACE(less);
    shakeHandsAndTalk();
    Write blocker;
    write(blocker, "x");
    Write words;
    Write end;
    Write close;
    write(words, std::string_view(much).substr(less));
    ok(client_.shutdown(end, Write::done, &end));
    closeAfterFlush(close);
    Read read;
    ok(server_.readToEnd(read, {.limit = 1 << 24}, Read::done, &read));
    settle();
    ASSERT_EQ(end.completions(), 1u);
    ASSERT_EQ(close.completions(), 1u);
    EXPECT_FALSE(client_.isOpen());
  }
}

// It goes on, with its farewell, when nobody is to be told.
TEST_P(TlsCloseTest, ComesAlsoIfItIsForgotten) {
  shakeHandsAndTalk();
  Write large;
  auto close = std::make_unique<Write>();
  write(large, much_);
  closeAfterFlush(*close);
  close.reset();
  Close closed;
  waitUntilClosed(closed);
  expectAtServer(much_);
  EXPECT_EQ(closed.completions(), 1u);
  EXPECT_FALSE(client_.isOpen());
}

TEST_P(TlsCloseTest, SaysWhyNotAllWasSent) {
  enum What { peerGoes, closes, handshakeFails };
  for (const What what : {peerGoes, closes, handshakeFails}) {
    SCOPED_TRACE(what);
    order_.clear();
    Write large(noting('w'));
    Write close(noting('c'));
    Close closed(noting('.'));
    Drain drain(noting('d'));
    if (what == handshakeFails) {
      makeEnds(pair(), {}, "other.test");
      startHandshakes();
    } else {
      shakeHandsAndTalk();
    }
    waitUntilClosed(closed);
    write(large, much_);
    closeAfterFlush(close);
    waitUntilDrained(drain);
    if (what == peerGoes) server_.close();
    if (what == closes) client_.close();
    settle();
    EXPECT_EQ(order_, "wdc.");
    if (what == handshakeFails) {
      EXPECT_TRUE(serverShake_.error) << serverShake_.error.message();
      EXPECT_NE(serverShake_.error, TlsError::truncated) << "it was told why";
    }
    EXPECT_TRUE(large.error);
    EXPECT_EQ(close.error, large.error);
    EXPECT_EQ(drain.error, large.error);
    EXPECT_EQ(closed.error, std::error_code());
    EXPECT_FALSE(client_.isOpen());
  }
}

// A stream that failed is closed by it, and says so.
TEST_P(TlsCloseTest, ClosesWhatHasFailed) {
  makeEnds(pair(), {}, "other.test");
  startHandshakes();
  settle();
  ASSERT_EQ(clientShake_.error, std::errc::permission_denied);
  EXPECT_TRUE(client_.isOpen());
  EXPECT_TRUE(serverShake_.error) << "it was told why";
  Write close;
  closeAfterFlush(close);
  settle();
  EXPECT_EQ(close.error, clientShake_.error);
  EXPECT_FALSE(client_.isOpen());
}

TEST_P(TlsCloseTest, LetsTheirCallbacksDestroyTheStream) {
  for (const char which : {'d', 'c', '.'}) {
    SCOPED_TRACE(which);
    order_.clear();
    const auto does = [this, which](char what) {
      return [this, which, what] {
        order_ += what;
        if (what == which) client_ = TlsStream();
      };
    };
    shakeHandsAndTalk();
    Close closed(does('.'));
    Drain drain(does('d'));
    Write large(does('w'));
    Write close(does('c'));
    waitUntilClosed(closed);
    write(large, much_);
    waitUntilDrained(drain);
    closeAfterFlush(close);
    Read read;
    ok(server_.readToEnd(read, {.limit = 1 << 24}, Read::done, &read));
    settle();
    EXPECT_EQ(order_, "dwc.");
    EXPECT_EQ(close.error, which == 'd' ? TransportError::closed : std::error_code());
    EXPECT_FALSE(client_.isOpen());
  }
}

TEST_P(TlsCloseTest, WaitsAreCancelledDestroyedOrRefused) {
  shakeHandsAndTalk();
  Write large;
  write(large, much_);
  Drain drain;
  Close close;
  waitUntilDrained(drain);
  waitUntilClosed(close);
  EXPECT_FALSE(server_.cancel(drain) || server_.cancel(close)) << "they are of another stream";
  EXPECT_TRUE(client_.cancel(drain) && client_.cancel(close));
  EXPECT_FALSE(client_.cancel(drain) || client_.cancel(close));
  auto dropped = std::make_unique<Drain>();
  auto droppedToo = std::make_unique<Close>();
  waitUntilDrained(*dropped);
  waitUntilClosed(*droppedToo);
  dropped.reset();
  droppedToo.reset();
  settle();
  EXPECT_EQ(drain.error, std::errc::operation_canceled);
  EXPECT_EQ(close.error, std::errc::operation_canceled);

  const auto invalid = std::errc::invalid_argument;
  const auto empty = TransportError::notConnected;
  EXPECT_EQ(client_.setWriteMarks({.high = 1, .low = 2, .cap = 3}), invalid);
  EXPECT_EQ(client_.waitUntilDrained(drain, nullptr, nullptr), invalid);
  EXPECT_EQ(client_.waitUntilClosed(close, nullptr, nullptr), invalid);
  EXPECT_EQ(TlsStream().setWriteMarks({}), empty);
  EXPECT_EQ(TlsStream().waitUntilDrained(drain, Drain::done, &drain), empty);
  EXPECT_EQ(TlsStream().waitUntilClosed(close, Close::done, &close), empty);
  EXPECT_FALSE(TlsStream().isCongested());
  client_.close();
  EXPECT_EQ(client_.setWriteMarks({}), TransportError::closed);
  waitUntilDrained(drain);
  waitUntilClosed(close);
  settle();
  EXPECT_EQ(drain.error, TransportError::closed);
  EXPECT_EQ(close.error, std::error_code());
}

TEST_P(TlsCloseTest, MarksBoundWhatIsQueued) {
  shakeHandsAndTalk();
  ok(client_.setWriteMarks({.high = 1000, .low = 0, .cap = 2 << 20}));
  EXPECT_FALSE(client_.isCongested());
  Write large;
  write(large, much_);
  EXPECT_TRUE(client_.isCongested());
  Write refused;
  const std::string more = pattern(2 << 20);
  EXPECT_EQ(client_.write(refused, more, Write::done, &refused), TransportError::queueFull);
  Drain drain;
  waitUntilDrained(drain);
  settle();
  EXPECT_EQ(drain.completions(), 0u) << "nobody reads";
  Write queued;
  write(queued, "taken back");
  ok(client_.setWriteMarks({.high = 2 << 20, .low = 1 << 20, .cap = 2 << 20}));
  settle();
  EXPECT_EQ(drain.completions(), 1u) << "that is little now";
  EXPECT_FALSE(client_.isCongested());
  client_.close();
  settle();
}

// A ticket comes in two parts, between which a client can say nothing. The test carries the bytes.
class TlsTicketTest : public TlsCloseTest {
 protected:
  TlsTicketTest() {
    Pair near = pair();
    Pair far = pair();
    ok(TlsStream::client(context_, clients_, adopt(std::move(near.near)), "server.test", {},
                         client_));
    ok(TlsStream::server(context_, servers_, adopt(std::move(far.near)), {}, server_));
    toClient_ = std::move(near.far);
    toServer_ = std::move(far.far);
    startHandshakes();
    carry();
    ok(client_.readOnce(read_, Read::done, &read_));
    carry();
    expectSecure();
  }

  // To the client so many bytes at most. How many there were.
  std::size_t carryToClient(std::size_t atMost) {
    settle();
    waiting_ += receiveAll(toServer_.get());
    const std::string bytes = waiting_.substr(0, atMost);
    waiting_.erase(0, bytes.size());
    if (!bytes.empty()) sendAll(toClient_.get(), bytes);
    settle();
    return bytes.size();
  }
  // All, until nothing goes on.
  void carry() {
    for (std::size_t carried = 1; carried != 0;) {
      carried = carryToClient(std::string::npos);
      const std::string bytes = receiveAll(toClient_.get());
      carried += bytes.size();
      if (!bytes.empty()) sendAll(toServer_.get(), bytes);
    }
  }

  void receivePartOfATicket() {
    const std::string inTicket(600, 'x');
    SSL* const server = server_.native();
    ASSERT_EQ(::SSL_SESSION_set1_ticket_appdata(::SSL_get0_session(server), inTicket.data(),
                                                inTicket.size()),
              1);
    ASSERT_EQ(::SSL_set_max_send_fragment(server, 512), 1);
    ASSERT_EQ(::SSL_new_session_ticket(server), 1);
    ok(server_.write(words_, "words", Write::done, &words_));
    carryToClient(700);
    ASSERT_FALSE(waiting_.empty());
  }

  UniqueFd toClient_;
  UniqueFd toServer_;
  std::string waiting_;
  Read read_;
  Write words_;
};

INSTANTIATE_TEST_SUITE_P(Backends, TlsTicketTest, backends(), backendName);

TEST_P(TlsTicketTest, IsReadToItsEndBeforeTheFarewell) {
  receivePartOfATicket();
  Write end;
  Write close;
  ok(client_.shutdown(end, Write::done, &end));
  closeAfterFlush(close);
  settle();
  ASSERT_TRUE(end.isPending() && close.isPending()) << end.error.message();
  ASSERT_TRUE(read_.isPending()) << read_.error.message();
  Read atServer;
  ok(server_.readOnce(atServer, Read::done, &atServer));
  carry();
  EXPECT_EQ(end.completions(), 1u);
  EXPECT_EQ(close.completions(), 1u);
  EXPECT_EQ(end.error, std::error_code()) << end.error.message();
  EXPECT_EQ(close.error, std::error_code());
  EXPECT_EQ(atServer.error, std::error_code());
  EXPECT_TRUE(atServer.atEnd);
}

TEST_P(TlsTicketTest, FailsWhatWaitsForItsEndWithTheConnection) {
  Write unread;
  write(unread, "unread, so that the end is a reset");
  receivePartOfATicket();
  Write close;
  closeAfterFlush(close);
  settle();
  ASSERT_TRUE(close.isPending());
  toClient_.reset();
  settle();
  EXPECT_EQ(close.completions(), 1u);
  EXPECT_TRUE(close.error);
  EXPECT_FALSE(client_.isOpen());
}

}  // namespace
}  // namespace kairos
