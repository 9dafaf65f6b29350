// SPDX-License-Identifier: MIT OR Apache-2.0
// A server of ours and `openssl s_client`; for a client of ours see the test of its example.
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kairos/tests/examples/peer_server.h"
#include "kairos/tests/support/child_process.h"
#include "kairos/tests/transports/certificates.h"
#include "kairos/tests/transports/fixture.h"
#include "kairos/transports/stream_server.h"
#include "kairos/transports/tls_stream.h"

namespace kairos {
namespace {

using namespace std::chrono_literals;

class TlsInteropTest : public RealTimeTest {
 protected:
  void SetUp() override {
    openssl_ = findProgram("openssl");
    if (!openssl_) GTEST_SKIP() << "openssl is not installed";
    const Identity server = authority_.issue();
    const Identity client = authority_.issue({.names = "", .purpose = "clientAuth"});
    directory_.write("roots.pem", authority_.pem());
    directory_.write("server.pem", server.chain);
    directory_.write("server.key", server.key);
    directory_.write("client.pem", client.chain);
    directory_.write("client.key", client.key);
    ok(TlsContext::makeServer(tls_));
    ok(tls_.useCertificateFiles(file("server.pem").c_str(), file("server.key").c_str()));
    ok(StreamServer::listen(context_, Address::ipv4({127, 0, 0, 1}, 0), {}, listener_));
    ok(listener_.localAddress(address_));
  }

  static void ok(std::error_code error) { EXPECT_EQ(error, std::error_code()); }

  std::string file(const std::string& name) const { return (directory_.path() / name).string(); }

  void startClient(const std::vector<std::string>& more) {
    ChildProcess::Options options;
    options.command = {*openssl_,
                       "s_client",
                       "-quiet",
                       "-no_ign_eof",
                       "-CAfile",
                       file("roots.pem"),
                       "-connect",
                       address_.toString(),
                       "-servername",
                       "server.test",
                       "-verify_hostname",
                       "server.test",
                       "-verify_return_error"};
    options.command.insert(options.command.end(), more.begin(), more.end());
    options.inputFile = "";
    client_ = std::make_unique<ChildProcess>(std::move(options));
  }

  // Until it is so, or patience is at its end.
  template <class Condition>
  void runUntil(Condition isSo) {
    const auto end = Clock::now() + ChildProcess::patience;
    while (!isSo() && Clock::now() < end) poll(10ms);
    EXPECT_TRUE(isSo()) << client_->errors();
  }

  void accept() {
    Watched<AcceptOperation> accept;
    ok(listener_.accept(accept, accept.done, &accept));
    runUntil([&] { return !accept.isPending(); });
    ok(TlsStream::server(context_, tls_, std::move(accept.stream), {}, stream_));
    ok(stream_.handshake(handshake_, handshake_.done, &handshake_));
    runUntil([&] { return !handshake_.isPending(); });
  }

  // A line there, many bytes back, and an end from either side.
  void talk() {
    Read read;
    client_->write("hello\n");
    ok(stream_.readLine(read, {}, Read::done, &read));
    runUntil([&] { return !read.isPending(); });
    EXPECT_EQ(read.data, "hello");
    std::string bytes = pattern(1 << 20);
    Write write;
    ok(stream_.write(write, bytes, Write::done, &write));
    runUntil([&] { return client_->output().size() == bytes.size(); });
    EXPECT_TRUE(client_->output() == bytes);
    client_->closeInput();
    ok(stream_.readOnce(read, Read::done, &read));
    runUntil([&] { return !read.isPending(); });
    EXPECT_EQ(read.error, std::error_code()) << read.error.message();
    EXPECT_TRUE(read.atEnd);
    EXPECT_EQ(client_->waitForExit(), 0) << client_->errors();
  }

  const CertificateAuthority authority_;
  TemporaryDirectory directory_;
  std::optional<std::string> openssl_;
  TransportContext context_{reactor_};
  TlsContext tls_;
  StreamServer listener_;
  Address address_;
  std::unique_ptr<ChildProcess> client_;
  TlsStream stream_;
  Watched<HandshakeOperation> handshake_;
};

INSTANTIATE_TEST_SUITE_P(Backends, TlsInteropTest, backends(), backendName);

TEST_P(TlsInteropTest, ServesOpensslsClient) {
  for (const char* version : {"-tls1_2", "-tls1_3"}) {
    startClient({version});
    accept();
    ASSERT_EQ(handshake_.error, std::error_code()) << handshake_.error.message();
    talk();
  }
}

TEST_P(TlsInteropTest, AgreesOnAProtocolAndKnowsTheClient) {
  ok(tls_.trustFile(file("roots.pem").c_str()));
  ok(tls_.requireClientCertificates());
  const std::vector<std::string_view> protocols = {"kairos/1", "kairos/0"};
  ok(tls_.setProtocols(protocols));
  startClient(
      {"-alpn", "kairos/0,kairos/1", "-cert", file("client.pem"), "-key", file("client.key")});
  accept();
  ASSERT_EQ(handshake_.error, std::error_code()) << handshake_.error.message();
  EXPECT_EQ(stream_.protocol(), "kairos/1");
  EXPECT_TRUE(stream_.hasPeerCertificate());
  talk();
}

TEST_P(TlsInteropTest, RefusesAClientWithoutACertificateOrAProtocol) {
  const std::vector<std::string_view> protocols = {"kairos/1"};
  ok(tls_.setProtocols(protocols));
  startClient({"-alpn", "other/1"});
  accept();
  EXPECT_EQ(handshake_.error, std::errc::protocol_error);
  EXPECT_NE(client_->waitForExit(), 0);
  ok(tls_.requireClientCertificates());
  startClient({});
  accept();
  EXPECT_EQ(handshake_.error, std::errc::protocol_error);
}

// IL2: killed, it says no farewell.
TEST_P(TlsInteropTest, NoticesAClientThatIsKilled) {
  startClient({});
  accept();
  Read read;
  ok(stream_.readOnce(read, Read::done, &read));
  runUntil([&] { return read.isPending(); });
  client_->signal(SIGKILL);
  runUntil([&] { return !read.isPending(); });
  EXPECT_TRUE(read.error == TlsError::truncated || read.error == std::errc::connection_reset)
      << read.error.message();
}

}  // namespace
}  // namespace kairos
