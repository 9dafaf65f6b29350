// SPDX-License-Identifier: MIT OR Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "kairos/tests/support/child_process.h"

namespace kairos {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

ChildProcess explore(const std::vector<std::string>& arguments) {
  ChildProcess::Options options;
  options.command = {runfile("tests/simulation/explore")};
  options.command.insert(options.command.end(), arguments.begin(), arguments.end());
  return ChildProcess(options);
}

TEST(ExploreTest, RunsAsLongAsAskedAndSaysWhatItDid) {
  ChildProcess program = explore({"--seconds", "1", "--seed", "5"});
  EXPECT_EQ(program.waitForExit(), 0) << program.output();
  EXPECT_THAT(program.output(), HasSubstr(" simulated hours, "));
  EXPECT_THAT(program.output(), EndsWith(" million operations per second, 0 failures\n"));
}

TEST(ExploreTest, TellsTheStepsOfATape) {
  // The usual style, and some operation.
  ChildProcess program = explore({"--tape", std::string(2 * 28, '0') + "28"});
  EXPECT_EQ(program.waitForExit(), 0);
  EXPECT_THAT(program.output(), StartsWith("0 ns: "));
  EXPECT_THAT(program.output(), EndsWith("nothing is wrong\n"));
}

TEST(ExploreTest, RefusesWhatItDoesNotUnderstand) {
  for (const std::vector<std::string>& arguments : {std::vector<std::string>{"--seconds"},
                                                    {"--seconds", "soon"},
                                                    {"--fast", "1"},
                                                    {"--tape", "0"},
                                                    {"--tape", "xy"}}) {
    ChildProcess program = explore(arguments);
    EXPECT_EQ(program.waitForExit(), 2) << arguments.front();
    EXPECT_THAT(program.errors(), StartsWith("usage: "));
  }
}

}  // namespace
}  // namespace kairos
