// SPDX-License-Identifier: MIT OR Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <iterator>
#include <string>
#include <vector>

#include "kairos/tests/support/child_process.h"

namespace kairos {
namespace {

ChildProcess::Options processRunner(std::vector<std::string> arguments) {
  ChildProcess::Options options;
  options.command = {runfile("transports/examples/process_runner")};
  std::move(arguments.begin(), arguments.end(), std::back_inserter(options.command));
  return options;
}

TEST(ProcessRunnerTest, MarksWhatAProgramPrints) {
  ChildProcess runner(processRunner({"sh", "-c", "echo one; echo two >&2; printf end; exit 7"}));
  EXPECT_EQ(runner.waitForExit(), 7);
  for (const char* const line : {"out | one\n", "err | two\n", "out | end\n"}) {
    EXPECT_NE(runner.output().find(line), std::string::npos) << line;
  }
}

TEST(ProcessRunnerTest, ShowsLongLinesInPieces) {
  ChildProcess runner(processRunner({"sh", "-c", "head -c 200000 /dev/zero | tr '\\0' x"}));
  EXPECT_EQ(runner.waitForExit(), 0);
  EXPECT_EQ(std::count(runner.output().begin(), runner.output().end(), 'x'), 200000);
}

TEST(ProcessRunnerTest, HandsSignalsOnToAllThatWasStarted) {
  ChildProcess runner(processRunner({"sh", "-c", "sleep 1000 & echo ready; wait"}));
  ASSERT_TRUE(runner.waitForOutput("ready"));
  runner.signal(SIGTERM);
  EXPECT_EQ(runner.waitForExit(), 128 + SIGTERM);
}

// Longer than a test is patient.
TEST(ProcessRunnerTest, DoesNotWaitForWhoHoldsTheOutputLater) {
  ChildProcess runner(processRunner({"sh", "-c", "sleep 60 & echo ready; exit 5"}));
  EXPECT_EQ(runner.waitForExit(), 5);
  EXPECT_EQ(runner.output(), "out | ready\n");
}

TEST(ProcessRunnerTest, LetsAProgramHandleTheSignal) {
  ChildProcess runner(processRunner(
      {"sh", "-c", "trap 'echo bye; exit 3' INT; echo ready; while :; do sleep 0.01; done"}));
  ASSERT_TRUE(runner.waitForOutput("ready"));
  runner.signal(SIGINT);
  EXPECT_EQ(runner.waitForExit(), 3);
  EXPECT_NE(runner.output().find("out | bye\n"), std::string::npos);
}

// Each signal is answered with a line, which is answered with a signal.
TEST(ProcessRunnerTest, KillsAProgramThatGoesOnHoweverManySignalsCome) {
  ChildProcess runner(processRunner(
      {"sh", "-c", "trap 'n=$((n+1)); echo $n.' INT; n=0; echo 0.; while :; do sleep 0.01; done"}));
  const auto start = std::chrono::steady_clock::now();
  for (int n = 0; runner.waitForOutput("out | " + std::to_string(n) + ".\n"); ++n) {
    runner.signal(SIGINT);
    ASSERT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20));
  }
  EXPECT_EQ(runner.waitForExit(), 128 + SIGKILL);
}

TEST(ProcessRunnerTest, EndsAProgramWhenTimeIsOver) {
  ChildProcess runner(processRunner({"--timeout", "0", "sleep", "1000"}));
  EXPECT_EQ(runner.waitForExit(), 128 + SIGTERM);
  EXPECT_NE(runner.errors().find("the time was over"), std::string::npos);
}

TEST(ProcessRunnerTest, SaysWhyAProgramCannotBeRun) {
  ChildProcess runner(processRunner({"/nonexistent/program"}));
  EXPECT_EQ(runner.waitForExit(), 1);
  EXPECT_NE(runner.errors().find("/nonexistent/program: No such file"), std::string::npos);
}

TEST(ProcessRunnerTest, ChecksItsArguments) {
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{}, {"--timeout", "x", "true"}, {"--timeout", "5"}}) {
    ChildProcess runner(processRunner(arguments));
    EXPECT_EQ(runner.waitForExit(), 2);
  }
}

}  // namespace
}  // namespace kairos
