// SPDX-License-Identifier: MIT OR Apache-2.0
// The file of a unix socket: whom it lets in, from its first moment on.
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string>

#include "kairos/tests/transports/server_fixture.h"
#include "kairos/transports/datagram_transport.h"

namespace kairos {
namespace {

// What happened to the files of a directory, as the kernel tells it.
class Watcher {
 public:
  explicit Watcher(const std::string& directory) : fd_(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)) {
    EXPECT_GE(::inotify_add_watch(fd_.get(), directory.c_str(), IN_CREATE | IN_ATTRIB), 0);
  }

  // "+" it came to be, "*" its mode was changed.
  std::string events() const {
    alignas(inotify_event) char bytes[4096];
    const ssize_t size = ::read(fd_.get(), bytes, sizeof bytes);
    std::string all;
    for (ssize_t at = 0; at < size;) {
      const auto& event = *reinterpret_cast<const inotify_event*>(bytes + at);
      all += (event.mask & IN_CREATE) != 0 ? '+' : '*';
      at += static_cast<ssize_t>(sizeof event + event.len);
    }
    return all;
  }

 private:
  const UniqueFd fd_;
};

class UnixPathTest : public ServerTest {
 protected:
  UnixPathTest() {
    char name[] = "/tmp/kairos-paths-XXXXXX";
    EXPECT_NE(::mkdtemp(name), nullptr);
    directory_ = name;
    EXPECT_EQ(::chmod(name, 0755), 0);
  }
  ~UnixPathTest() override {
    server_.close();
    EXPECT_EQ(::rmdir(directory_.c_str()), 0);
  }

  std::string path() const { return directory_ + "/socket"; }

  mode_t mode() const {
    struct stat status {};
    EXPECT_EQ(::stat(path().c_str(), &status), 0);
    return status.st_mode & 07777;
  }

  std::string directory_;
};

INSTANTIATE_TEST_SUITE_P(Backends, UnixPathTest, backends(), backendName);

// A file is never open to more than it is to be, as it would be until a chmod(2).
TEST_P(UnixPathTest, HasItsModeFromTheBeginning) {
  const mode_t umaskBefore = ::umask(022);
  const Watcher watcher(directory_);
  listen(pathAddress(path()));
  EXPECT_EQ(mode(), 0755u);
  EXPECT_EQ(watcher.events(), "+");
  server_.close();
  listen(pathAddress(path()), {.pathMode = 0600});
  EXPECT_EQ(mode(), 0600u);
  EXPECT_EQ(watcher.events(), "+");
  server_.close();
  listen(pathAddress(path()), {.pathMode = 0666});
  EXPECT_EQ(mode(), 0644u) << "less the umask";
  EXPECT_EQ(watcher.events(), "+");
  server_.close();
  {
    DatagramTransport datagrams;
    ok(DatagramTransport::bind(context_, pathAddress(path()), {.pathMode = 0600}, datagrams));
    EXPECT_EQ(mode(), 0600u);
  }
  EXPECT_EQ(watcher.events(), "+");
  listen(abstractAddress("mode"), {.pathMode = 0600});
  ::umask(umaskBefore);
}

// As the owner of files who is not allowed everything. Whether it worked.
bool becomePowerless() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct none[2] = {};
  return ::syscall(SYS_capset, &header, none) == 0;
}

// Whoever may write it may connect, and nobody else.
TEST_P(UnixPathTest, LetsInWhomItsModeLetsIn) {
  const auto errorOfOwner = [this] {
    const Address to = pathAddress(path());
    const pid_t child = ::fork();
    if (child == 0) {
      const Fd fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
      if (!becomePowerless()) ::_exit(255);
      ::_exit(::connect(fd, to.sockaddrData(), to.sockaddrSize()) == 0 ? 0 : errno);
    }
    int status = -1;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    return WEXITSTATUS(status);
  };
  const mode_t umaskBefore = ::umask(0);
  for (const mode_t mode : {0577u, 0077u, 0200u, 0600u}) {
    listen(pathAddress(path()), {.pathMode = mode});
    EXPECT_EQ(errorOfOwner(), (mode & 0200) != 0 ? 0 : EACCES) << std::oct << mode;
    server_.close();
  }
  ::umask(umaskBefore);
}

}  // namespace
}  // namespace kairos
