// SPDX-License-Identifier: MIT OR Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "kairos/tests/support/child_process.h"

namespace kairos {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

ChildProcess dayOfTimeouts(std::vector<std::string> arguments) {
  ChildProcess::Options options;
  options.command = {runfile("reactor/examples/day_of_timeouts")};
  for (std::string& argument : arguments) options.command.push_back(std::move(argument));
  return ChildProcess(std::move(options));
}

TEST(DayOfTimeoutsTest, SimulatesADayWithoutAWrongTimeout) {
  ChildProcess program = dayOfTimeouts({"--clients", "20", "3"});
  EXPECT_EQ(program.waitForExit(), 0) << program.errors();
  EXPECT_THAT(program.output(), StartsWith("seed 3: 86400 s in "));
  EXPECT_THAT(program.output(), HasSubstr(" 0 wrong\n"));
  EXPECT_THAT(program.output(), Not(HasSubstr(" 0 timeouts")));
}

// The history depends on the seed alone, so this is no matter of luck.
TEST(DayOfTimeoutsTest, FindsTheMistakeOfACarelessServer) {
  ChildProcess program = dayOfTimeouts({"--careless", "1"});
  EXPECT_EQ(program.waitForExit(), 1) << program.output();
  EXPECT_THAT(program.output(), Not(HasSubstr(" 0 wrong")));
}

TEST(DayOfTimeoutsTest, RefusesWhatItDoesNotUnderstand) {
  for (const char* argument : {"yesterday", "-1", "--clients"}) {
    ChildProcess program = dayOfTimeouts({argument});
    EXPECT_EQ(program.waitForExit(), 2);
    EXPECT_THAT(program.errors(), StartsWith("usage: "));
  }
}

}  // namespace
}  // namespace kairos
