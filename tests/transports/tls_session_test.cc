// SPDX-License-Identifier: MIT OR Apache-2.0
#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <string>

#include "kairos/tests/transports/tls_fixture.h"

namespace kairos {
namespace {

class TlsSessionTest : public TlsTest {
 protected:
  // The server tells the session along with what it says first.
  TlsSession makeSession(std::string_view host = "server.test") {
    shakeHands({}, host);
    expectSecure();
    exchange(server_, client_, "welcome");
    return client_.session();
  }

  void resume(const TlsSession& session, std::string_view host = "server.test") {
    clientShake_.error = serverShake_.error = {};
    shakeHands({.session = &session}, host);
  }
};

INSTANTIATE_TEST_SUITE_P(Backends, TlsSessionTest, backends(), backendName);

TEST_P(TlsSessionTest, MakesTheNextHandshakeShorter) {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    ASSERT_EQ(SSL_CTX_set_max_proto_version(clients_.native(), version), 1);
    TlsSession session = makeSession();
    ASSERT_FALSE(session.isEmpty());
    EXPECT_FALSE(client_.isResumed());
    client_.close();
    for (int i = 0; i < 2; ++i) {
      resume(session);
      EXPECT_EQ(clientShake_.error, std::error_code());
      EXPECT_TRUE(client_.isResumed() && server_.isResumed());
      exchange(server_, client_, "welcome back");
      session = client_.session();
      ASSERT_FALSE(session.isEmpty());
    }
  }
}

TEST_P(TlsSessionTest, IsEmptyBeforeThereIsOne) {
  EXPECT_TRUE(client_.session().isEmpty());
  makeEnds(pair());
  EXPECT_TRUE(client_.session().isEmpty());
  resume(TlsSession());
  expectSecure();
}

// OpenSSL itself does not look at the name when it resumes.
TEST_P(TlsSessionTest, IsNotTakenForAnotherHost) {
  const TlsSession session = makeSession();
  resume(session, "other.test");
  EXPECT_EQ(clientShake_.error, std::errc::permission_denied);
  EXPECT_FALSE(client_.isSecure());
}

// Nor whether anybody vouched for the certificate.
TEST_P(TlsSessionTest, OfAnInsecureClientIsNoUseToASecureOne) {
  const Identity identity = CertificateAuthority::selfSigned();
  ok(servers_.useCertificate(identity.chain, identity.key));
  TlsContext secure;
  ok(TlsContext::makeClient(secure));
  ok(secure.trust(testAuthority().pem()));
  ok(clients_.insecurelyTrustAnybody());
  const TlsSession session = makeSession();
  clients_ = std::move(secure);
  resume(session);
  EXPECT_EQ(clientShake_.error, std::errc::permission_denied);
}

TEST_P(TlsSessionTest, IsNotResumedByAServerThatDoesNotKnowIt) {
  const TlsSession session = makeSession();
  TlsContext other;
  ok(TlsContext::makeServer(other));
  ok(other.useCertificate(serverIdentity().chain, serverIdentity().key));
  servers_ = std::move(other);
  resume(session);
  EXPECT_EQ(clientShake_.error, std::error_code());
  EXPECT_TRUE(client_.isSecure());
  EXPECT_FALSE(client_.isResumed());
}

// What is sent with the first message could be sent by anybody again. A server does not offer it,
// and takes no notice of a client that does so nevertheless.
TEST_P(TlsSessionTest, CarriesNoEarlyData) {
  const TlsSession session = makeSession();
  SSL_SESSION* const offered = ::SSL_get0_session(client_.native());
  EXPECT_EQ(::SSL_SESSION_get_max_early_data(offered), 0u);
  makeEnds(pair(), {.session = &session});
  SSL* const client = client_.native();
  ASSERT_EQ(::SSL_SESSION_set_max_early_data(::SSL_get0_session(client), 1000), 1);
  std::size_t written = 0;
  ASSERT_EQ(::SSL_write_early_data(client, "early", 5, &written), 1);
  Read read;
  ok(server_.readOnce(read, Read::done, &read));
  clientShake_.error = serverShake_.error = {};
  startHandshakes();
  settle();
  expectSecure();
  EXPECT_EQ(::SSL_get_early_data_status(client), SSL_EARLY_DATA_REJECTED);
  EXPECT_TRUE(read.isPending());
  Write write;
  ok(client_.write(write, "late", Write::done, &write));
  settle();
  EXPECT_EQ(read.data, "late");
}

TEST_P(TlsSessionTest, OutlivesItsStreamAndContexts) {
  TlsSession session = makeSession();
  const TlsSession copy = session;
  client_ = TlsStream();
  clients_ = TlsContext();
  session = TlsSession();
  EXPECT_FALSE(copy.isEmpty());
}

// The streams go on without the handle that they were made with.
TEST_P(TlsSessionTest, StreamsOutliveTheContextOfTls) {
  makeEnds(pair());
  clients_ = TlsContext();
  servers_ = TlsContext();
  startHandshakes();
  settle();
  expectSecure();
  exchange(client_, server_, "hello");
}

}  // namespace
}  // namespace kairos
