// SPDX-License-Identifier: MIT OR Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "kairos/tests/examples/peer_server.h"
#include "kairos/tests/support/child_process.h"

namespace kairos {
namespace {

using testing::HasSubstr;

// `inputFile` empty: a pipe.
ChildProcess::Options timersAndStdin(const std::string& periodMs, const std::string& inputFile) {
  ChildProcess::Options options;
  options.command = {runfile("reactor/examples/timers_and_stdin"), periodMs};
  options.inputFile = inputFile;
  return options;
}

TEST(TimersAndStdinTest, TicksWhileItWaitsForLines) {
  const auto begin = std::chrono::steady_clock::now();
  ChildProcess program(timersAndStdin("20", ""));
  EXPECT_TRUE(program.waitForOutput("tick 10\n"));
  EXPECT_GE(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(200));
  program.write("first\nsec");
  EXPECT_TRUE(program.waitForOutput("line 1: first\n"));
  program.write("ond\nlast");
  EXPECT_TRUE(program.waitForOutput("line 2: second\n"));
  program.closeInput();
  EXPECT_EQ(program.waitForExit(), 0) << program.errors();
  EXPECT_THAT(program.output(), HasSubstr("line 3: last\n"));
  EXPECT_THAT(program.output(), HasSubstr("3 lines, "));
}

TEST(TimersAndStdinTest, ReadsAFile) {
  const TemporaryDirectory directory;
  std::string expected;
  std::string content;
  for (int i = 1; i <= 5000; ++i) {
    content += std::to_string(i * i) + "\n";
    expected += "line " + std::to_string(i) + ": " + std::to_string(i * i) + "\n";
  }
  directory.write("input", content);
  ChildProcess program(timersAndStdin("100000", directory.path() / "input"));
  EXPECT_EQ(program.waitForExit(), 0) << program.errors();
  EXPECT_EQ(program.output(), expected + "5000 lines, 0 ticks\n");
}

TEST(TimersAndStdinTest, TicksWhileItReadsAFileWithoutEnd) {
  ChildProcess program(timersAndStdin("1", "/dev/zero"));
  EXPECT_TRUE(program.waitForOutput("tick 3\n"));
}

TEST(TimersAndStdinTest, PrintsALongLineInPieces) {
  ChildProcess program(timersAndStdin("100000", ""));
  program.write(std::string(5000, 'x') + "\n");
  program.closeInput();
  EXPECT_EQ(program.waitForExit(), 0) << program.errors();
  EXPECT_EQ(program.output(), "line 1: " + std::string(4096, 'x') +
                                  "\nline 2: " + std::string(904, 'x') + "\n2 lines, 0 ticks\n");
}

TEST(TimersAndStdinTest, ReportsInputThatCannotBeRead) {
  ChildProcess program(timersAndStdin("1000", "/"));
  EXPECT_EQ(program.waitForExit(), 1);
  EXPECT_EQ(program.errors(), "timers_and_stdin: cannot read: Is a directory\n");
}

TEST(TimersAndStdinTest, RefusesAPeriodThatIsNotAPositiveNumber) {
  for (const std::string period : {"0", "-1", "1s", ""}) {
    ChildProcess program(timersAndStdin(period, "/dev/null"));
    EXPECT_EQ(program.waitForExit(), 2) << period;
  }
}

}  // namespace
}  // namespace kairos
