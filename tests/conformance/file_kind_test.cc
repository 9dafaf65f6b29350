// SPDX-License-Identifier: MIT OR Apache-2.0
// All kinds of files: which are taken, and which are refused. On virtual time.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>

#include <csignal>
#include <cstdlib>
#include <string>

#include "kairos/tests/conformance/fixture.h"
#include "kairos/tests/support/process_state.h"

namespace kairos {
namespace {

using namespace std::chrono_literals;

class FileKindTest : public VirtualTimeTest {
 protected:
  // Adds a reader, and shows that it runs no sooner than the file is ready.
  template <class MakeReady>
  void expectReadable(const UniqueFd& file, MakeReady makeReady) {
    ASSERT_GE(file.get(), 0);
    Probe reader;
    addReader(file.get(), reader);
    EXPECT_EQ(poll(0ms), 0u);
    makeReady();
    pollfd becomingReady{file.get(), POLLIN, 0};  // terminals and timers take their time
    ASSERT_EQ(::poll(&becomingReady, 1, -1), 1);
    EXPECT_EQ(poll(0ms), 1u);
    EXPECT_TRUE(reactor_.removeReader(file.get()));
    EXPECT_EQ(poll(0ms), 0u);
  }

  void expectRefused(const UniqueFd& file, std::errc error) {
    ASSERT_GE(file.get(), 0);
    time_.forget();
    Probe probe;
    EXPECT_EQ(reactor_.addReader(file.get(), Probe::run, &probe), error);
    EXPECT_EQ(reactor_.addWriter(file.get(), Probe::run, &probe), error);
    EXPECT_FALSE(reactor_.removeReader(file.get()));
    EXPECT_FALSE(reactor_.removeWriter(file.get()));
    EXPECT_EQ(reactor_.poll(Reactor::forever).error, std::errc::resource_deadlock_would_occur)
        << "nothing is left behind";
  }

  void expectTakenWhenReady(const UniqueFd& device) {
    ASSERT_GE(device.get(), 0);
    Probe reader;
    addReader(device.get(), reader);
    pollfd becomingReady{device.get(), POLLIN, 0};
    ASSERT_EQ(::poll(&becomingReady, 1, -1), 1);
    EXPECT_EQ(poll(0ms), 1u);
    EXPECT_TRUE(reactor_.removeReader(device.get()));
  }
};

INSTANTIATE_TEST_SUITE_P(Backends, FileKindTest, backends(), backendName);

// R61
TEST_P(FileKindTest, RefusesARegularFile) {
  char path[] = "/tmp/k-XXXXXX";
  const UniqueFd file(::mkstemp(path));
  ::unlink(path);
  expectRefused(file, std::errc::operation_not_permitted);
}

// R61
TEST_P(FileKindTest, RefusesADirectory) {
  expectRefused(UniqueFd(::open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC)),
                std::errc::operation_not_permitted);
}

// R61
TEST_P(FileKindTest, RefusesDevicesThatAreAlwaysReady) {
  for (const char* path : {"/dev/null", "/dev/zero", "/dev/urandom"}) {
    SCOPED_TRACE(path);
    expectRefused(UniqueFd(::open(path, O_RDONLY | O_CLOEXEC)), std::errc::operation_not_permitted);
  }
}

// R62
TEST_P(FileKindTest, TakesTheDeviceOfRandomNumbers) {
  expectTakenWhenReady(UniqueFd(::open("/dev/random", O_RDONLY | O_NONBLOCK | O_CLOEXEC)));
}

// R62
TEST_P(FileKindTest, TakesTheLogOfTheKernel) {
  const UniqueFd log(::open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  if (log.get() < 0) GTEST_SKIP() << "/dev/kmsg is not there, or not for this user";
  expectTakenWhenReady(log);
}

TEST_P(FileKindTest, RefusesADescriptorThatNamesAFileWithoutOpeningIt) {
  expectRefused(UniqueFd(::open("/dev/ptmx", O_PATH | O_CLOEXEC)), std::errc::bad_file_descriptor);
}

TEST_P(FileKindTest, RefusesTheDescriptorOfTheReactorItself) {
  const std::set<Fd> before = openFds();
  Reactor reactor{detail::ReactorAccess::create(GetParam().open())};
  Probe probe;
  const std::set<Fd> own = openedSince(before);
  EXPECT_EQ(own.size(), GetParam().hasKernelSet ? 1u : 0u);
  for (const Fd fd : own) {
    EXPECT_EQ(reactor.addReader(fd, Probe::run, &probe), std::errc::invalid_argument);
    EXPECT_EQ(reactor.addWriter(fd, Probe::run, &probe), std::errc::invalid_argument);
  }
}

// R62
TEST_P(FileKindTest, TakesAPipe) {
  const Pair ends = pipePair();
  expectReadable(ends.near, [&] { writeByte(ends.far.get()); });
}

// R62
TEST_P(FileKindTest, TakesAnEventfd) {
  const UniqueFd file = counter();
  expectReadable(file, [&] { bump(file.get()); });
}

// R62
TEST_P(FileKindTest, TakesATimerfd) {
  const UniqueFd file(::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC));
  expectReadable(file, [&] {
    const itimerspec soon{{}, {0, 1}};
    ASSERT_EQ(::timerfd_settime(file.get(), 0, &soon, nullptr), 0);
  });
}

// R62 R76
TEST_P(FileKindTest, TakesASignalfd) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGUSR1);
  sigset_t old;
  ASSERT_EQ(::pthread_sigmask(SIG_BLOCK, &signals, &old), 0);
  const UniqueFd file(::signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC));
  expectReadable(file, [] { ::raise(SIGUSR1); });
  signalfd_siginfo info{};
  EXPECT_EQ(::read(file.get(), &info, sizeof info), static_cast<ssize_t>(sizeof info));
  EXPECT_EQ(info.ssi_signo, static_cast<unsigned>(SIGUSR1));
  ::pthread_sigmask(SIG_SETMASK, &old, nullptr);
}

// R62
TEST_P(FileKindTest, TakesAnInotify) {
  char path[] = "/tmp/k-XXXXXX";
  ASSERT_NE(::mkdtemp(path), nullptr);
  const UniqueFd file(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  ASSERT_GE(::inotify_add_watch(file.get(), path, IN_DELETE_SELF), 0);
  expectReadable(file, [&] { ::rmdir(path); });
}

// R62
TEST_P(FileKindTest, TakesATerminal) {
  const UniqueFd master(::posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC));
  ASSERT_EQ(::grantpt(master.get()), 0);
  ASSERT_EQ(::unlockpt(master.get()), 0);
  char name[64];
  ASSERT_EQ(::ptsname_r(master.get(), name, sizeof name), 0);
  const UniqueFd terminal(::open(name, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC));
  expectReadable(terminal, [&] { ASSERT_EQ(::write(master.get(), "line\n", 5), 5); });
}

// R62
TEST_P(FileKindTest, TakesAListeningSocket) {
  const UniqueFd listener = tcpListener();
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  ASSERT_EQ(::getsockname(listener.get(), generic, &size), 0);
  const UniqueFd client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  expectReadable(listener, [&] { ASSERT_EQ(::connect(client.get(), generic, size), 0); });
}

// R62
TEST_P(FileKindTest, TakesANetlinkSocket) {
  const UniqueFd socket(
      ::socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_ROUTE));
  expectReadable(socket, [&] {
    struct {
      nlmsghdr header;
      rtgenmsg message;
    } request{};
    request.header.nlmsg_len = sizeof request;
    request.header.nlmsg_type = RTM_GETLINK;
    request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    ASSERT_EQ(::send(socket.get(), &request, sizeof request, 0),
              static_cast<ssize_t>(sizeof request));
  });
}

// R62
TEST_P(FileKindTest, TakesAnotherEpollDescriptor) {
  const UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
  const UniqueFd file = counter();
  epoll_event event{};
  event.events = EPOLLIN;
  ASSERT_EQ(::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, file.get(), &event), 0);
  expectReadable(epoll, [&] { bump(file.get()); });
}

class PidfdTest : public VirtualTimeTest {
 protected:
  void SetUp() override {
    if (underValgrind()) GTEST_SKIP() << "valgrind does not know pidfd_open";
  }

  // A child that ends when `hold` is closed on this side.
  pid_t startChild(Pair& hold) {
    const pid_t child = ::fork();
    if (child == 0) {
      hold.near.reset();
      char byte = 0;
      ::fcntl(hold.far.get(), F_SETFL, 0);
      (void)!::read(hold.far.get(), &byte, 1);
      ::_exit(7);
    }
    hold.far.reset();
    return child;
  }

  static UniqueFd openPidfd(pid_t child) {
    return UniqueFd(static_cast<Fd>(::syscall(SYS_pidfd_open, child, 0)));
  }

  static int exitCode(pid_t child) {
    siginfo_t info{};
    EXPECT_EQ(::waitid(P_PID, static_cast<id_t>(child), &info, WEXITED), 0);
    return info.si_status;
  }
};

INSTANTIATE_TEST_SUITE_P(Backends, PidfdTest, backends(), backendName);

// R62 R77
TEST_P(PidfdTest, TellsOfAChildThatEndsAfterItWasAdded) {
  Pair hold = pair();
  const pid_t child = startChild(hold);
  const UniqueFd file = openPidfd(child);
  Probe reader;
  addReader(file.get(), reader);
  EXPECT_EQ(poll(0ms), 0u);
  hold.near.reset();
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(child), nullptr, WEXITED | WNOWAIT), 0);
  EXPECT_EQ(poll(0ms), 1u);
  EXPECT_EQ(exitCode(child), 7);
}

// R62 R77
TEST_P(PidfdTest, TellsOfAChildThatEndedBeforeItWasAdded) {
  Pair hold = pair();
  const pid_t child = startChild(hold);
  const UniqueFd file = openPidfd(child);
  hold.near.reset();
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(child), nullptr, WEXITED | WNOWAIT), 0);
  Probe reader;
  addReader(file.get(), reader);
  EXPECT_EQ(poll(0ms), 1u);
  EXPECT_EQ(exitCode(child), 7);
}

}  // namespace
}  // namespace kairos
