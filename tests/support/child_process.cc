// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/tests/support/child_process.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fstream>
#include <string>
#include <system_error>
#include <utility>

namespace kairos {
namespace {

using Clock = std::chrono::steady_clock;

void require(bool success, const char* what) {
  if (!success) throw std::system_error(errno, std::generic_category(), what);
}

struct Pipe {
  UniqueFd readEnd;
  UniqueFd writeEnd;
};

Pipe makePipe() {
  std::array<int, 2> ends{};
  require(::pipe2(ends.data(), O_CLOEXEC) == 0, "pipe2");
  return {UniqueFd(ends[0]), UniqueFd(ends[1])};
}

// The child's standard input, and the other end of it if there is one.
Pipe openInput(const std::string& file) {
  if (file.empty()) return makePipe();
  UniqueFd input(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  require(input.get() >= 0, file.c_str());
  return {std::move(input), UniqueFd()};
}

std::vector<char*> pointersTo(std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  pointers.reserve(strings.size() + 1);
  for (auto& string : strings) pointers.push_back(string.data());
  pointers.push_back(nullptr);
  return pointers;
}

[[noreturn]] void failChild(const char* what) {
  ::dprintf(STDERR_FILENO, "%s: %s\n", what, std::strerror(errno));
  ::_exit(127);
}

// What the child does between fork and exec: nothing that allocates.
[[noreturn]] void execute(const ChildProcess::Options& options, char* const* arguments,
                          pid_t parent, const std::array<int, 3>& standardFds) {
  for (int i = 0; i < 3; ++i) {
    if (::dup2(standardFds[static_cast<std::size_t>(i)], i) < 0) failChild("dup2");
  }
  // What the test itself has inherited would count against descriptorsMax.
  if (::close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) != 0) failChild("close_range");
  if (::setpgid(0, 0) != 0) failChild("setpgid");
  if (!options.directory.empty() && ::chdir(options.directory.c_str()) != 0) failChild("chdir");
  if (options.descriptorsMax != 0) {
    const rlimit limit{options.descriptorsMax, options.descriptorsMax};
    if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) failChild("setrlimit");
  }
  if (!options.beforeExecution()) failChild("before execution");
  // After a change of user, which would forget it.
  if (::prctl(PR_SET_PDEATHSIG, options.stopSignal) != 0) failChild("prctl");
  if (::getppid() != parent) ::_exit(127);
  ::execv(arguments[0], arguments);
  failChild(arguments[0]);
}

// Reads what is there without waiting: no more than a pipe holds, because a program may print
// faster than this reads.
void readSome(UniqueFd& fd, std::string& into) {
  std::array<char, 16384> buffer;
  for (int i = 0; i < 5 && fd.get() >= 0; ++i) {
    const ssize_t length = ::read(fd.get(), buffer.data(), buffer.size());
    if (length == 0) fd.reset();
    if (length < 0) return;
    into.append(buffer.data(), static_cast<std::size_t>(length));
  }
}

}  // namespace

ChildProcess::ChildProcess(Options options) : stopSignal_(options.stopSignal) {
  Pipe input = openInput(options.inputFile);
  Pipe output = makePipe();
  Pipe error = makePipe();
  for (const Pipe* pipe : {&output, &error}) ::fcntl(pipe->readEnd.get(), F_SETFL, O_NONBLOCK);

  const auto arguments = pointersTo(options.command);
  const pid_t parent = ::getpid();
  pid_ = ::fork();
  if (pid_ == 0) {
    execute(options, arguments.data(), parent,
            {input.readEnd.get(), output.writeEnd.get(), error.writeEnd.get()});
  }
  require(pid_ > 0, "fork");
  pidFd_ = UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
  require(pidFd_.get() >= 0, "pidfd_open");
  inputFd_ = std::move(input.writeEnd);
  outputFd_ = std::move(output.readEnd);
  errorFd_ = std::move(error.readEnd);
}

ChildProcess::~ChildProcess() {
  if (stopSignal_ != SIGKILL) {
    signal(stopSignal_);
    waitForExit();
  }
  if (exitCode_) return;
  // With whatever it has started.
  ::kill(-pid_, SIGKILL);
  ::kill(pid_, SIGKILL);
  reap();
}

const std::string& ChildProcess::output() {
  readSome(outputFd_, output_);
  return output_;
}

const std::string& ChildProcess::errors() {
  readSome(errorFd_, errors_);
  return errors_;
}

bool ChildProcess::waitForOutput(std::string_view text) {
  return waitUntil([&] { return output_.find(text) != std::string::npos; });
}

bool ChildProcess::waitForError(std::string_view text) {
  return waitUntil([&] { return errors_.find(text) != std::string::npos; });
}

std::optional<int> ChildProcess::waitForExit() {
  waitUntil([&] { return exitCode_.has_value(); });
  return exitCode_;
}

bool ChildProcess::waitUntil(const std::function<bool()>& reached) {
  const auto deadline = Clock::now() + patience;
  while (!reached()) {
    if (!readMore(deadline)) return reached();
  }
  return true;
}

// Waits for output or the end. False when there is nothing more to wait for.
bool ChildProcess::readMore(Clock::time_point deadline) {
  if (exitCode_) return false;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
  if (left.count() <= 0) return false;
  std::array<pollfd, 3> fds{
      {{outputFd_.get(), POLLIN, 0}, {errorFd_.get(), POLLIN, 0}, {pidFd_.get(), POLLIN, 0}}};
  if (::poll(fds.data(), fds.size(), static_cast<int>(left.count())) < 0) return errno == EINTR;
  if (fds[2].revents != 0) reap();
  readSome(outputFd_, output_);
  readSome(errorFd_, errors_);
  return true;
}

void ChildProcess::reap() {
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) continue;
  exitCode_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

// A program that has ended early is seen by its exit code; here it must not end the test.
void ChildProcess::write(std::string_view input) {
  const auto previous = ::signal(SIGPIPE, SIG_IGN);
  while (!input.empty()) {
    const ssize_t written = ::write(inputFd_.get(), input.data(), input.size());
    if (written < 0 && errno != EINTR) break;
    if (written > 0) input.remove_prefix(static_cast<std::size_t>(written));
  }
  ::signal(SIGPIPE, previous);
}

void ChildProcess::closeInput() { inputFd_.reset(); }

void ChildProcess::signal(int number) const {
  if (!exitCode_) ::kill(pid_, number);
}

std::chrono::nanoseconds ChildProcess::cpuTime() const {
  clockid_t clock{};
  timespec time{};
  if (exitCode_ || ::clock_getcpuclockid(pid_, &clock) != 0) return {};
  if (::clock_gettime(clock, &time) != 0) return {};
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

std::size_t ChildProcess::residentBytes() const {
  std::ifstream statm("/proc/" + std::to_string(pid_) + "/statm");
  std::size_t totalPages = 0;
  std::size_t residentPages = 0;
  statm >> totalPages >> residentPages;
  return residentPages * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

std::string runfile(std::string_view path) {
  const char* const root = std::getenv("TEST_SRCDIR");
  const char* const workspace = std::getenv("TEST_WORKSPACE");
  if (root == nullptr || workspace == nullptr) return std::string(path);
  return std::string(root) + "/" + workspace + "/" + std::string(path);
}

}  // namespace kairos
