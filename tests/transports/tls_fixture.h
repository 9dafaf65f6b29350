// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TESTS_TRANSPORTS_TLS_FIXTURE_H_
#define KAIROS_TESTS_TRANSPORTS_TLS_FIXTURE_H_

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <string>
#include <string_view>
#include <utility>

#include "kairos/tests/transports/certificates.h"
#include "kairos/tests/transports/fixture.h"
#include "kairos/transports/tls_stream.h"

namespace kairos {

using Handshake = Watched<HandshakeOperation>;

inline const CertificateAuthority& testAuthority() {
  static const CertificateAuthority authority;
  return authority;
}

inline const Identity& serverIdentity() {
  static const Identity identity = testAuthority().issue();
  return identity;
}

inline const Identity& clientIdentity() {
  static const Identity identity =
      testAuthority().issue({.subject = "client", .names = "", .purpose = "clientAuth"});
  return identity;
}

// Of the kernel, so that hardly a record fits.
inline void setSmallBuffers(const Pair& ends) {
  const int bytes = 4608;
  for (const Fd fd : {ends.near.get(), ends.far.get()}) {
    ASSERT_EQ(::setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes), 0);
    ASSERT_EQ(::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes), 0);
  }
}

// A client and a server of TLS in one loop, on both ends of a pair of sockets.
class TlsTest : public StreamTest {
 protected:
  TlsTest() {
    ok(TlsContext::makeClient(clients_));
    ok(clients_.trust(testAuthority().pem()));
    ok(TlsContext::makeServer(servers_));
    ok(servers_.useCertificate(serverIdentity().chain, serverIdentity().key));
  }

  void makeEnds(Pair ends, const TlsOptions& clientOptions = {},
                std::string_view host = "server.test") {
    ok(TlsStream::client(context_, clients_, adopt(std::move(ends.near)), host, clientOptions,
                         client_));
    ok(TlsStream::server(context_, servers_, adopt(std::move(ends.far)), {}, server_));
  }

  void startHandshakes() {
    ok(client_.handshake(clientShake_, Handshake::done, &clientShake_));
    ok(server_.handshake(serverShake_, Handshake::done, &serverShake_));
  }

  // Both ends, until neither can go on.
  void shakeHands(const TlsOptions& clientOptions = {}, std::string_view host = "server.test") {
    makeEnds(pair(), clientOptions, host);
    startHandshakes();
    settle();
  }

  // Only with the server's end, or the client's; the other is `far_`.
  void serveRaw(Pair ends = pair()) {
    ok(TlsStream::server(context_, servers_, adopt(std::move(ends.near)), {}, server_));
    far_ = std::move(ends.far);
    ok(server_.handshake(serverShake_, Handshake::done, &serverShake_));
  }
  void dialRaw(Pair ends = pair()) {
    ok(TlsStream::client(context_, clients_, adopt(std::move(ends.near)), "server.test", {},
                         client_));
    far_ = std::move(ends.far);
    ok(client_.handshake(clientShake_, Handshake::done, &clientShake_));
  }

  void expectSecure() {
    EXPECT_EQ(clientShake_.error, std::error_code());
    EXPECT_EQ(serverShake_.error, std::error_code());
    EXPECT_TRUE(client_.isSecure() && server_.isSecure());
  }

  // What one end writes the other reads.
  void exchange(TlsStream& from, TlsStream& to, std::string_view words) {
    Write write;
    Read read;
    ok(to.readOnce(read, Read::done, &read));
    ok(from.write(write, words, Write::done, &write));
    settle();
    EXPECT_EQ(write.completions() + read.completions(), 2u);
    EXPECT_EQ(write.error, std::error_code());
    EXPECT_EQ(read.error, std::error_code());
    EXPECT_EQ(read.data, words);
  }

  TlsContext clients_;
  TlsContext servers_;
  TlsStream client_;
  TlsStream server_;
  Handshake clientShake_;
  Handshake serverShake_;
};

}  // namespace kairos

#endif  // KAIROS_TESTS_TRANSPORTS_TLS_FIXTURE_H_
