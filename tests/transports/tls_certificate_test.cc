// SPDX-License-Identifier: MIT OR Apache-2.0
// Whose certificates a client accepts. Each row is one that only the checks named by it refuse.
#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include <chrono>
#include <string>
#include <string_view>

#include "kairos/tests/transports/tls_fixture.h"

namespace kairos {
namespace {

using namespace std::chrono_literals;

struct Row {
  const char* name;
  Identity (*identity)();
  const char* host;
  const char* refusal;  // in the message; null: it is accepted
};

Identity issue(const CertificateRequest& request) { return testAuthority().issue(request); }

Identity named(const char* names) { return issue({.names = names}); }

// Who reads to the zero byte takes it for the host's.
Identity withZeroByte() {
  return issue({.names = "", .rawName = std::string("server.test\0.evil.test", 22)});
}

const CertificateAuthority& intermediate() {
  static const CertificateAuthority authority = testAuthority().issueAuthority("intermediate");
  return authority;
}

Identity withoutChain() {
  Identity identity = intermediate().issue();
  identity.chain.resize(identity.chain.find("-----END CERTIFICATE-----\n") + 26);
  return identity;
}

constexpr char unknownIssuer[] = "unable to get local issuer certificate";
constexpr char wrongName[] = "hostname mismatch";
constexpr char wrongAddress[] = "IP address mismatch";

const Row rows[] = {
    {"Good", [] { return issue({}); }, "server.test", nullptr},
    {"OtherCase", [] { return issue({}); }, "SERVER.Test", nullptr},
    {"DotAtTheEnd", [] { return issue({}); }, "server.test.", nullptr},
    {"Chained", [] { return intermediate().issue(); }, "server.test", nullptr},
    {"Wildcard", [] { return named("DNS:*.server.test"); }, "a.server.test", nullptr},
    {"Address", [] { return named("IP:127.0.0.1,IP:::1"); }, "127.0.0.1", nullptr},
    {"Address6", [] { return named("IP:127.0.0.1,IP:::1"); }, "::1", nullptr},
    {"WrongHost", [] { return issue({}); }, "other.test", wrongName},
    {"HostBelow", [] { return issue({}); }, "a.server.test", wrongName},
    {"WildcardOfTwo", [] { return named("DNS:*.server.test"); }, "b.a.server.test", wrongName},
    {"WildcardOfAll", [] { return named("DNS:*.test"); }, "server.test", wrongName},
    {"PartialWildcard", [] { return named("DNS:a*.server.test"); }, "aa.server.test", wrongName},
    {"OnlyInTheSubject", [] { return named(""); }, "server.test", wrongName},
    {"AddressAsName", [] { return named("DNS:127.0.0.1"); }, "127.0.0.1", wrongAddress},
    {"WrongAddress", [] { return named("IP:127.0.0.2"); }, "127.0.0.1", wrongAddress},
    {"ZeroByteInTheName", withZeroByte, "server.test", wrongName},
    {"WildcardOfAHostBelow", [] { return named("DNS:*.server.test"); }, "server.test", wrongName},
    {"Expired", [] { return issue({.begin = -2h, .end = -1h}); }, "server.test", "has expired"},
    {"Future", [] { return issue({.begin = 1h, .end = 2h}); }, "server.test", "not yet valid"},
    {"ForClients", [] { return issue({.purpose = "clientAuth"}); }, "server.test",
     "unsuitable certificate purpose"},
    {"WithoutItsIssuer", withoutChain, "server.test", unknownIssuer},
    {"OfAStranger", [] { return CertificateAuthority("Kairos stranger").issue(); }, "server.test",
     unknownIssuer},
    {"OfANamesake", [] { return CertificateAuthority().issue(); }, "server.test",
     "certificate signature failure"},
    {"SelfSigned", [] { return CertificateAuthority::selfSigned(); }, "server.test",
     "self-signed certificate"},
    {"OfALeaf", [] { return CertificateAuthority::fromLeaf(testAuthority()).issue(); },
     "server.test", "invalid CA certificate"},
};

class TlsCertificateTest : public TlsTest {
 protected:
  void use(const Identity& identity) { ok(servers_.useCertificate(identity.chain, identity.key)); }
};

INSTANTIATE_TEST_SUITE_P(Backends, TlsCertificateTest, testing::Values(epollKind), backendName);

TEST_P(TlsCertificateTest, IsAcceptedIfAllOfItIsRight) {
  for (const Row& row : rows) {
    SCOPED_TRACE(row.name);
    clientShake_.error = serverShake_.error = {};
    use(row.identity());
    shakeHands({}, row.host);
    if (row.refusal == nullptr) {
      EXPECT_EQ(clientShake_.error, std::error_code()) << clientShake_.error.message();
      EXPECT_TRUE(client_.isSecure());
      continue;
    }
    EXPECT_EQ(clientShake_.error, std::errc::permission_denied) << clientShake_.error.message();
    EXPECT_NE(clientShake_.error.message().find(row.refusal), std::string::npos)
        << clientShake_.error.message();
    EXPECT_FALSE(client_.isSecure());
  }
}

TEST_P(TlsCertificateTest, IsNotLookedAtByAClientThatIsInsecure) {
  use(CertificateAuthority::selfSigned());
  ok(clients_.insecurelyTrustAnybody());
  shakeHands({}, "other.test");
  expectSecure();
}

// Nobody vouches for a test's certificates to the system.
TEST_P(TlsCertificateTest, IsRefusedByAClientThatTrustsTheSystem) {
  ok(TlsContext::makeClient(clients_));
  shakeHands();
  EXPECT_EQ(clientShake_.error, std::errc::permission_denied);
}

TEST_P(TlsCertificateTest, MayBeOfAnyOfSeveralRoots) {
  const CertificateAuthority other("other root");
  ok(clients_.trust(other.pem()));
  shakeHands();
  expectSecure();
  use(other.issue());
  shakeHands();
  EXPECT_EQ(clientShake_.error, std::error_code());
}

// A bundle of which a part is broken changes nothing: neither whom a client trusts, nor whom a
// server does, nor what that tells its clients.
TEST_P(TlsCertificateTest, IsOfNoRootThatIsInABrokenBundle) {
  const CertificateAuthority other("other root");
  const std::string broken = other.pem() + "-----BEGIN CERTIFICATE-----\nx";
  EXPECT_EQ(clients_.trust(broken), std::errc::protocol_error);
  shakeHands();
  expectSecure();
  use(other.issue());
  shakeHands();
  EXPECT_EQ(clientShake_.error, std::errc::permission_denied);
  EXPECT_EQ(servers_.trust(broken), std::errc::protocol_error);
  EXPECT_EQ(sk_X509_NAME_num(::SSL_CTX_get_client_CA_list(servers_.native())), 0);
}

// The first bundle takes the place of what the system trusts, unless it is broken.
TEST_P(TlsCertificateTest, IsOfTheSystemsRootsAfterABrokenBundle) {
  ok(TlsContext::makeClient(clients_));
  const X509_STORE* const ofSystem = ::SSL_CTX_get_cert_store(clients_.native());
  EXPECT_EQ(clients_.trust("-----BEGIN CERTIFICATE-----\nx"), std::errc::protocol_error);
  EXPECT_EQ(::SSL_CTX_get_cert_store(clients_.native()), ofSystem);
}

TEST_P(TlsCertificateTest, AndItsKeyAreCheckedWhenTheyAreLoaded) {
  const Identity& good = serverIdentity();
  const auto use = [&](std::string_view chain, std::string_view key) {
    return servers_.useCertificate(chain, key);
  };
  EXPECT_EQ(use(good.chain, clientIdentity().key), std::errc::protocol_error);
  EXPECT_EQ(use("", good.key), std::errc::protocol_error);
  EXPECT_EQ(use(good.chain, ""), std::errc::protocol_error);
  EXPECT_EQ(use(good.key, good.key), std::errc::protocol_error);
  EXPECT_EQ(use(good.chain.substr(0, 300), good.key), std::errc::protocol_error);
  EXPECT_EQ(use(good.chain + good.chain.substr(0, 300), good.key), std::errc::protocol_error);
  EXPECT_EQ(clients_.trust(""), std::errc::protocol_error);
  EXPECT_EQ(clients_.trust("-----BEGIN CERTIFICATE-----\nx"), std::errc::protocol_error);
  EXPECT_EQ(clients_.trustFile("/nowhere/roots"), std::errc::no_such_file_or_directory);
  EXPECT_EQ(servers_.useCertificateFiles("/nowhere/chain", "/nowhere/key"),
            std::errc::no_such_file_or_directory);
  EXPECT_EQ(clients_.requireClientCertificates(), std::errc::invalid_argument);
  EXPECT_EQ(servers_.insecurelyTrustAnybody(), std::errc::invalid_argument);
  EXPECT_EQ(TlsContext().trust(good.chain), TransportError::notConnected);
  EXPECT_EQ(use(good.chain, good.key), std::error_code());
  shakeHands();
  expectSecure();
}

// A server that is given its renewed certificate, and finds it broken, goes on with the old one.
TEST_P(TlsCertificateTest, StaysWhenAnotherIsRefused) {
  const Identity renewed = issue({});
  const std::string broken = renewed.chain + renewed.chain.substr(0, 300);
  EXPECT_TRUE(servers_.useCertificate(renewed.chain, clientIdentity().key));
  EXPECT_TRUE(servers_.useCertificate(renewed.chain, ""));
  EXPECT_TRUE(servers_.useCertificate(broken, renewed.key));
  EXPECT_TRUE(servers_.useCertificateFiles("/nowhere/chain", "/nowhere/key"));
  shakeHands();
  expectSecure();
  use(intermediate().issue());
  EXPECT_TRUE(servers_.useCertificate(renewed.chain, ""));
  shakeHands();
  expectSecure();
}

// Beyond what OpenSSL's clients take, and what is sent at once, and any handshake.
TEST_P(TlsCertificateTest, MayBeOneOfMany) {
  const Identity identity = issue({});
  const auto shakeHandsWith = [&](int count) {
    Identity large = identity;
    for (int i = 0; i < count; ++i) large.chain += testAuthority().pem();
    clientShake_.error = serverShake_.error = {};
    use(large);
    shakeHands();
    if (clientShake_.error) client_.close();
    settle();
  };
  shakeHandsWith(150);
  expectSecure();
  shakeHandsWith(400);
  EXPECT_EQ(clientShake_.error, std::errc::protocol_error) << clientShake_.error.message();
  ::SSL_CTX_set_max_cert_list(clients_.native(), 1 << 20);
  shakeHandsWith(400);
  expectSecure();
  exchange(server_, client_, "welcome");
  shakeHandsWith(1000);
  EXPECT_EQ(clientShake_.error, TransportError::overLimit);
  EXPECT_TRUE(serverShake_.error);
  EXPECT_NE(serverShake_.error, std::errc::not_enough_memory);
}

// As native() allows: one server of several names.
TEST_P(TlsCertificateTest, MayBeChosenByTheNameThatTheClientWants) {
  TlsContext others;
  ok(TlsContext::makeServer(others));
  const Identity other = named("DNS:other.test");
  ok(others.useCertificate(other.chain, other.key));
  SSL_CTX_set_tlsext_servername_arg(servers_.native(), others.native());
  SSL_CTX_set_tlsext_servername_callback(
      servers_.native(), +[](SSL* ssl, int*, void* choice) {
        const char* const name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
        if (name == nullptr || name != std::string_view("other.test")) return SSL_TLSEXT_ERR_OK;
        SSL_set_SSL_CTX(ssl, static_cast<SSL_CTX*>(choice));
        return SSL_TLSEXT_ERR_OK;
      });
  for (const std::string_view host : {"server.test", "other.test"}) {
    shakeHands({}, host);
    expectSecure();
    exchange(client_, server_, host);
  }
  others = TlsContext();
  exchange(server_, client_, "OpenSSL keeps what is in use");
}

// It would have to be asked for at the terminal.
TEST_P(TlsCertificateTest, HasAKeyWithoutAPassword) {
  const std::string locked =
      "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
      "MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAi7i6zTt0NLdwICCAAw\n"
      "DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEGOZ/uTyCVKBgpcm8ENFnLcEgZDq\n"
      "-----END ENCRYPTED PRIVATE KEY-----\n";
  EXPECT_EQ(servers_.useCertificate(serverIdentity().chain, locked), std::errc::protocol_error);
}

}  // namespace
}  // namespace kairos
