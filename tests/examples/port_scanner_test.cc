// SPDX-License-Identifier: MIT OR Apache-2.0
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <algorithm>
#include <string>
#include <vector>

#include "kairos/tests/examples/peer_server.h"
#include "kairos/tests/support/child_process.h"
#include "kairos/tests/support/process_state.h"

namespace kairos {
namespace {

ChildProcess::Options scanner(std::vector<std::string> arguments) {
  ChildProcess::Options options;
  options.command = {runfile("futures-addon/examples/port_scanner")};
  options.command.insert(options.command.end(), arguments.begin(), arguments.end());
  return options;
}

TEST(PortScannerTest, FindsWhoListens) {
  BoundSocket listening(SOCK_STREAM);
  ASSERT_EQ(::listen(listening.socket.get(), 16), 0);
  const int first = std::max(1, listening.port - 100);
  const int last = std::min(65535, listening.port + 100);
  ChildProcess scan(scanner({"127.0.0.1", std::to_string(first), std::to_string(last)}));
  EXPECT_EQ(scan.waitForExit(), 0) << scan.errors();
  const std::string open = "127.0.0.1:" + std::to_string(listening.port) + "\n";
  EXPECT_NE(scan.output().find(open), std::string::npos) << scan.output();
  const std::string total = std::to_string(last - first + 1);
  EXPECT_NE(scan.errors().find(total + "/" + total), std::string::npos) << scan.errors();
}

TEST(PortScannerTest, FindsNobodyOnAPortThatRefuses) {
  const BoundSocket refusing(SOCK_STREAM);
  const std::string port = std::to_string(refusing.port);
  ChildProcess scan(scanner({"127.0.0.1", port, port}));
  EXPECT_EQ(scan.waitForExit(), 0) << scan.errors();
  EXPECT_EQ(scan.output(), "");
}

TEST(PortScannerTest, TellsWhatItCouldNotTry) {
  if (underSanitizerThatNeedsDescriptors())
    GTEST_SKIP() << "UBSan needs a descriptor itself, valgrind gives none back";
  ChildProcess::Options options = scanner({"127.0.0.1", "1", "100"});
  options.descriptorsMax = 16;
  ChildProcess scan(options);
  EXPECT_EQ(scan.waitForExit(), 1);
  EXPECT_NE(scan.errors().find(" ports could not be tried: "), std::string::npos) << scan.errors();
}

TEST(PortScannerTest, ChecksItsArguments) {
  for (const std::vector<std::string>& bad :
       std::vector<std::vector<std::string>>{{"127.0.0.1", "1"},
                                             {"localhost", "1", "2"},
                                             {"127.0.0.1", "0", "2"},
                                             {"127.0.0.1", "2", "1"}}) {
    ChildProcess scan(scanner(bad));
    EXPECT_EQ(scan.waitForExit(), 2);
  }
}

}  // namespace
}  // namespace kairos
