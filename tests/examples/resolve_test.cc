// SPDX-License-Identifier: MIT OR Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "kairos/tests/examples/dns_server.h"
#include "kairos/tests/examples/peer_server.h"
#include "kairos/tests/support/child_process.h"

namespace kairos {
namespace {

using testing::HasSubstr;

using Manner = DnsServer::Manner;

class ResolveTest : public testing::Test {
 protected:
  std::unique_ptr<ChildProcess> resolve(const std::vector<std::string>& arguments) const {
    return run("127.0.0.1:" + std::to_string(server_.port()), arguments);
  }

  static std::unique_ptr<ChildProcess> run(const std::string& server,
                                           const std::vector<std::string>& arguments) {
    ChildProcess::Options options;
    options.command = {runfile("reactor/examples/resolve"), "--server", server};
    options.command.insert(options.command.end(), arguments.begin(), arguments.end());
    return std::make_unique<ChildProcess>(std::move(options));
  }

  DnsServer server_{{
      {"one.test", {{"192.0.2.1"}}},
      {"two.test", {{"192.0.2.2", "192.0.2.3"}}},
      {"silent.test", {{"192.0.2.4"}, Manner::silent}},
      {"forgetful.test", {{"192.0.2.5"}, Manner::forgetful}},
      {"long.test", {{"192.0.2.6"}, Manner::truncated}},
  }};
};

TEST_F(ResolveTest, PrintsEveryAddressOfEachName) {
  const auto program = resolve({"one.test.", "two.test."});
  EXPECT_EQ(program->waitForExit(), 0) << program->errors();
  EXPECT_THAT(program->output(), HasSubstr("one.test. 192.0.2.1\n"));
  EXPECT_THAT(program->output(), HasSubstr("two.test. 192.0.2.2\n"));
  EXPECT_THAT(program->output(), HasSubstr("two.test. 192.0.2.3\n"));
}

TEST_F(ResolveTest, ReportsANameThatDoesNotExistAndFindsTheOthers) {
  const auto program = resolve({"nowhere.test.", "one.test."});
  EXPECT_EQ(program->waitForExit(), 1);
  EXPECT_EQ(program->errors(), "resolve: nowhere.test.: Domain name not found\n");
  EXPECT_EQ(program->output(), "one.test. 192.0.2.1\n");
}

TEST_F(ResolveTest, GivesUpOnASilentServerAfterTheTimeout) {
  const auto begin = std::chrono::steady_clock::now();
  const auto program = resolve({"--timeout", "200", "silent.test.", "one.test."});
  // The others do not wait for it.
  EXPECT_TRUE(program->waitForOutput("one.test. 192.0.2.1\n"));
  EXPECT_EQ(program->waitForExit(), 1);
  EXPECT_GE(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(400));
  EXPECT_EQ(program->errors(), "resolve: silent.test.: Timeout while contacting DNS servers\n");
}

TEST_F(ResolveTest, AsksAgainWhenAQuestionWasLost) {
  const auto program = resolve({"--timeout", "200", "forgetful.test."});
  EXPECT_EQ(program->waitForExit(), 0) << program->errors();
  EXPECT_EQ(program->output(), "forgetful.test. 192.0.2.5\n");
}

TEST_F(ResolveTest, AsksOverTcpWhenTheAnswerIsTooLong) {
  const auto program = resolve({"long.test."});
  EXPECT_EQ(program->waitForExit(), 0) << program->errors();
  EXPECT_EQ(program->output(), "long.test. 192.0.2.6\n");
}

TEST_F(ResolveTest, ResolvesManyNamesAtOnce) {
  std::vector<std::string> names(50, "one.test.");
  names.insert(names.end(), 50, "nowhere.test.");
  const auto program = resolve(names);
  EXPECT_EQ(program->waitForExit(), 1);
  const std::string output = program->output();
  const std::string errors = program->errors();
  EXPECT_EQ(std::count(output.begin(), output.end(), '\n'), 50);
  EXPECT_EQ(std::count(errors.begin(), errors.end(), '\n'), 50);
}

TEST_F(ResolveTest, ReportsThatNobodyAnswersAtTheServersPort) {
  const std::string nobody = "127.0.0.1:" + std::to_string(BoundSocket(SOCK_DGRAM).port);
  const auto program = run(nobody, {"one.test."});
  EXPECT_EQ(program->waitForExit(), 1);
  EXPECT_EQ(program->errors(), "resolve: one.test.: Could not contact DNS servers\n");
}

TEST_F(ResolveTest, RefusesArgumentsThatMakeNoSense) {
  EXPECT_EQ(run("not an address", {"one.test."})->waitForExit(), 1);
  EXPECT_EQ(resolve({})->waitForExit(), 2);
  EXPECT_EQ(resolve({"--timeout", "soon", "one.test."})->waitForExit(), 2);
  EXPECT_EQ(resolve({"--colour", "1", "one.test."})->waitForExit(), 2);
}

}  // namespace
}  // namespace kairos
