// SPDX-License-Identifier: MIT OR Apache-2.0
// A peer that has gone without a word, in a network of the test's own, whose wire is cut.
#include <gtest/gtest.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstring>

#include "kairos/tests/transports/real_time_fixture.h"
#include "kairos/transports/socket_options.h"

namespace kairos {
namespace {

using namespace std::chrono_literals;

bool enterOwnNetwork() { return ::unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0; }

// The loopback of this network carries everything, or nothing.
bool connectWire(bool on) {
  const UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  request.ifr_flags = on ? IFF_UP : 0;
  return ::ioctl(socket.get(), SIOCSIFFLAGS, &request) == 0;
}

// A stream to nowhere.
class Cut : public OwnLoop {
 public:
  explicit Cut(const TcpOptions& options) {
    Pair ends = tcpPair();
    isReady_ = !StreamTransport::adopt(context, ends.near.release(), stream_) &&
               !setTcpOptions(stream_.fd(), options) && connectWire(false);
    far_ = std::move(ends.far);
  }
  ~Cut() { connectWire(true); }

  bool sends(std::string_view bytes) {
    Write write;
    if (!isReady_ || stream_.write(write, bytes, Write::done, &write)) return false;
    return endsIn(20s, write) && !write.error;
  }
  // The OS says that nobody is there, after `least`.
  bool isNoticed(Clock::duration least) {
    const auto start = Clock::now();
    Read read;
    if (!isReady_ || stream_.readOnce(read, Read::done, &read)) return false;
    return endsIn(20s, read) && Clock::now() - start >= least && read.error == std::errc::timed_out;
  }

 private:
  bool endsIn(Clock::duration patience, const detail::Operation& operation) {
    const auto end = Clock::now() + patience;
    while (operation.isPending() && Clock::now() < end) reactor.poll(end - Clock::now());
    return !operation.isPending();
  }

  StreamTransport stream_;
  UniqueFd far_;
  bool isReady_ = false;
};

constexpr int noNetwork = 77;

// In a child process, since a network is left by no other way; its exit status.
int inOwnNetwork(bool (*act)()) {
  const pid_t child = ::fork();
  if (child == 0) {
    if (!enterOwnNetwork() || !connectWire(true)) ::_exit(noNetwork);
    ::_exit(act() ? 0 : 1);
  }
  int status = 0;
  if (::waitpid(child, &status, 0) != child || !WIFEXITED(status)) return -1;
  return WEXITSTATUS(status);
}

void expectWell(bool (*act)()) {
  const int status = inOwnNetwork(act);
  if (status == noNetwork) GTEST_SKIP() << "no network of one's own may be made here";
  EXPECT_EQ(status, 0);
}

// IT21: asked after a second of silence, and given up another second after the one question.
TEST(CutWireTest, IsNoticedByWhoKeepsAlive) {
  expectWell([] {
    Cut cut({.keepAlive = true, .keepAliveIdle = 1s, .keepAliveInterval = 1s, .keepAliveCount = 1});
    return cut.isNoticed(1900ms);
  });
}

// IT21
TEST(CutWireTest, IsNoticedByWhoGivesUpOnWhatIsNotTaken) {
  expectWell([] {
    Cut cut({.userTimeout = 1s});
    return cut.sends("into the void") && cut.isNoticed(900ms);
  });
}

}  // namespace
}  // namespace kairos
