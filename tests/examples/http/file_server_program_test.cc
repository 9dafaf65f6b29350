// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The file server as a program: arguments, signals, its log, and curl as a client.

#include <gtest/gtest.h>
#include <sys/syscall.h>

#include <csignal>
#include <string>
#include <utility>
#include <vector>

#include "kairos/tests/examples/http/file_server_fixture.h"
#include "kairos/tests/examples/peer_server.h"
#include "kairos/tests/examples/tcp_client.h"
#include "kairos/tests/support/allow_list.h"
#include "kairos/tests/support/child_process.h"
#include "kairos/tests/support/process_state.h"

namespace kairos {
namespace {

ChildProcess::Options program(std::vector<std::string> arguments) {
  ChildProcess::Options options;
  options.command = {runfile("transports/examples/file_server")};
  for (std::string& argument : arguments) options.command.push_back(std::move(argument));
  return options;
}

class FileServerProgramTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_.write("a", "0123456789");
    ASSERT_TRUE(server_.waitForOutput("\n")) << server_.errors();
    EXPECT_TRUE(server_.output().starts_with("listening on 127.0.0.1:"));
    port_ = listeningPort(server_.output());
    ASSERT_NE(port_, 0);
  }

  TemporaryDirectory folder_;
  ChildProcess server_{
      program({"--port", "0", "--threads", "2", "--log", folder_.path().string()})};
  std::uint16_t port_ = 0;
};

TEST_F(FileServerProgramTest, ServesUntilItIsToldToStop) {
  for (int i = 0; i < 10; ++i) {
    TcpClient client(port_);
    EXPECT_EQ(ask(client, "/a").body, "0123456789");
  }
  server_.signal(SIGTERM);
  EXPECT_EQ(server_.waitForExit(), 0);
  EXPECT_FALSE(TcpClient(port_).connected());
  EXPECT_EQ(server_.errors(), "");
}

TEST_F(FileServerProgramTest, IsStoppedByTheKeyboardToo) {
  server_.signal(SIGINT);
  EXPECT_EQ(server_.waitForExit(), 0);
}

TEST_F(FileServerProgramTest, LogsWhatItAnswered) {
  TcpClient client(port_);
  ask(client, "/a");
  EXPECT_TRUE(server_.waitForOutput("\"GET /a HTTP/1.1\" 200 10\n")) << server_.output();
  ask(client, "/no\"ne");
  EXPECT_TRUE(server_.waitForOutput("\"GET /no\\x22ne HTTP/1.1\" 404 ")) << server_.output();
  EXPECT_NE(server_.output().find("\n127.0.0.1 - - ["), std::string::npos) << server_.output();
}

TEST_F(FileServerProgramTest, SatisfiesCurl) {
  const auto curl = findProgram("curl");
  if (!curl) GTEST_SKIP() << "there is no curl here";
  const std::string url = "http://127.0.0.1:" + std::to_string(port_);
  ChildProcess::Options options;
  options.command = {*curl, "--silent", "--show-error", "--fail",       "--noproxy",
                     "*",   "--range",  "3-5",          "--compressed", url + "/a"};
  ChildProcess part(options);
  EXPECT_EQ(part.waitForExit(), 0) << part.errors();
  EXPECT_EQ(part.output(), "345");
  options.command = {*curl, "--silent", "--noproxy", "*", "--location", "--http2", url + "/"};
  ChildProcess list(options);
  EXPECT_EQ(list.waitForExit(), 0) << list.errors();
  EXPECT_NE(list.output().find(">a</a>"), std::string::npos) << list.output();
}

const SystemCalls ofTheLoop{SYS_epoll_create1, SYS_epoll_ctl, SYS_epoll_wait, SYS_epoll_pwait2,
                            SYS_eventfd2,      SYS_close,     SYS_read,       SYS_write};
const SystemCalls ofConnections{SYS_socket,      SYS_setsockopt, SYS_getsockopt, SYS_bind,
                                SYS_listen,      SYS_accept4,    SYS_recvfrom,   SYS_sendmsg,
                                SYS_getsockname, SYS_sendto,     SYS_shutdown,   SYS_fcntl};
const SystemCalls ofFiles{SYS_openat2, SYS_newfstatat, SYS_getdents64,
                          SYS_lseek,   SYS_pread64,    SYS_sendfile};
const SystemCalls ofSignalsAndThreads{SYS_signalfd4, SYS_rt_sigprocmask, SYS_rt_sigtimedwait,
                                      SYS_clone3,    SYS_sched_yield,    SYS_exit,
                                      SYS_futex,     SYS_set_robust_list};
const SystemCalls ofPrograms{
    SYS_execve,       SYS_access,    SYS_openat,    SYS_arch_prctl,      SYS_mprotect, SYS_rseq,
    SYS_rt_sigaction, SYS_prlimit64, SYS_getrandom, SYS_set_tid_address, SYS_prctl,    SYS_getppid};
const SystemCalls ofTheLibrary{SYS_brk,     SYS_mmap,          SYS_munmap, SYS_mremap,
                               SYS_madvise, SYS_clock_gettime, SYS_gettid, SYS_poll};

TEST(FileServerSandboxTest, ServesWithNoOtherSystemCalls) {
  if (underSanitizer()) GTEST_SKIP() << "a sanitizer makes system calls of its own";
  TemporaryDirectory folder;
  folder.write("small", "0123456789");
  folder.write("large", std::string(300'000, 'x'));
  auto options = program({"--port", "0", "--threads", "2", "--log", folder.path().string()});
  options.beforeExecution = [] {
    return allowOnly(ofTheLoop + ofConnections + ofFiles + ofSignalsAndThreads + ofPrograms +
                     ofTheLibrary);
  };
  ChildProcess server(options);
  ASSERT_TRUE(server.waitForOutput("\n")) << server.errors();
  TcpClient client(listeningPort(server.output()));
  EXPECT_EQ(ask(client, "/small", "Range: bytes=3-5\r\n").body, "345");
  EXPECT_EQ(ask(client, "/large").body.size(), 300'000U);
  EXPECT_EQ(ask(client, "/").status, 200);
  EXPECT_EQ(ask(client, "/none").status, 404);
  server.signal(SIGTERM);
  EXPECT_EQ(server.waitForExit(), 0);
}

TEST(FileServerArgumentsTest, AreChecked) {
  for (const std::vector<std::string>& wrong :
       std::vector<std::vector<std::string>>{{},
                                             {"--log"},
                                             {"--port", "70000", "."},
                                             {"--threads", "0", "."},
                                             {"--threads", "100000", "."},
                                             {"--host", "localhost", "."},
                                             {"--unknown", "."},
                                             {".", "."}}) {
    ChildProcess process(program(wrong));
    EXPECT_EQ(process.waitForExit(), 2);
    EXPECT_TRUE(process.errors().starts_with("usage: ")) << process.errors();
  }
}

TEST(FileServerArgumentsTest, AreExplainedWhenTheyCannotBeServed) {
  ChildProcess none(program({"--port", "0", "/nowhere"}));
  EXPECT_EQ(none.waitForExit(), 1);
  EXPECT_NE(none.errors().find("cannot serve /nowhere"), std::string::npos);
  ChildProcess foreign(program({"--host", "192.0.2.1", "--port", "0", "."}));
  EXPECT_EQ(foreign.waitForExit(), 1);
  EXPECT_NE(foreign.errors().find("cannot listen on 192.0.2.1:0"), std::string::npos);
}

TEST(FileServerArgumentsTest, ChooseTheAddress) {
  ChildProcess server(program({"--host", "0.0.0.0", "--port", "0", "."}));
  ASSERT_TRUE(server.waitForOutput("\n")) << server.errors();
  EXPECT_TRUE(server.output().starts_with("listening on 0.0.0.0:"));
}

}  // namespace
}  // namespace kairos
