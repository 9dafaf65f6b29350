// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TESTS_TRANSPORTS_SUBPROCESS_FIXTURE_H_
#define KAIROS_TESTS_TRANSPORTS_SUBPROCESS_FIXTURE_H_

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <array>
#include <cerrno>
#include <initializer_list>
#include <string>
#include <vector>

#include "kairos/tests/transports/real_time_fixture.h"
#include "kairos/transports/subprocess_transport.h"

namespace kairos {

using Exit = Watched<ExitOperation>;

// This process has no children, not even dead ones.
inline bool hasNoChildren() { return ::waitpid(-1, nullptr, WNOHANG) < 0 && errno == ECHILD; }

inline SubprocessOptions runs(std::span<const char* const> arguments) {
  SubprocessOptions options;
  options.arguments = arguments;
  return options;
}

class SubprocessTest : public RealTimeTransportTest {
 protected:
  using Arguments = std::initializer_list<const char*>;

  void start(SubprocessTransport& child, SubprocessOptions options, Arguments arguments) {
    options.arguments = {arguments.begin(), arguments.size()};
    ok(SubprocessTransport::start(context_, options, child));
  }
  void startShell(SubprocessTransport& child, const char* command, SubprocessOptions options = {}) {
    const auto arguments = shellArguments(command);
    options.arguments = arguments;
    ok(SubprocessTransport::start(context_, options, child));
  }

  void wait(SubprocessTransport& child, Exit& exit) { ok(child.wait(exit, Exit::done, &exit)); }
  void wait(SubprocessTransport& child, Exit& exit, Clock::duration timeout) {
    ok(child.wait(exit, timeout, Exit::done, &exit));
  }
  ExitStatus waitForExit(SubprocessTransport& child) {
    Exit exit;
    wait(child, exit);
    pollUntilDone(exit);
    EXPECT_EQ(exit.error, std::error_code());
    return exit.status;
  }

  std::string readAll(StreamTransport& stream) {
    Read read;
    ok(stream.readToEnd(read, {.limit = 100000000}, Read::done, &read));
    pollUntilDone(read);
    EXPECT_EQ(read.error, std::error_code());
    return std::string(read.data);
  }
  std::string readLine(StreamTransport& stream) {
    Read read;
    ok(stream.readLine(read, {}, Read::done, &read));
    pollUntilDone(read);
    EXPECT_EQ(read.error, std::error_code());
    return std::string(read.data);
  }

  // What a command prints, which has to succeed.
  std::string outputOf(SubprocessOptions options, Arguments arguments) {
    options.output = Redirect::pipe();
    SubprocessTransport child;
    start(child, options, arguments);
    std::string output = readAll(child.output());
    EXPECT_TRUE(waitForExit(child).isSuccess());
    return output;
  }
};

}  // namespace kairos

#endif  // KAIROS_TESTS_TRANSPORTS_SUBPROCESS_FIXTURE_H_
