// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/bench/transports/loads/server_process.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>

#include "kairos/bench/support/check.h"

namespace kairos::bench {
namespace {

constexpr int answerWaitMs = 60000;  // valgrind takes its time

[[noreturn]] void become(char* const* command, int output) {
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  ::dup2(output, STDOUT_FILENO);
  ::execvp(command[0], command);
  failCheck("the server's command can be run");
}

}  // namespace

ServerProcess::ServerProcess(char* const* command) {
  int ends[2];
  check(::pipe2(ends, O_CLOEXEC) == 0, "pipe2");
  command_ = ::fork();
  check(command_ >= 0, "fork");
  if (command_ == 0) become(command, ends[1]);
  ::close(ends[1]);
  output_ = ends[0];
  char line[128];
  readLine(line, sizeof line);
  int port = 0;
  char heap[8] = "";
  check(std::sscanf(line, "%d %d %7s", &port, &server_, heap) >= 2, "the server's first line");
  port_ = static_cast<std::uint16_t>(port);
  tellsHeap_ = std::strcmp(heap, "heap") == 0;
}

// What runs the server, such as strace, ends by itself and writes what it has to say.
ServerProcess::~ServerProcess() {
  ::kill(server_, SIGTERM);
  ::waitpid(command_, nullptr, 0);
  ::close(output_);
}

void ServerProcess::readLine(char* line, int size) {
  int length = 0;
  do {
    pollfd waiting{output_, POLLIN, 0};
    check(::poll(&waiting, 1, answerWaitMs) == 1, "the server answers");
    check(length < size - 1 && ::read(output_, line + length, 1) == 1, "the server answers");
  } while (line[length++] != '\n');
  line[length] = '\0';
}

std::int64_t ServerProcess::cpuNanoseconds() const {
  clockid_t clock = 0;
  check(::clock_getcpuclockid(server_, &clock) == 0, "clock_getcpuclockid");
  timespec time{};
  check(::clock_gettime(clock, &time) == 0, "clock_gettime of the server's process");
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

double ServerProcess::residentBytes() const {
  std::ifstream rollup("/proc/" + std::to_string(server_) + "/smaps_rollup");
  for (std::string word; rollup >> word;) {
    if (word != "Anonymous:") continue;
    double kilobytes = 0;
    rollup >> kilobytes;
    return kilobytes * 1024;
  }
  failCheck("smaps_rollup of the server tells its memory");
}

double ServerProcess::heapBytes() {
  if (!tellsHeap_) return -1;
  check(::kill(server_, SIGUSR1) == 0, "kill");
  char line[128];
  readLine(line, sizeof line);
  return std::atof(line);
}

}  // namespace kairos::bench
