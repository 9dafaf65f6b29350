// SPDX-License-Identifier: MIT OR Apache-2.0
// What a child is started with, and what a start that fails says.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <climits>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "kairos/tests/support/child_process.h"
#include "kairos/tests/support/descriptors.h"
#include "kairos/tests/transports/subprocess_fixture.h"
#include "kairos/transports/error.h"

namespace kairos {
namespace {

// A directory with an executable script, a file that is none, and nothing else.
class ScriptDirectory {
 public:
  ScriptDirectory() {
    char name[] = "/tmp/kairos-scripts-XXXXXX";
    EXPECT_NE(::mkdtemp(name), nullptr);
    path_ = name;
    std::ofstream(file("tool")) << "#!/bin/sh\necho tool \"$@\"\n";
    EXPECT_EQ(::chmod(file("tool").c_str(), 0755), 0);
    std::ofstream(file("text")) << "no program\n";
    std::ofstream(file("garbage")) << "\1\2\3";
    EXPECT_EQ(::chmod(file("garbage").c_str(), 0755), 0);
  }
  ~ScriptDirectory() { std::filesystem::remove_all(path_); }
  ScriptDirectory(const ScriptDirectory&) = delete;
  ScriptDirectory& operator=(const ScriptDirectory&) = delete;

  const std::string& path() const { return path_; }
  std::string file(const char* name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

class SubprocessStartTest : public SubprocessTest {
 protected:
  std::string reportOf(SubprocessOptions options, Arguments arguments = {"report"}) {
    const std::string program = runfile("tests/transports/child_report");
    options.program = program.c_str();
    return outputOf(options, arguments);
  }

  // A start that fails leaves no process and no descriptor.
  void expectFailure(const SubprocessOptions& options, std::errc error, SpawnStep step) {
    const std::set<Fd> before = openFds();
    SubprocessTransport child;
    SpawnStep failed = SpawnStep::none;
    EXPECT_EQ(SubprocessTransport::start(context_, options, child, &failed), error);
    EXPECT_EQ(failed, step);
    EXPECT_FALSE(child.isOpen());
    EXPECT_TRUE(hasNoChildren());
    EXPECT_TRUE(openedSince(before).empty());
  }
  void expectFailure(const char* program, std::errc error) {
    const char* const arguments[] = {program};
    expectFailure(runs(arguments), error, SpawnStep::program);
  }
};

INSTANTIATE_TEST_SUITE_P(Backends, SubprocessStartTest, backends(), backendName);

testing::AssertionResult has(const std::string& text, const std::string& part) {
  if (text.find(part) != std::string::npos) return testing::AssertionSuccess();
  return testing::AssertionFailure() << "no \"" << part << "\" in " << text;
}

std::vector<std::string> linesWith(const std::string& text, std::string_view beginning) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at);
    const std::string line = text.substr(at, end - at);
    if (line.starts_with(beginning)) lines.push_back(line);
    at = end + 1;
  }
  return lines;
}

// T152, IP3
TEST_P(SubprocessStartTest, GivesTheChildItsStandardStreamsAlone) {
  const UniqueFd inherited(::dup(0));  // not close-on-exec, as careless code has it
  ASSERT_GE(inherited.get(), 0);
  const std::string report =
      reportOf({.input = Redirect::pipe(), .error = Redirect::pipe()}, {"report"});
  EXPECT_EQ(linesWith(report, "fd "), (std::vector<std::string>{"fd 0", "fd 1", "fd 2"}));
}

TEST_P(SubprocessStartTest, PassesTheDescriptorsThatAreNamed) {
  const UniqueFd passed = duplicate(0);
  const UniqueFd other = duplicate(0);
  const Fd fds[] = {passed.get()};
  const std::string report = reportOf({.passed = fds});
  const std::vector<std::string> lines = linesWith(report, "fd ");
  ASSERT_EQ(lines.size(), 4u) << report;
  EXPECT_TRUE(lines[3].starts_with("fd " + std::to_string(passed.get())));
  EXPECT_TRUE((::fcntl(passed.get(), F_GETFD) & FD_CLOEXEC) != 0) << "as before here";
}

// The same of four threads, which have sockets and pipes open, and others that are to be inherited.
TEST(SubprocessThreadsTest, GiveTheirChildrenNothingOfEachOther) {
  const std::string program = runfile("tests/transports/child_report");
  const auto run = [&program] {
    OwnLoop loop;
    const char* const arguments[] = {program.c_str()};
    for (int i = 0; i < 20; ++i) {
      const Pair sockets = pair();
      const Pair pipes = pipePair();
      const UniqueFd inherited(::dup(0));
      SubprocessOptions options = runs(arguments);
      options.input = options.output = options.error = Redirect::pipe();
      SubprocessTransport child;
      ASSERT_FALSE(SubprocessTransport::start(loop.context, options, child));
      Read read;
      ASSERT_FALSE(child.output().readToEnd(read, {}, Read::done, &read));
      loop.pollUntilDone(read);
      EXPECT_EQ(linesWith(std::string(read.data), "fd "),
                (std::vector<std::string>{"fd 0", "fd 1", "fd 2"}));
      Exit exit;
      ASSERT_FALSE(child.wait(exit, Exit::done, &exit));
      loop.pollUntilDone(exit);
      EXPECT_TRUE(exit.status.isSuccess());
    }
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) threads.emplace_back(run);
  for (std::thread& each : threads) each.join();
}

// T152, IP3: also what this process ignores or blocks.
TEST_P(SubprocessStartTest, ResetsSignals) {
  struct sigaction before {};
  struct sigaction ignoring {};
  ignoring.sa_handler = SIG_IGN;
  ASSERT_EQ(::sigaction(SIGPIPE, &ignoring, &before), 0);
  sigset_t all;
  sigset_t mask;
  ::sigfillset(&all);
  ASSERT_EQ(::pthread_sigmask(SIG_SETMASK, &all, &mask), 0);
  const std::string report = reportOf({});
  EXPECT_TRUE(has(report, "SigBlk:\t0000000000000000\n"));
  EXPECT_TRUE(has(report, "SigIgn:\t0000000000000000\n"));
  sigset_t after;
  ASSERT_EQ(::pthread_sigmask(SIG_SETMASK, &mask, &after), 0);
  EXPECT_EQ(::sigismember(&after, SIGTERM), 1) << "as before here";
  struct sigaction left {};
  ASSERT_EQ(::sigaction(SIGPIPE, &before, &left), 0);
  EXPECT_EQ(left.sa_handler, SIG_IGN);
}

// A handler of this process never runs in the child, whatever comes at the group meanwhile.
volatile sig_atomic_t foreignRuns = 0;

TEST_P(SubprocessStartTest, KeepsHandlersInThisProcess) {
  ::setpgid(0, 0);  // nobody else shall get the signals
  struct sigaction before {};
  struct sigaction counting {};
  counting.sa_handler = [](int) {
    static const pid_t owner = ::getpid();
    if (::getpid() != owner) foreignRuns = foreignRuns + 1;
  };
  ASSERT_EQ(::sigaction(SIGWINCH, &counting, &before), 0);
  ::raise(SIGWINCH);
  std::atomic<bool> isOver{false};
  std::thread other([&] {
    while (!isOver) ::kill(0, SIGWINCH);
  });
  for (int i = 0; i < 50; ++i) {
    SubprocessTransport child;
    start(child, {}, {"true"});
    EXPECT_EQ(waitForExit(child).code, 0);
  }
  isOver = true;
  other.join();
  EXPECT_EQ(foreignRuns, 0);
  ::sigaction(SIGWINCH, &before, nullptr);
}

// T154
TEST_P(SubprocessStartTest, SaysWhyAProgramCannotBeRun) {
  const ScriptDirectory directory;
  expectFailure("/nonexistent/program", std::errc::no_such_file_or_directory);
  expectFailure("no-such-program-anywhere", std::errc::no_such_file_or_directory);
  expectFailure("", std::errc::no_such_file_or_directory);
  expectFailure("/tmp", std::errc::permission_denied);
  expectFailure(directory.file("text").c_str(), std::errc::permission_denied);
  expectFailure(directory.file("garbage").c_str(), std::errc::executable_format_error);
  expectFailure("/dev/null/program", std::errc::not_a_directory);
  const char* const arguments[] = {"true"};
  SubprocessOptions options = runs(arguments);
  const std::string large = "LARGE=" + std::string(100000, 'x');
  const std::vector<const char*> much(1000, large.c_str());
  options.environment = much;
  expectFailure(options, std::errc::argument_list_too_long, SpawnStep::program);
  options = runs(arguments);
  options.directory = "/nonexistent";
  expectFailure(options, std::errc::no_such_file_or_directory, SpawnStep::directory);
  options.directory = "/dev/null";
  expectFailure(options, std::errc::not_a_directory, SpawnStep::directory);
}

TEST_P(SubprocessStartTest, RefusesOptionsThatMakeNoSense) {
  expectFailure({}, std::errc::invalid_argument, SpawnStep::options);
  const char* const hole[] = {"true", nullptr, "x"};
  expectFailure(runs(hole), std::errc::invalid_argument, SpawnStep::options);
  const char* const arguments[] = {"true"};
  SubprocessOptions options = runs(arguments);
  options.environment = std::span(hole);
  expectFailure(options, std::errc::invalid_argument, SpawnStep::options);
  options = runs(arguments);
  options.output = Redirect::toOutput();
  expectFailure(options, std::errc::invalid_argument, SpawnStep::streams);
  options.output = Redirect::to(unusedFd());
  expectFailure(options, std::errc::bad_file_descriptor, SpawnStep::streams);
  options = runs(arguments);
  const Fd standard[] = {1};
  options.passed = standard;
  expectFailure(options, std::errc::invalid_argument, SpawnStep::options);
  const Fd closed[] = {unusedFd() + 100};
  options.passed = closed;
  expectFailure(options, std::errc::bad_file_descriptor, SpawnStep::descriptors);
}

// T151: a number that is not open must not come to be one of the pipes of this start.
TEST_P(SubprocessStartTest, RefusesANumberThatIsNotOpen) {
  const char* const arguments[] = {"/bin/true"};
  for (Fd ahead = 0; ahead < 4; ++ahead) {
    const Fd closed = unusedFd() + ahead;
    SubprocessOptions options = runs(arguments);
    options.input = Redirect::pipe();
    options.error = Redirect::null();
    options.output = Redirect::to(closed);
    expectFailure(options, std::errc::bad_file_descriptor, SpawnStep::streams);
    options.output = Redirect::pipe();
    options.passed = {&closed, 1};
    expectFailure(options, std::errc::bad_file_descriptor, SpawnStep::descriptors);
  }
}

// T155: the directory of this process is never another.
TEST_P(SubprocessStartTest, SetsTheDirectoryOfTheChildAlone) {
  const std::string here = std::filesystem::current_path();
  std::atomic<bool> isOver{false};
  std::thread watching([&] {
    char directory[4096];
    while (!isOver) EXPECT_EQ(::getcwd(directory, sizeof directory), here);
  });
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(has(reportOf({.directory = "/"}), "directory /\n"));
  isOver = true;
  watching.join();
  EXPECT_TRUE(has(reportOf({}), "directory " + here + "\n"));
}

// T156
TEST_P(SubprocessStartTest, GivesExactlyTheEnvironment) {
  const char* const variables[] = {"Name=1", "NAME=2", "EMPTY=", "odd", "SPACE= a\tb "};
  EXPECT_EQ(linesWith(reportOf({.environment = variables}), "variable"),
            (std::vector<std::string>{"variable [Name=1]", "variable [NAME=2]", "variable [EMPTY=]",
                                      "variable [odd]", "variable [SPACE= a\tb ]"}));
  const std::string none = reportOf({.environment = std::span<const char* const>()});
  EXPECT_TRUE(linesWith(none, "variable").empty());
  ASSERT_EQ(::setenv("KAIROS_INHERITED", "yes", 1), 0);
  EXPECT_TRUE(has(reportOf({}), "variable [KAIROS_INHERITED=yes]"));
  ::unsetenv("KAIROS_INHERITED");
}

// T157
TEST_P(SubprocessStartTest, SearchesThePathOfTheChild) {
  const ScriptDirectory directory;
  const std::string tooLong = "/" + std::string(PATH_MAX, 'x');
  const std::string path =
      "PATH=/nonexistent:/dev/null:" + tooLong + ":" + directory.path() + ":/bin";
  const char* const variables[] = {path.c_str()};
  SubprocessOptions options{.environment = variables};
  EXPECT_EQ(outputOf(options, {"tool", "a", "b"}), "tool a b\n");
  const char* const arguments[] = {"text"};
  options.arguments = arguments;
  expectFailure(options, std::errc::permission_denied, SpawnStep::program);
  const char* const tool[] = {"tool"};
  options.arguments = tool;
  options.searchPath = false;
  expectFailure(options, std::errc::no_such_file_or_directory, SpawnStep::program);
  options.directory = directory.path().c_str();
  EXPECT_EQ(outputOf(options, {"tool"}), "tool\n") << "in the working directory";
}

TEST_P(SubprocessStartTest, SearchesTheWorkingDirectoryForAnEmptyPart) {
  const ScriptDirectory directory;
  for (const char* const path : {"PATH=", "PATH=:/nonexistent", "PATH=/nonexistent:"}) {
    const char* const variables[] = {path};
    EXPECT_EQ(outputOf({.environment = variables, .directory = directory.path().c_str()}, {"tool"}),
              "tool\n");
  }
  const char* const none[] = {"X=1"};
  EXPECT_EQ(outputOf({.environment = none}, {"echo", "found"}), "found\n") << "without PATH";
}

TEST_P(SubprocessStartTest, RunsAnotherFileThanTheFirstArgument) {
  EXPECT_EQ(linesWith(reportOf({}, {"name", "", "two words"}), "argument"),
            (std::vector<std::string>{"argument [name]", "argument []", "argument [two words]"}));
}

// T157
TEST_P(SubprocessStartTest, QuotesForTheShell) {
  const std::string words[] = {"",     "plain", "two words", "it's", "\"$HOME\" `id` \\",
                               "a\nb", "*?[]",  "'''",       "-n",   "\xff\x01"};
  std::string command = "printf '[%s]' --";
  std::string expected = "[--]";
  for (const std::string& word : words) {
    command += " " + shellQuoted(word);
    expected += "[" + word + "]";
  }
  SubprocessTransport child;
  startShell(child, command.c_str(), {.output = Redirect::pipe()});
  EXPECT_EQ(readAll(child.output()), expected);
  EXPECT_EQ(waitForExit(child).code, 0);
  startShell(child, "-x 2>/dev/null");
  EXPECT_EQ(waitForExit(child).code, 127) << "a command, and no option of the shell";
}

// T162
TEST_P(SubprocessStartTest, MakesGroupsAndSessions) {
  const std::string plain = reportOf({});
  EXPECT_TRUE(has(plain, "leads group 0\nleads session 0\n"));
  EXPECT_TRUE(has(reportOf({.newGroup = true}), "leads group 1\nleads session 0\n"));
  EXPECT_TRUE(has(reportOf({.newSession = true}), "leads group 1\nleads session 1\n"));
}

TEST_P(SubprocessStartTest, IsRefusedWhileTheContextEnds) {
  SubprocessTransport sleeping;
  start(sleeping, {}, {"sleep", "1000"});
  Exit exit;
  std::error_code refused;
  exit.setThen([&] {
    SubprocessTransport child;
    const char* const arguments[] = {"true"};
    refused = SubprocessTransport::start(context_, runs(arguments), child);
  });
  wait(sleeping, exit);
  endContext();
  EXPECT_EQ(refused, TransportError::closed);
}

// T153
TEST_P(SubprocessStartTest, LeavesNothingBehind) {
  const std::set<Fd> before = openFds();
  const char* const good[] = {"true"};
  const char* const bad[] = {"/nonexistent/program"};
  for (int i = 0; i < 100; ++i) {
    for (const auto arguments : {std::span(good), std::span(bad)}) {
      SubprocessOptions options = runs(arguments);
      options.input = options.output = options.error = Redirect::pipe();
      SubprocessTransport child;
      const bool isGood = !SubprocessTransport::start(context_, options, child);
      EXPECT_EQ(isGood, arguments.data() == good);
      if (isGood) waitForExit(child);
    }
  }
  EXPECT_TRUE(openedSince(before).empty());
  EXPECT_TRUE(hasNoChildren());
}

}  // namespace
}  // namespace kairos
