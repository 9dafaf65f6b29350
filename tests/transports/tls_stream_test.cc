// SPDX-License-Identifier: MIT OR Apache-2.0
#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <sys/ioctl.h>

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kairos/tests/transports/tls_fixture.h"

namespace kairos {
namespace {

using namespace std::chrono_literals;

// One that is secure already.
class TlsStreamTest : public TlsTest {
 protected:
  void SetUp() override {
    shakeHands();
    expectSecure();
  }

  void write(Write& write, std::string_view bytes) {
    ok(client_.write(write, bytes, Write::done, &write));
  }
  void readLine(Read& read, std::size_t limit = 65536) {
    ok(server_.readLine(read, {.limit = limit}, Read::done, &read));
  }
};

INSTANTIATE_TEST_SUITE_P(Backends, TlsStreamTest, backends(), backendName);

TEST_P(TlsStreamTest, ReadsAsAnyStream) {
  Write sent;
  write(sent, "one\r\ntwo--three|abcdefgh2xxrest");
  Read read;
  readLine(read);
  settle();
  EXPECT_EQ(read.data, "one");
  EXPECT_EQ(server_.peek(), "two--three|abcdefgh2xxrest");
  ok(server_.readUntil(read, "--", {}, Read::done, &read));
  settle();
  EXPECT_EQ(read.data, "two--");
  ok(server_.consume(read, 6, Read::done, &read));
  settle();
  EXPECT_EQ(read.bytes, 6u);
  std::array<char, 8> eight;
  ok(server_.readExactly(read, eight, Read::done, &read));
  settle();
  EXPECT_EQ(read.data, "abcdefgh");
  const MessageFunc byDigit = [](void*, std::string_view bytes) {
    return MessageSize{.size = 1 + static_cast<std::size_t>(bytes[0] - '0')};
  };
  ok(server_.readMessage(read, byDigit, {}, Read::done, &read));
  settle();
  EXPECT_EQ(read.data, "2xx");
  std::array<char, 2> two;
  ok(server_.readOnce(read, two, Read::done, &read));
  settle();
  EXPECT_EQ(read.data, "re");
  ok(server_.readOnce(read, Read::done, &read));
  settle();
  EXPECT_EQ(read.data, "st");
  ok(server_.readToEnd(read, {}, Read::done, &read));
  Write end;
  ok(client_.writeOwned(sent, "the end", Write::done, &sent));
  ok(client_.shutdown(end, Write::done, &end));
  settle();
  EXPECT_EQ(read.data, "the end");
  EXPECT_TRUE(read.atEnd && server_.atEnd());
  EXPECT_EQ(read.error, std::error_code());
}

TEST_P(TlsStreamTest, RefusesMisuse) {
  Read read;
  Read second;
  readLine(read);
  EXPECT_EQ(server_.readOnce(second, Read::done, &second), TransportError::busy);
  EXPECT_EQ(client_.readOnce(read, Read::done, &read), TransportError::busy);
  EXPECT_EQ(client_.readLine(second, {.limit = 0}, Read::done, &second),
            std::errc::invalid_argument);
  EXPECT_EQ(client_.readUntil(second, "", {}, Read::done, &second), std::errc::invalid_argument);
  EXPECT_EQ(client_.readUntil(second, "ab", {.limit = 1}, Read::done, &second),
            std::errc::invalid_argument);
  EXPECT_EQ(client_.readOnce(second, std::span<char>(), Read::done, &second),
            std::errc::invalid_argument);
  EXPECT_EQ(client_.readMessage(second, nullptr, {}, Read::done, &second),
            std::errc::invalid_argument);
  Write nothing;
  EXPECT_EQ(client_.write(nothing, "x", nullptr, nullptr), std::errc::invalid_argument);
  EXPECT_FALSE(client_.cancel(second) || client_.cancel(nothing) || client_.cancel(clientShake_));
}

TEST_P(TlsStreamTest, TakesBothStreamsOrNone) {
  Pair ends = pipePair();
  StreamTransport input = adopt(std::move(ends.near));
  StreamTransport output;
  const auto take = [&] {
    return TlsStream::server(context_, servers_, std::move(input), std::move(output), {}, server_);
  };
  EXPECT_EQ(take(), TransportError::notConnected);
  output = adopt(std::move(ends.far));
  EXPECT_TRUE(input.isOpen());
  const std::array<Fd, 2> fds = {input.fd(), output.fd()};
  ok(take());
  EXPECT_FALSE(input.isOpen() || output.isOpen());
  EXPECT_EQ(server_.fd(), fds[0]);
  server_.close();
  EXPECT_FALSE(isOpen(fds[0]) || isOpen(fds[1]));
}

TEST_P(TlsStreamTest, LimitsLines) {
  Write sent;
  write(sent, "12345\n");
  Read read;
  readLine(read, 4);
  settle();
  EXPECT_EQ(read.error, TransportError::overLimit);
  EXPECT_EQ(server_.peek(), "12345\n");
}

TEST_P(TlsStreamTest, WritesInOrderAndCompletesInOrder) {
  std::vector<int> order;
  std::array<Write, 5> writes;
  for (int i = 0; i < 5; ++i) {
    writes[static_cast<std::size_t>(i)].setThen([&order, i] { order.push_back(i); });
  }
  const std::array<std::string_view, 4> parts = {"b", "", "cc", ""};
  Read read;
  ok(server_.readToEnd(read, {}, Read::done, &read));
  write(writes[0], "a");
  ok(client_.write(writes[1], parts, Write::done, &writes[1]));
  write(writes[2], "");
  ok(client_.writeOwned(writes[3], "d", Write::done, &writes[3]));
  ok(client_.shutdown(writes[4], Write::done, &writes[4]));
  EXPECT_TRUE(order.empty());
  settle();
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3, 4}));
  EXPECT_EQ(read.data, "abccd");
  EXPECT_EQ(writes[1].bytes, 3u);
  for (const Write& each : writes) EXPECT_EQ(each.error, std::error_code());
  Write late;
  write(late, "late");
  ok(client_.shutdown(writes[4], Write::done, &writes[4]));
  settle();
  EXPECT_EQ(late.error, TransportError::shutDown);
  EXPECT_EQ(writes[4].error, std::error_code());
}

TEST_P(TlsStreamTest, CompletesAnEmptyWriteAlone) {
  Write empty;
  write(empty, "");
  EXPECT_TRUE(empty.isPending());
  settle();
  EXPECT_EQ(empty.completions(), 1u);
  EXPECT_EQ(empty.error, std::error_code());
}

// After its own farewell an end goes on reading.
TEST_P(TlsStreamTest, ShutsDownOneDirection) {
  Write end;
  ok(client_.shutdown(end, Write::done, &end));
  Read last;
  ok(server_.readOnce(last, Read::done, &last));
  settle();
  EXPECT_EQ(end.error, std::error_code());
  EXPECT_TRUE(last.atEnd && last.data.empty());
  EXPECT_EQ(last.error, std::error_code());
  exchange(server_, client_, "an answer");
  ok(server_.shutdown(end, Write::done, &end));
  ok(client_.readOnce(last, Read::done, &last));
  settle();
  EXPECT_TRUE(last.atEnd);
}

// IL2
TEST_P(TlsStreamTest, TellsATruncationFromAnEnd) {
  Write sent;
  Read tickets;  // unread they would make the close a reset
  write(sent, "half a li");
  ok(client_.readOnce(tickets, Read::done, &tickets));
  settle();
  client_.close();
  Read read;
  readLine(read);
  settle();
  EXPECT_EQ(read.error, TlsError::truncated);
  EXPECT_EQ(read.error, std::errc::connection_aborted);
  EXPECT_FALSE(read.atEnd);
  EXPECT_EQ(server_.peek(), "half a li");
  ok(server_.readOnce(read, Read::done, &read));
  settle();
  EXPECT_EQ(read.data, "half a li") << "what came before is genuine";
  EXPECT_EQ(read.error, std::error_code());
  ok(server_.readOnce(read, Read::done, &read));
  settle();
  EXPECT_EQ(read.error, TlsError::truncated) << "it stays so";
}

// T23: a message's function is asked about the peer's end, not about a truncation.
TEST_P(TlsStreamTest, LetsTheUserDecideWhetherItMayEnd) {
  struct Session : Read {
    std::size_t asked = 0;
  };
  const MessageFunc refuse = [](void* udata, std::string_view bytes) {
    static_cast<Session*>(static_cast<Read*>(udata))->asked += bytes.empty() ? 1u : 0u;
    return MessageSize{.error = std::make_error_code(std::errc::bad_message)};
  };
  for (const bool isOrderly : {true, false}) {
    SCOPED_TRACE(isOrderly);
    shakeHands();
    Read tickets;
    Write end;
    Session session;
    ok(client_.readOnce(tickets, Read::done, &tickets));
    ok(server_.readMessage(session, refuse, {}, Read::done, static_cast<Read*>(&session)));
    settle();
    EXPECT_EQ(session.asked, 0u);
    if (isOrderly) ok(client_.shutdown(end, Write::done, &end));
    settle();
    client_.close();
    settle();
    EXPECT_EQ(session.asked, isOrderly ? 1u : 0u);
    EXPECT_EQ(session.atEnd, isOrderly);
    EXPECT_EQ(session.error, isOrderly ? std::make_error_code(std::errc::bad_message)
                                       : make_error_code(TlsError::truncated));
  }
}

TEST_P(TlsStreamTest, ReportsAReset) {
  Pair ends = tcpPair();
  const Fd far = ends.far.get();
  makeEnds(std::move(ends));
  Handshake first;
  Handshake second;
  ok(client_.handshake(first, Handshake::done, &first));
  ok(server_.handshake(second, Handshake::done, &second));
  settleUntilDone(first);
  settleUntilDone(second);
  Read read;
  ok(client_.readOnce(read, Read::done, &read));
  settle();
  resetOnClose(far);
  server_.close();
  settleUntilDone(read);
  EXPECT_EQ(read.error, std::errc::connection_reset);
}

// Anything in between that changes a bit is found out.
TEST_P(TlsStreamTest, FailsWhenSomebodyMeddles) {
  Read read;
  ok(server_.readOnce(read, Read::done, &read));
  settle();
  const std::string forged(
      "\x17\x03\x03\x00\x20"
      "0123456789abcdef0123456789abcdef",
      37);
  sendAll(client_.fd(), forged);
  settle();
  EXPECT_EQ(read.error, std::errc::protocol_error);
  EXPECT_EQ(read.data, "");
}

TEST_P(TlsStreamTest, ReadsNothingThatNobodyAsksFor) {
  const std::string bytes = pattern(1 << 20);
  Write large;
  write(large, bytes);
  settle();
  EXPECT_TRUE(large.isPending());
  const std::size_t queued = client_.queuedBytes();
  EXPECT_GT(queued, bytes.size() / 2);
  Read read;
  ok(server_.readOnce(read, Read::done, &read));
  settle();
  EXPECT_LE(read.bytes, 32768u);
  EXPECT_LE(queued - client_.queuedBytes(), 131072u);
  EXPECT_TRUE(large.isPending());
  EXPECT_EQ(poll(), 0u) << "and nothing spins";
}

TEST_P(TlsStreamTest, CancelsWhatIsNotEncrypted) {
  const std::string bytes = pattern(1 << 20);
  Write large;
  Write behind;
  write(large, bytes);
  write(behind, "behind");
  EXPECT_FALSE(client_.cancel(large));
  EXPECT_TRUE(client_.cancel(behind));
  EXPECT_FALSE(client_.cancel(behind));
  Read read;
  readLine(read);
  EXPECT_TRUE(server_.cancel(read));
  settle();
  EXPECT_EQ(behind.error, std::errc::operation_canceled);
  EXPECT_EQ(read.error, std::errc::operation_canceled);
  std::string all(bytes.size(), '\0');
  ok(server_.readExactly(read, all, Read::done, &read));
  settle();
  EXPECT_EQ(large.error, std::error_code());
  EXPECT_TRUE(all == bytes);
}

TEST_P(TlsStreamTest, ForgetsDestroyedOperations) {
  auto write = std::make_unique<Write>();
  auto read = std::make_unique<Read>();
  ok(server_.readOnce(*read, Read::done, read.get()));
  this->write(*write, "gone");
  write.reset();
  read.reset();
  settle();
  Read next;
  ok(server_.readOnce(next, Read::done, &next));
  settle();
  EXPECT_EQ(next.data, "gone");
}

TEST_P(TlsStreamTest, BreaksWhenAWriteIsDestroyedHalfway) {
  const std::string bytes = pattern(1 << 20);
  auto torn = std::make_unique<Write>();
  Write behind;
  write(*torn, bytes);
  write(behind, "behind");
  torn.reset();
  settle();
  EXPECT_EQ(behind.error, std::errc::operation_canceled);
}

TEST_P(TlsStreamTest, EndsAllThatIsPendingWhenItIsClosed) {
  const std::string bytes = pattern(1 << 20);
  Write large;
  Write end;
  Read read;
  write(large, bytes);
  ok(client_.shutdown(end, Write::done, &end));
  ok(client_.readOnce(read, Read::done, &read));
  client_.close();
  EXPECT_FALSE(client_.isOpen());
  EXPECT_EQ(large.completions() + end.completions() + read.completions(), 0u);
  settle();
  EXPECT_EQ(large.error, TransportError::closed);
  EXPECT_EQ(end.error, TransportError::closed);
  EXPECT_EQ(read.error, TransportError::closed);
  ok(client_.readOnce(read, Read::done, &read));
  write(large, "x");
  settle();
  EXPECT_EQ(read.error, TransportError::closed);
  EXPECT_EQ(large.error, TransportError::closed);
}

// A peer that asks for new keys as often as it can, and never reads.
TEST_P(TlsStreamTest, IsNotFloodedByRequestsForNewKeys) {
  Read read;
  readLine(read);
  for (int i = 0; i < 200; ++i) {
    ASSERT_EQ(SSL_key_update(client_.native(), SSL_KEY_UPDATE_REQUESTED), 1);
    Write sent;
    write(sent, "x");
    settle();
    ASSERT_EQ(sent.error, std::error_code());
  }
  Write end;
  write(end, "\n");
  settle();
  EXPECT_EQ(read.data, std::string(200, 'x'));
  EXPECT_EQ(read.error, std::error_code());
}

// IL3: the answer to such a request can leave only behind what nobody reads; reading does not wait.
TEST_P(TlsStreamTest, ReadsOnWhileItsAnswersCannotLeave) {
  const std::string bytes = pattern(1 << 20);
  Write stuck;
  ok(server_.write(stuck, bytes, Write::done, &stuck));
  settle();
  EXPECT_TRUE(stuck.isPending());
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(SSL_key_update(client_.native(), SSL_KEY_UPDATE_REQUESTED), 1);
    Write sent;
    write(sent, "line\n");
    Read read;
    readLine(read);
    settle();
    EXPECT_EQ(read.completions(), 1u);
    EXPECT_EQ(read.data, "line");
    EXPECT_EQ(poll(10ms), 0u) << "and nothing spins";
  }
  std::string into(bytes.size(), '\0');
  Read all;
  ok(client_.readExactly(all, into, Read::done, &all));
  settleUntilDone(all);
  EXPECT_TRUE(into == bytes);
  EXPECT_EQ(stuck.error, std::error_code());
}

// IL3: the socket has nothing to tell any more.
TEST_P(TlsStreamTest, ShowsWhatIsDecryptedWithoutWaitingForMore) {
  const std::string bytes = pattern(SSL3_RT_MAX_PLAIN_LENGTH);
  Write sent;
  write(sent, bytes);
  std::array<char, 100> first;
  Read read;
  ok(server_.readExactly(read, first, Read::done, &read));
  settle();
  EXPECT_EQ(read.completions(), 1u);
  int inKernel = -1;
  ASSERT_EQ(::ioctl(server_.fd(), FIONREAD, &inKernel), 0);
  EXPECT_EQ(inKernel, 0);
  std::string all(first.data(), first.size());
  std::string rest(bytes.size() - 200, '\0');
  for (const std::span<char> into : {std::span<char>(first), std::span<char>(rest)}) {
    ok(server_.readExactly(read, into, Read::done, &read));
    settle();
    all.append(into.data(), into.size());
  }
  EXPECT_EQ(read.completions(), 3u);
  EXPECT_TRUE(all == bytes);
}

// IL4: as a client may be asked to by a server that is not ours.
TEST_P(TlsStreamTest, RefusesToNegotiateAgain) {
  ASSERT_EQ(SSL_CTX_set_max_proto_version(clients_.native(), TLS1_2_VERSION), 1);
  SSL_CTX_clear_options(servers_.native(), SSL_OP_NO_RENEGOTIATION);
  shakeHands();
  Read atClient;
  Read atServer;
  ok(client_.readOnce(atClient, Read::done, &atClient));
  ok(server_.readOnce(atServer, Read::done, &atServer));
  ASSERT_EQ(SSL_renegotiate(server_.native()), 1);
  Write sent;
  ok(server_.write(sent, "again?", Write::done, &sent));
  settle();
  EXPECT_EQ(atServer.error, std::errc::protocol_error) << "the client does not want to";
}

TEST_P(TlsStreamTest, EncryptsNothingWhileSomethingIsOnItsWay) {
  Pair ends = pair();
  setSmallBuffers(ends);
  makeEnds(std::move(ends));
  startHandshakes();
  settle();
  const std::string bytes = pattern(40000);
  Write first;
  Write second;
  write(first, bytes);
  write(second, "second");
  settle();
  EXPECT_TRUE(first.isPending() && second.isPending());
  EXPECT_EQ(first.bytes, bytes.size());
  EXPECT_EQ(client_.queuedBytes(), 6u);
  EXPECT_FALSE(client_.cancel(first));
  EXPECT_TRUE(client_.cancel(second));
  EXPECT_EQ(client_.queuedBytes(), 0u);
}

TEST_P(TlsStreamTest, BoundsWhatIsQueued) {
  const std::string bytes = pattern(1 << 20);
  const std::vector<std::string_view> parts(70, bytes);
  Write first;
  Write second;
  ok(client_.write(first, parts, Write::done, &first));
  EXPECT_GT(client_.queuedBytes(), WriteMarks().cap) << "the only one may be large";
  EXPECT_EQ(client_.write(second, "x", Write::done, &second), TransportError::queueFull);
  EXPECT_FALSE(second.isPending());
  EXPECT_EQ(second.completions(), 0u);
  auto dropped = std::make_unique<Write>();
  makeEnds(pair());
  write(*dropped, "waits for the handshake");
  EXPECT_EQ(client_.queuedBytes(), 23u);
  dropped.reset();
  EXPECT_EQ(client_.queuedBytes(), 0u);
}

}  // namespace
}  // namespace kairos
