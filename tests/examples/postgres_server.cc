// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/tests/examples/postgres_server.h"

#include <fcntl.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <string_view>

namespace kairos {
namespace {

// The user "nobody" of every system.
constexpr uid_t nobody = 65534;

bool writeFile(const char* path, std::string_view text) {
  const int fd = ::open(path, O_WRONLY | O_CLOEXEC);
  const bool written = fd >= 0 && ::write(fd, text.data(), text.size()) >= 0;
  if (fd >= 0) ::close(fd);
  return written;
}

bool becomeNobody() {
  return ::setgroups(0, nullptr) == 0 && ::setgid(nobody) == 0 && ::setuid(nobody) == 0;
}

// In a user namespace the same user has another number.
bool renameRoot() {
  return ::unshare(CLONE_NEWUSER) == 0 && writeFile("/proc/self/setgroups", "deny") &&
         writeFile("/proc/self/uid_map", "65534 0 1") &&
         writeFile("/proc/self/gid_map", "65534 0 1");
}

}  // namespace

// PostgreSQL refuses to be run by root. In a sandbox where root is the only user there is, it
// cannot become another one, but may at least look like one.
ChildProcess::Options PostgresServer::command(const std::string& program) const {
  ChildProcess::Options options;
  options.command = {*findProgram(program)};
  options.directory = directory_.path();
  options.stopSignal = SIGQUIT;  // at once, but with its shared memory cleared away
  if (::geteuid() != 0) return options;
  const bool others = ::chown(directory_.path().c_str(), nobody, nobody) == 0;
  options.beforeExecution = others ? becomeNobody : renameRoot;
  return options;
}

PostgresServer::PostgresServer() {
  const std::string data = directory_.path() / "data";
  auto initialise = command("initdb");
  for (const char* const word : {"-D", data.c_str(), "-U", "tester", "-A", "trust", "--no-sync",
                                 "--no-locale", "--encoding=UTF8"}) {
    initialise.command.emplace_back(word);
  }
  ChildProcess initdb(std::move(initialise));
  const auto exitCode = initdb.waitForExit();
  EXPECT_EQ(exitCode, 0) << initdb.output() << initdb.errors();
  if (exitCode != 0) return;

  const auto serve = [&](std::uint16_t port) {
    auto options = command("postgres");
    const std::string sockets = directory_.path();
    for (const std::string& word :
         {std::string("-D"), data, std::string("-k"), sockets, std::string("-p"),
          std::to_string(port), std::string("-h"), std::string("127.0.0.1"), std::string("-F")}) {
      options.command.push_back(word);
    }
    return options;
  };
  server_ = PeerServer::start(serve, &ChildProcess::waitForError,
                              "database system is ready to accept connections");
}

std::string PostgresServer::conninfo(const std::string& ports, const std::string& addresses) const {
  return "hostaddr=" + addresses + " port=" + ports + " user=tester dbname=postgres";
}

}  // namespace kairos
