// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TESTS_SUPPORT_CHILD_PROCESS_H_
#define KAIROS_TESTS_SUPPORT_CHILD_PROCESS_H_

#include <sys/resource.h>
#include <sys/types.h>

#include <chrono>
#include <csignal>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kairos/tests/support/unique_fd.h"

namespace kairos {

// A program that a test runs and whose output it reads. It never outlives the test.
//
//   Thread      The one that made it; its end ends the program too.
//   Ownership   The process and its process group: killed and reaped by the destructor.
//   Time        Every wait gives up after `patience`, which only a hanging program reaches.
//   Errors      A program that cannot be run exits with 127 and says why in errors().
class ChildProcess {
 public:
  static constexpr std::chrono::seconds patience{30};

  struct Options {
    std::vector<std::string> command;      // the first is the path of the program
    std::string inputFile = "/dev/null";   // standard input; empty: what write() gives
    std::string directory;                 // working directory; empty: that of the test
    rlim_t descriptorsMax = 0;             // ulimit -n; 0: that of the test
    int stopSignal = SIGKILL;              // how the destructor, and the end of the test, stop it
    std::function<bool()> beforeExecution  // runs in the child; false (with errno): give up
        = [] { return true; };
  };

  explicit ChildProcess(Options options);
  ~ChildProcess();

  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  // What the program has printed so far.
  const std::string& output();
  const std::string& errors();

  // True as soon as the program has printed `text`; false when it ended or was silent for too long.
  bool waitForOutput(std::string_view text);
  bool waitForError(std::string_view text);

  // The exit code, or 128 + the signal that ended it; none when it does not end in time.
  std::optional<int> waitForExit();

  void write(std::string_view input);
  void closeInput();
  void signal(int number) const;

  // Processor time used so far, and memory that is resident now; zero when it has ended.
  std::chrono::nanoseconds cpuTime() const;
  std::size_t residentBytes() const;

 private:
  bool waitUntil(const std::function<bool()>& reached);
  bool readMore(std::chrono::steady_clock::time_point deadline);
  void reap();

  pid_t pid_ = -1;
  UniqueFd pidFd_;
  UniqueFd inputFd_;
  UniqueFd outputFd_;
  UniqueFd errorFd_;
  int stopSignal_;
  std::string output_;
  std::string errors_;
  std::optional<int> exitCode_;
};

// Where Bazel put the program `path` of this workspace that is in the test's `data`.
std::string runfile(std::string_view path);

}  // namespace kairos

#endif  // KAIROS_TESTS_SUPPORT_CHILD_PROCESS_H_
