// SPDX-License-Identifier: MIT OR Apache-2.0
// Where a child's standard streams lead.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <string>
#include <vector>

#include "kairos/tests/support/descriptors.h"
#include "kairos/tests/support/process_state.h"
#include "kairos/tests/transports/subprocess_fixture.h"
#include "kairos/transports/error.h"

namespace kairos {
namespace {

using namespace std::chrono_literals;

UniqueFd memoryFile() {
  UniqueFd file(::memfd_create("child", MFD_CLOEXEC));
  EXPECT_GE(file.get(), 0);
  return file;
}

std::string contentOf(Fd file) {
  char bytes[4096];
  const ssize_t count = ::pread(file, bytes, sizeof bytes, 0);
  EXPECT_GE(count, 0);
  return std::string(bytes, static_cast<std::size_t>(count));
}

class SubprocessStreamTest : public SubprocessTest {};

INSTANTIATE_TEST_SUITE_P(Backends, SubprocessStreamTest, backends(), backendName);

// T151
TEST_P(SubprocessStreamTest, ConnectsPipesToStreams) {
  SubprocessTransport child;
  startShell(child, "read line; echo \"out $line\"; echo \"err $line\" >&2; cat",
             {.input = Redirect::pipe(), .output = Redirect::pipe(), .error = Redirect::pipe()});
  EXPECT_NE(::fcntl(child.input().fd(), F_GETFL) & O_NONBLOCK, 0);
  EXPECT_NE(::fcntl(child.output().fd(), F_GETFL) & O_NONBLOCK, 0);
  Write first;
  Write last;
  ok(child.input().write(first, "one\ntwo\n", Write::done, &first));
  ok(child.input().shutdown(last, Write::done, &last));
  EXPECT_EQ(readAll(child.output()), "out one\ntwo\n");
  EXPECT_EQ(readAll(child.error()), "err one\n");
  EXPECT_EQ(waitForExit(child).code, 0);
  EXPECT_FALSE(first.error);
}

// T151: told by a shell about itself, in a file of which it has the descriptor.
TEST_P(SubprocessStreamTest, RedirectsToNothing) {
  const UniqueFd told = memoryFile();
  const Fd passed[] = {told.get()};
  const std::string command =
      "read line && exit 1; cd /proc/$$/fd && (readlink 0 1 2 >" + std::to_string(told.get()) + ")";
  SubprocessTransport child;
  startShell(child, command.c_str(),
             {.input = Redirect::null(),
              .output = Redirect::null(),
              .error = Redirect::null(),
              .passed = passed});
  EXPECT_FALSE(child.input().isOpen() || child.output().isOpen() || child.error().isOpen());
  EXPECT_EQ(waitForExit(child).code, 0);
  EXPECT_EQ(contentOf(told.get()), "/dev/null\n/dev/null\n/dev/null\n");
}

// T151
TEST_P(SubprocessStreamTest, RedirectsToDescriptors) {
  const UniqueFd input = memoryFile();
  const UniqueFd output = memoryFile();
  const UniqueFd error = memoryFile();
  ASSERT_EQ(::pwrite(input.get(), "given", 5, 0), 5);
  SubprocessTransport child;
  startShell(child, "cat; echo failed >&2",
             {.input = Redirect::to(input.get()),
              .output = Redirect::to(output.get()),
              .error = Redirect::to(error.get())});
  EXPECT_EQ(waitForExit(child).code, 0);
  EXPECT_EQ(contentOf(output.get()), "given");
  EXPECT_EQ(contentOf(error.get()), "failed\n");
  for (const UniqueFd* const each : {&input, &output, &error}) {
    EXPECT_TRUE(isOpen(each->get())) << "it stays the caller's";
  }
}

// T151: one that a transport has, which goes on with it.
TEST_P(SubprocessStreamTest, SharesAStreamWithTheChild) {
  Pair ends = pair();
  StreamTransport ours;
  ok(StreamTransport::adopt(context_, ends.near.release(), ours));
  SubprocessTransport child;
  startShell(child, "echo from the child", {.output = Redirect::to(ours.fd())});
  EXPECT_EQ(waitForExit(child).code, 0);
  Write write;
  ok(ours.write(write, "from here", Write::done, &write));
  pollUntilDone(write);
  EXPECT_EQ(receiveAll(ends.far.get()), "from the child\nfrom here");
}

// T151: the order of the writes is kept.
TEST_P(SubprocessStreamTest, MergesErrorsIntoOutput) {
  SubprocessTransport child;
  startShell(child, "for i in 1 2 3; do echo out $i; echo err $i >&2; done",
             {.output = Redirect::pipe(), .error = Redirect::toOutput()});
  EXPECT_EQ(readAll(child.output()), "out 1\nerr 1\nout 2\nerr 2\nout 3\nerr 3\n");
  EXPECT_FALSE(child.error().isOpen());
}

// The streams of this process, kept while a test puts others in their place.
class ReplacedStandard {
 public:
  explicit ReplacedStandard(std::array<Fd, 3> by) {
    for (Fd fd = 0; fd < 3; ++fd) saved_.push_back(duplicate(fd));
    for (Fd fd = 0; fd < 3; ++fd) {
      const Fd other = by[static_cast<std::size_t>(fd)];
      other < 0 ? ::close(fd) : ::dup2(other, fd);
    }
  }
  ~ReplacedStandard() {
    for (Fd fd = 0; fd < 3; ++fd) ::dup2(saved_[static_cast<std::size_t>(fd)].get(), fd);
  }
  ReplacedStandard(const ReplacedStandard&) = delete;
  ReplacedStandard& operator=(const ReplacedStandard&) = delete;

 private:
  std::vector<UniqueFd> saved_;
};

// T151: sources that are themselves standard streams, crosswise.
TEST_P(SubprocessStreamTest, InheritsAndSwapsStandardStreams) {
  const UniqueFd input = memoryFile();
  const UniqueFd output = memoryFile();
  const UniqueFd error = memoryFile();
  ASSERT_EQ(::pwrite(input.get(), "out\n", 4, 0), 4);
  SubprocessTransport straight;
  SubprocessTransport crossed;
  {
    const ReplacedStandard replaced({input.get(), output.get(), error.get()});
    startShell(straight, "cat; echo err >&2");
    startShell(crossed, "echo OUT; echo ERR >&2",
               {.output = Redirect::to(2), .error = Redirect::to(1)});
  }
  EXPECT_EQ(waitForExit(straight).code, 0);
  EXPECT_EQ(waitForExit(crossed).code, 0);
  for (const std::string word : {"out", "ERR"}) {
    EXPECT_NE(contentOf(output.get()).find(word + "\n"), std::string::npos) << word;
  }
  for (const std::string word : {"err", "OUT"}) {
    EXPECT_NE(contentOf(error.get()).find(word + "\n"), std::string::npos) << word;
  }
}

// A program that has closed its standard streams gets pipes with other numbers.
TEST_P(SubprocessStreamTest, WorksWithoutStandardStreams) {
  SubprocessTransport child;
  {
    const ReplacedStandard replaced({-1, -1, -1});
    startShell(child, "cat; echo err >&2",
               {.input = Redirect::pipe(), .output = Redirect::pipe(), .error = Redirect::pipe()});
  }
  Write write;
  ok(child.input().write(write, "out\n", Write::done, &write));
  pollUntilDone(write);
  child.input().close();
  EXPECT_EQ(readAll(child.output()), "out\n");
  EXPECT_EQ(readAll(child.error()), "err\n");
  EXPECT_EQ(waitForExit(child).code, 0);
}

// T151: more than a pipe holds.
TEST_P(SubprocessStreamTest, CarriesMuchOutput) {
  SubprocessTransport child;
  startShell(child, "head -c 6500000 /dev/zero", {.output = Redirect::pipe()});
  EXPECT_EQ(readAll(child.output()).size(), 6500000u);
  EXPECT_EQ(waitForExit(child).code, 0);
}

// T165: SIGPIPE has its default here, and would end the test.
TEST_P(SubprocessStreamTest, ReportsThatTheReaderOfItsInputHasEnded) {
  struct sigaction before {};
  ASSERT_EQ(::sigaction(SIGPIPE, nullptr, &before), 0);
  ASSERT_EQ(before.sa_handler, SIG_DFL);
  SubprocessTransport child;
  startShell(child, "exit 6", {.input = Redirect::pipe()});
  Exit exit;
  wait(child, exit);
  siginfo_t status{};
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(child.pid()), &status, WEXITED | WNOWAIT), 0);
  std::array<Write, 2> writes;  // before it is known here, and after
  for (Write& each : writes) {
    ok(child.input().write(each, "nobody reads it", Write::done, &each));
    pollUntilDone(each);
    EXPECT_EQ(each.error, std::errc::broken_pipe);
    pollUntilDone(exit);
    EXPECT_EQ(exit.status.code, 6);
  }
}

// IP5: what was written can be read after the end.
TEST_P(SubprocessStreamTest, KeepsTheOutputOfAProcessThatHasEnded) {
  SubprocessTransport child;
  startShell(child, "echo last words", {.output = Redirect::pipe()});
  EXPECT_EQ(waitForExit(child).code, 0);
  EXPECT_EQ(readAll(child.output()), "last words\n");
}

// T164, IP5: a grandchild that holds the pipe does not hold up the end; whoever reads to the end
// decides how long to wait for it.
TEST_P(SubprocessStreamTest, EndsBeforeAGrandchildLetsGoOfThePipe) {
  SubprocessTransport child;
  startShell(child, "sleep 1000 & echo $!", {.output = Redirect::pipe()});
  const pid_t grandchild = static_cast<pid_t>(std::stol(readLine(child.output())));
  EXPECT_EQ(waitForExit(child).code, 0);
  Read rest;
  ok(child.output().readToEnd(rest, {}, Read::done, &rest));
  settle();
  EXPECT_TRUE(rest.isPending());
  EXPECT_TRUE(child.output().cancel(rest));
  settle();
  ::kill(grandchild, SIGKILL);
  EXPECT_EQ(readAll(child.output()), "");
}

// T168: as much as the machine shall bear at once.
TEST_P(SubprocessStreamTest, ReadsManyChildrenAtOnce) {
  constexpr std::size_t bytes = 1000000;
  struct Job {
    SubprocessTransport child;
    Read output;
    Read error;
    Exit exit;
  };
  std::vector<Job> jobs(underSanitizer() ? 10 : 100);
  for (Job& job : jobs) {
    startShell(job.child, "head -c 1000000 /dev/zero; head -c 1000000 /dev/zero >&2",
               {.output = Redirect::pipe(), .error = Redirect::pipe()});
    ok(job.child.output().consume(job.output, 2 * bytes, Read::done, &job.output));
    ok(job.child.error().consume(job.error, 2 * bytes, Read::done, &job.error));
    wait(job.child, job.exit);
  }
  for (Job& job : jobs) {
    pollUntilDone(job.output);
    pollUntilDone(job.error);
    pollUntilDone(job.exit);
    EXPECT_EQ(job.output.bytes, bytes);
    EXPECT_EQ(job.error.bytes, bytes);
    EXPECT_EQ(job.exit.status.code, 0);
  }
}

}  // namespace
}  // namespace kairos
