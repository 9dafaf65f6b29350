// SPDX-License-Identifier: MIT OR Apache-2.0
#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <array>
#include <string>
#include <string_view>

#include "kairos/tests/support/no_surprises.h"
#include "kairos/tests/transports/tls_fixture.h"

namespace kairos {
namespace {

using namespace std::chrono_literals;

class TlsHandshakeTest : public TlsTest {
 protected:
  void setProtocols(TlsContext& tls, std::initializer_list<std::string_view> names) {
    ok(tls.setProtocols({names.begin(), names.size()}));
  }
};

INSTANTIATE_TEST_SUITE_P(Backends, TlsHandshakeTest, backends(), backendName);

TEST_P(TlsHandshakeTest, MakesBothEndsSecure) {
  const auto before = openFds();
  shakeHands();
  expectSecure();
  EXPECT_EQ(clientShake_.completions(), 1u);
  EXPECT_EQ(serverShake_.completions(), 1u);
  EXPECT_EQ(client_.protocol(), "");
  EXPECT_FALSE(client_.isResumed());
  EXPECT_TRUE(client_.hasPeerCertificate());
  EXPECT_FALSE(server_.hasPeerCertificate());
  EXPECT_STREQ(SSL_get_version(client_.native()), "TLSv1.3");
  EXPECT_STREQ(SSL_get_servername(server_.native(), TLSEXT_NAMETYPE_host_name), "server.test");
  exchange(client_, server_, "hello");
  exchange(server_, client_, "welcome");
  client_ = TlsStream();
  server_ = TlsStream();
  EXPECT_TRUE(openedSince(before).empty());
}

// IX3, IX6: with whatever OpenSSL reads and does when it is used first.
TEST_P(TlsHandshakeTest, LeavesTheProcessAsItWas) {
  const NoSurprises none;
  TlsContext ofSystem;
  ok(TlsContext::makeClient(ofSystem));
  shakeHands();
  expectSecure();
  shakeHands({}, "other.test");
  EXPECT_TRUE(clientShake_.error);
  EXPECT_TRUE(servers_.useCertificate(serverIdentity().chain, "no key"));
}

TEST_P(TlsHandshakeTest, CompletesNeverInsideTheCall) {
  makeEnds(pair());
  ok(client_.handshake(clientShake_, Handshake::done, &clientShake_));
  EXPECT_TRUE(clientShake_.isPending());
  EXPECT_EQ(client_.handshake(serverShake_, Handshake::done, nullptr), std::errc::invalid_argument);
  client_.close();
  EXPECT_EQ(clientShake_.completions(), 0u);
  settle();
  EXPECT_EQ(clientShake_.completions(), 1u);
  EXPECT_EQ(clientShake_.error, TransportError::closed);
}

// IL1: what was written before the peer is verified does not leave.
TEST_P(TlsHandshakeTest, HoldsReadsAndWritesBack) {
  makeEnds(pair());
  Write early;
  Read read;
  ok(client_.write(early, "early", Write::done, &early));
  ok(server_.readOnce(read, Read::done, &read));
  settle();
  EXPECT_TRUE(early.isPending() && read.isPending());
  EXPECT_EQ(client_.queuedBytes(), 5u);
  startHandshakes();
  settle();
  expectSecure();
  EXPECT_EQ(read.data, "early");
  EXPECT_EQ(early.error, std::error_code());
  EXPECT_EQ(client_.queuedBytes(), 0u);
}

TEST_P(TlsHandshakeTest, LetsNothingOutToAPeerThatIsRefused) {
  makeEnds(pair(), {}, "other.test");
  Write early;
  Read read;
  Read answer;
  ok(client_.write(early, "early", Write::done, &early));
  ok(client_.readOnce(answer, Read::done, &answer));
  ok(server_.readOnce(read, Read::done, &read));
  startHandshakes();
  settle();
  EXPECT_EQ(clientShake_.error, std::errc::permission_denied);
  EXPECT_EQ(early.error, clientShake_.error);
  EXPECT_EQ(answer.error, clientShake_.error);
  EXPECT_EQ(early.bytes, 0u);
  EXPECT_EQ(serverShake_.error, std::errc::protocol_error) << "the alert has come";
  EXPECT_EQ(read.error, std::errc::protocol_error);
  EXPECT_EQ(read.data, "");
  Write late;
  ok(client_.write(late, "late", Write::done, &late));
  settle();
  EXPECT_EQ(late.error, clientShake_.error);
}

TEST_P(TlsHandshakeTest, SpeaksAlsoTls12AndNothingOlder) {
  ASSERT_EQ(SSL_CTX_set_max_proto_version(clients_.native(), TLS1_2_VERSION), 1);
  shakeHands();
  expectSecure();
  EXPECT_STREQ(SSL_get_version(client_.native()), "TLSv1.2");
  exchange(client_, server_, "hello");
  SSL_CTX_set_security_level(clients_.native(), 0);
  SSL_CTX_set_security_level(servers_.native(), 0);
  ASSERT_EQ(SSL_CTX_set_min_proto_version(clients_.native(), TLS1_VERSION), 1);
  ASSERT_EQ(SSL_CTX_set_max_proto_version(clients_.native(), TLS1_1_VERSION), 1);
  shakeHands();
  EXPECT_EQ(serverShake_.error, std::errc::protocol_error);
  EXPECT_EQ(clientShake_.error, std::errc::protocol_error);
}

TEST_P(TlsHandshakeTest, RefusesServersThatSpeakOnlySomethingOlder) {
  SSL_CTX_set_security_level(clients_.native(), 0);
  SSL_CTX_set_security_level(servers_.native(), 0);
  ASSERT_EQ(SSL_CTX_set_min_proto_version(servers_.native(), TLS1_VERSION), 1);
  ASSERT_EQ(SSL_CTX_set_max_proto_version(servers_.native(), TLS1_1_VERSION), 1);
  shakeHands();
  EXPECT_EQ(clientShake_.error, std::errc::protocol_error);
  EXPECT_EQ(serverShake_.error, std::errc::protocol_error);
  ASSERT_EQ(SSL_CTX_set_min_proto_version(clients_.native(), TLS1_VERSION), 1);
  shakeHands();
  expectSecure();
}

TEST_P(TlsHandshakeTest, AgreesOnTheProtocolThatTheServerLikesBest) {
  setProtocols(clients_, {"http/1.1", "h2"});
  setProtocols(servers_, {"h3", "h2", "http/1.1"});
  shakeHands();
  expectSecure();
  EXPECT_EQ(client_.protocol(), "h2");
  EXPECT_EQ(server_.protocol(), "h2");
}

TEST_P(TlsHandshakeTest, FailsWithoutAProtocolInCommon) {
  setProtocols(clients_, {"h2"});
  setProtocols(servers_, {"smtp"});
  shakeHands();
  EXPECT_EQ(serverShake_.error, std::errc::protocol_error);
  EXPECT_EQ(clientShake_.error, std::errc::protocol_error);
}

TEST_P(TlsHandshakeTest, AgreesOnNoProtocolIfOneEndHasNone) {
  setProtocols(clients_, {"h2"});
  shakeHands();
  expectSecure();
  EXPECT_EQ(client_.protocol(), "");
}

TEST_P(TlsHandshakeTest, RefusesListsOfProtocolsThatDoNotFit) {
  const std::string longest(254, 'x');
  const auto set = [&](std::initializer_list<std::string_view> names) {
    return servers_.setProtocols({names.begin(), names.size()});
  };
  EXPECT_EQ(set({longest}), std::error_code());
  EXPECT_EQ(set({longest + "x"}), std::errc::invalid_argument);
  EXPECT_EQ(set({longest, "x"}), std::errc::invalid_argument);
  EXPECT_EQ(set({"x", ""}), std::errc::invalid_argument);
  EXPECT_EQ(set({}), std::errc::invalid_argument);
  setProtocols(clients_, {longest});
  shakeHands();
  EXPECT_EQ(client_.protocol(), longest) << "the list before is as it was";
}

TEST_P(TlsHandshakeTest, KnowsClientsByTheirCertificates) {
  ok(servers_.trust(testAuthority().pem()));
  ok(servers_.requireClientCertificates());
  ok(clients_.useCertificate(clientIdentity().chain, clientIdentity().key));
  shakeHands();
  expectSecure();
  EXPECT_TRUE(server_.hasPeerCertificate());
  exchange(server_, client_, "welcome");
  const auto* const told = ::SSL_get0_peer_CA_list(client_.native());
  ASSERT_EQ(sk_X509_NAME_num(told), 1) << "whose certificates would do";
  char name[100];
  EXPECT_STREQ(::X509_NAME_oneline(sk_X509_NAME_value(told, 0), name, sizeof name),
               "/CN=Kairos test root");
}

// A client of TLS 1.3 is done before the server looks at its certificate, or misses it.
TEST_P(TlsHandshakeTest, RefusesClientsWithoutACertificate) {
  ok(servers_.trust(testAuthority().pem()));
  ok(servers_.requireClientCertificates());
  shakeHands();
  EXPECT_EQ(clientShake_.error, std::error_code());
  EXPECT_EQ(serverShake_.error, std::errc::protocol_error);
  Read read;
  ok(client_.readOnce(read, Read::done, &read));
  settle();
  EXPECT_EQ(read.error, std::errc::protocol_error);
  EXPECT_NE(read.error.message().find("certificate required"), std::string::npos)
      << read.error.message();
}

TEST_P(TlsHandshakeTest, RefusesClientsThatNobodyVouchesFor) {
  const CertificateAuthority stranger("stranger");
  const Identity unknown = stranger.issue({.names = "", .purpose = "clientAuth"});
  ok(servers_.trust(testAuthority().pem()));
  ok(servers_.acceptClientCertificates());
  shakeHands();
  expectSecure();
  EXPECT_FALSE(server_.hasPeerCertificate());
  for (const Identity& identity : {unknown, serverIdentity()}) {
    ok(clients_.useCertificate(identity.chain, identity.key));
    shakeHands();
    EXPECT_EQ(serverShake_.error, std::errc::permission_denied);
  }
}

// IL4
TEST_P(TlsHandshakeTest, EndsByItsTimeLimit) {
  Pair ends = pair();
  ok(TlsStream::client(context_, clients_, adopt(std::move(ends.near)), "server.test",
                       {.handshakeTimeout = 5s}, client_));
  ok(client_.handshake(clientShake_, Handshake::done, &clientShake_));
  settleUntilDone(clientShake_);
  EXPECT_EQ(clientShake_.error, std::errc::timed_out);
  EXPECT_EQ(time_.elapsed(), 5s);
}

// IL4: without being told, at 30 s, although a byte comes each second.
TEST_P(TlsHandshakeTest, IsNotDrawnOutByASlowPeer) {
  std::string hello("\x16\x03\x01\x01\x00\x01\x00\x00\xfc\x03\x03", 11);
  hello.resize(261, '\0');
  const auto drip = [&](const Handshake& shake) {
    const auto begin = time_.elapsed();
    for (const char byte : hello) {
      if (!shake.isPending()) break;
      ASSERT_EQ(::write(far_.get(), &byte, 1), 1);
      settle();
      const auto since = time_.elapsed();
      while (shake.isPending() && time_.elapsed() - since < 1s) poll(since + 1s - time_.elapsed());
    }
    EXPECT_EQ(shake.error, std::errc::timed_out);
    EXPECT_EQ(time_.elapsed() - begin, 30s);
    EXPECT_EQ(poll(1h), 0u);
  };
  serveRaw();
  drip(serverShake_);
  dialRaw();
  drip(clientShake_);
}

TEST_P(TlsHandshakeTest, LeavesNoTimerBehind) {
  shakeHands();
  expectSecure();
  EXPECT_EQ(poll(24h), 0u);
}

TEST_P(TlsHandshakeTest, FailsWithAPeerThatSpeaksSomethingElse) {
  for (const std::string_view words : {"GET / HTTP/1.0\r\n\r\n", "SSH-2.0-OpenSSH_9.2\r\n", "\n"}) {
    SCOPED_TRACE(words);
    serveRaw();
    sendAll(far_.get(), words);
    far_.reset();
    settle();
    EXPECT_TRUE(serverShake_.error == std::errc::protocol_error ||
                serverShake_.error == TlsError::truncated)
        << serverShake_.error.message();
    dialRaw();
    sendAll(far_.get(), words);
    ::shutdown(far_.get(), SHUT_WR);
    settle();
    EXPECT_TRUE(clientShake_.error == std::errc::protocol_error ||
                clientShake_.error == TlsError::truncated)
        << clientShake_.error.message();
  }
}

// Their beginning is enough where OpenSSL has no room for the rest.
TEST_P(TlsHandshakeTest, RefusesRecordsThatAreTooLarge) {
  const auto head = [](char type, unsigned size) {
    return std::string{type, 3, 3, static_cast<char>(size >> 8), static_cast<char>(size)};
  };
  const std::string body(16385, '\1');
  for (const std::string& record : {head(22, 65535), head(22, 16385) + body}) {
    serveRaw();
    sendAll(far_.get(), record);
    settle();
    EXPECT_EQ(serverShake_.error, std::errc::protocol_error);
  }
  for (const unsigned size : {16384u + 257u, 65535u}) {
    shakeHands();
    expectSecure();
    Read read;
    ok(server_.readOnce(read, Read::done, &read));
    sendAll(client_.fd(), head(23, size));
    settle();
    EXPECT_EQ(read.completions(), 1u);
    EXPECT_EQ(read.error, std::errc::protocol_error);
    EXPECT_EQ(read.data, "");
  }
}

TEST_P(TlsHandshakeTest, FailsWhenThePeerGoes) {
  serveRaw();
  far_.reset();
  settle();
  EXPECT_EQ(serverShake_.error, TlsError::truncated);
  EXPECT_EQ(serverShake_.error, std::errc::connection_aborted);
}

// Before a word, and in the middle of a hello.
TEST_P(TlsHandshakeTest, FailsWhenThePeerResets) {
  for (const std::string_view words : {"", "\x16\x03\x01"}) {
    for (const bool isServer : {false, true}) {
      const auto before = openFds();
      isServer ? serveRaw(tcpPair()) : dialRaw(tcpPair());
      Handshake& shake = isServer ? serverShake_ : clientShake_;
      Read read;
      ok((isServer ? server_ : client_).readOnce(read, Read::done, &read));
      sendAll(far_.get(), words);
      settle();
      resetOnClose(far_.get());
      far_.reset();
      settleUntilDone(shake);
      settle();
      EXPECT_EQ(shake.error, std::errc::connection_reset);
      EXPECT_EQ(read.error, std::errc::connection_reset);
      EXPECT_EQ(read.completions(), 1u);
      (isServer ? server_ : client_).close();
      EXPECT_TRUE(openedSince(before).empty());
    }
  }
}

// IL4: as many messages as the peer likes, which mean nothing.
TEST_P(TlsHandshakeTest, EndsAFloodOfWarnings) {
  serveRaw();
  const std::string alert("\x15\x03\x03\x00\x02\x01\x5a", 7);
  std::string flood;
  for (int i = 0; i < 1000; ++i) flood += alert;
  for (int i = 0; i < 100 && serverShake_.isPending(); ++i) {
    if (::write(far_.get(), flood.data(), flood.size()) < 0) break;
    settle();
  }
  EXPECT_EQ(serverShake_.completions(), 1u);
  EXPECT_EQ(serverShake_.error, std::errc::protocol_error);
}

TEST_P(TlsHandshakeTest, RefusesWhatMakesNoSense) {
  TlsStream stream;
  const auto client = [&](std::string_view host, const TlsOptions& options = {}) {
    StreamTransport below = adopt(std::move(pair().near));
    const auto error =
        TlsStream::client(context_, clients_, std::move(below), host, options, stream);
    EXPECT_EQ(below.isOpen(), static_cast<bool>(error)) << "it stays the caller's";
    return error;
  };
  const std::string_view withZero("a\0b", 3);
  for (const std::string_view host : {"", ".", ".test", "a b", "h\xc3\xb6st", "a\n"}) {
    EXPECT_EQ(client(host), std::errc::invalid_argument) << host;
  }
  EXPECT_EQ(client(withZero), std::errc::invalid_argument);
  EXPECT_EQ(client(std::string(254, 'a')), std::errc::invalid_argument);
  EXPECT_EQ(client("a", {.handshakeTimeout = 0s}), std::errc::invalid_argument);
  EXPECT_EQ(client("server.test."), std::error_code());
  EXPECT_EQ(client("::1"), std::error_code());
  StreamTransport empty;
  EXPECT_EQ(TlsStream::client(context_, clients_, std::move(empty), "a", {}, stream),
            TransportError::notConnected);
  StreamTransport below = adopt(std::move(pair().near));
  EXPECT_EQ(TlsStream::server(context_, clients_, std::move(below), {}, stream),
            std::errc::invalid_argument);
  EXPECT_EQ(TlsStream::client(context_, {}, std::move(below), "a", {}, stream),
            TransportError::notConnected);
  Read read;
  EXPECT_EQ(TlsStream().readOnce(read, Read::done, &read), TransportError::notConnected);
  EXPECT_EQ(stream.readOnce(read, nullptr, &read), std::errc::invalid_argument);
  EXPECT_EQ(stream.handshake(clientShake_, nullptr, nullptr), std::errc::invalid_argument);
}

}  // namespace
}  // namespace kairos
