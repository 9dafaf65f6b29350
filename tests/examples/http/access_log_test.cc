// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/transports/examples/http/access_log.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <memory>
#include <string>

#include "kairos/reactor/reactor.h"
#include "kairos/tests/support/descriptors.h"

namespace kairos::examples {
namespace {

std::string receive(Fd fd) {
  std::array<char, 65536> buffer;
  std::string received;
  for (;;) {
    const ssize_t size = ::read(fd, buffer.data(), buffer.size());
    if (size <= 0) return received;
    received.append(buffer.data(), static_cast<std::size_t>(size));
  }
}

AccessLog::Line lineOf(std::string_view request) {
  return {.host = "::1", .date = "D", .request = request, .status = 200, .bytes = 7};
}

class AccessLogTest : public testing::Test {
 protected:
  void poll() { EXPECT_FALSE(reactor_.poll(Clock::duration::zero()).error); }

  Pair pipe_ = pipePair();
  Reactor reactor_;
  std::unique_ptr<AccessLog> log_ = std::make_unique<AccessLog>(reactor_, pipe_.far.get());
};

TEST_F(AccessLogTest, WritesCommonLogLinesInTheNextPoll) {
  log_->add(lineOf("GET /a HTTP/1.1"));
  log_->add({.host = "1.2.3.4", .date = "E", .request = "HEAD / HTTP/1.0", .status = 304});
  EXPECT_EQ(receive(pipe_.near.get()), "");
  poll();
  EXPECT_EQ(receive(pipe_.near.get()),
            "::1 - - [D] \"GET /a HTTP/1.1\" 200 7\n"
            "1.2.3.4 - - [E] \"HEAD / HTTP/1.0\" 304 -\n");
  log_->add(lineOf("x"));
  poll();
  EXPECT_EQ(receive(pipe_.near.get()), "::1 - - [D] \"x\" 200 7\n");
}

TEST_F(AccessLogTest, LetsNobodyForgeALine) {
  log_->add(lineOf(std::string_view("a\" 200 1\n\\\x1b[2J\x7f\xc3\0", 17)));
  poll();
  EXPECT_EQ(receive(pipe_.near.get()),
            "::1 - - [D] \"a\\x22 200 1\\x0a\\x5c\\x1b[2J\\x7f\\xc3\\x00\" 200 7\n");
  log_->add(lineOf(std::string(5000, 'x')));
  poll();
  EXPECT_LT(receive(pipe_.near.get()).size(), AccessLog::requestBytesMax + 50);
}

TEST_F(AccessLogTest, WaitsForNoReaderAndSaysWhatIsMissing) {
  fill(pipe_.far.get());
  const std::string request(1000, 'x');
  for (int i = 0; i < 100; ++i) log_->add(lineOf(request));
  poll();
  std::string all;
  const auto enough = Clock::now() + std::chrono::seconds(30);
  while (all.find(" lines were left out\n") == all.npos && Clock::now() < enough) {
    all += receive(pipe_.near.get());
    EXPECT_FALSE(reactor_.poll(std::chrono::milliseconds(1)).error);
  }
  const std::size_t begin = all.find("::1 - -");
  ASSERT_NE(begin, all.npos);
  const std::string line = "::1 - - [D] \"" + request + "\" 200 7\n";
  const std::size_t kept = AccessLog::bytesMax / line.size() + 1;
  std::string expected;
  for (std::size_t i = 0; i < kept; ++i) expected += line;
  EXPECT_EQ(all.substr(begin),
            expected + "# " + std::to_string(100 - kept) + " lines were left out\n");
}

TEST_F(AccessLogTest, WritesWhatIsLeftAtItsEnd) {
  log_->add(lineOf("x"));
  log_.reset();
  EXPECT_EQ(receive(pipe_.near.get()), "::1 - - [D] \"x\" 200 7\n");
}

TEST_F(AccessLogTest, DropsWhatNobodyCanRead) {
  std::signal(SIGPIPE, SIG_IGN);
  pipe_.near = UniqueFd();
  log_->add(lineOf("x"));
  poll();
  poll();
  std::signal(SIGPIPE, SIG_DFL);
}

}  // namespace
}  // namespace kairos::examples
