// SPDX-License-Identifier: MIT OR Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "kairos/tests/examples/peer_server.h"
#include "kairos/tests/support/child_process.h"
#include "kairos/tests/transports/certificates.h"

namespace kairos {
namespace {

using testing::HasSubstr;

// Against `openssl s_server`, which sends each line back reversed.
class TlsClientTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto openssl = findProgram("openssl");
    if (!openssl) GTEST_SKIP() << "openssl is not installed";
    const Identity identity = authority_.issue({.names = "DNS:localhost"});
    directory_.write("roots.pem", authority_.pem());
    directory_.write("chain.pem", identity.chain);
    directory_.write("key.pem", identity.key);
    const auto command = [&](std::uint16_t port) {
      ChildProcess::Options options;
      options.command = {*openssl,        "s_server",        "-rev",
                         "-cert",         file("chain.pem"), "-key",
                         file("key.pem"), "-accept",         "127.0.0.1:" + std::to_string(port)};
      options.inputFile = "";
      return options;
    };
    server_ = PeerServer::start(command, &ChildProcess::waitForOutput, "ACCEPT");
    ASSERT_NE(server_, nullptr);
  }

  std::string file(const std::string& name) const { return (directory_.path() / name).string(); }

  std::unique_ptr<ChildProcess> run(const std::vector<std::string>& arguments,
                                    std::string inputFile = "") const {
    ChildProcess::Options options;
    options.command = {runfile("transports/examples/tls_client")};
    options.command.insert(options.command.end(), arguments.begin(), arguments.end());
    options.inputFile = std::move(inputFile);
    return std::make_unique<ChildProcess>(std::move(options));
  }

  std::string port() const { return std::to_string(server_->port); }

  const CertificateAuthority authority_;
  TemporaryDirectory directory_;
  std::unique_ptr<PeerServer> server_;
};

TEST_F(TlsClientTest, SendsItsInputAndPrintsWhatComes) {
  const auto client = run({"localhost", port(), "--ca", file("roots.pem")});
  client->write("hello\n");
  EXPECT_TRUE(client->waitForOutput("olleh\n")) << client->errors();
  client->write("and again\n");
  EXPECT_TRUE(client->waitForOutput("niaga dna\n")) << client->errors();
  client->closeInput();
  EXPECT_EQ(client->waitForExit(), 0) << client->errors();
}

TEST_F(TlsClientTest, TakesAFileAsInput) {
  directory_.write("input", "one\ntwo\n");
  const auto client = run({"localhost", port(), "--ca", file("roots.pem")}, file("input"));
  EXPECT_EQ(client->waitForExit(), 0) << client->errors();
  EXPECT_EQ(client->output(), "eno\nowt\n");
}

TEST_F(TlsClientTest, TalksToNobodyItCannotVerify) {
  const auto stranger = run({"localhost", port()});
  EXPECT_EQ(stranger->waitForExit(), 1);
  EXPECT_THAT(stranger->errors(), HasSubstr("certificate is not accepted: unable to get local"));
  const auto other = run({"127.0.0.1", port(), "--ca", file("roots.pem")});
  EXPECT_EQ(other->waitForExit(), 1);
  EXPECT_THAT(other->errors(), HasSubstr("IP address mismatch"));
}

TEST_F(TlsClientTest, ExplainsWhatFails) {
  const std::string nobody = std::to_string(BoundSocket(SOCK_STREAM).port);
  EXPECT_EQ(run({"127.0.0.1", nobody})->waitForExit(), 1);
  EXPECT_EQ(run({"127.0.0.1", port(), "--ca", "/nowhere/roots"})->waitForExit(), 1);
  EXPECT_EQ(run({"not a host", port()})->waitForExit(), 1);
  EXPECT_EQ(run({"localhost"})->waitForExit(), 2);
  EXPECT_EQ(run({"localhost", "1", "--roots", "x"})->waitForExit(), 2);
}

}  // namespace
}  // namespace kairos
