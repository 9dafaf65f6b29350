// SPDX-License-Identifier: MIT OR Apache-2.0
// The simulated kernel against the real one: the same random history of descriptors and epoll sets
// on both, with the same answers and the same events.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/sockios.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kairos/reactor/simulation/kernel.h"
#include "kairos/tests/support/descriptors.h"
#include "kairos/tests/support/process_state.h"
#include "kairos/tests/support/random_seed.h"

namespace kairos {
namespace {

using detail::SimulatedKernel;
using Change = SimulatedKernel::Change;

// (data, bits), as the order is free.
using Events = std::multiset<std::pair<std::uint64_t, std::uint32_t>>;

static_assert(EPOLLIN == std::uint32_t{detail::readableBit});
static_assert(EPOLLOUT == std::uint32_t{detail::writableBit});
static_assert(EPOLLERR == std::uint32_t{detail::errorBit});
static_assert(EPOLLHUP == std::uint32_t{detail::hungUpBit});
static_assert(EPOLLRDHUP == std::uint32_t{detail::peerShutBit});

int errorOf(long result) { return result < 0 ? errno : 0; }

// Both kernels, asked the same. A number `n` here is the simulated descriptor `n` and the real one
// `base_ + n`.
class Twins {
 public:
  static constexpr std::size_t setCount = 2;

  Twins() {
    // Real numbers below the lowest free one are taken, and so stay those of others.
    while (unusedFd() < *openFds().rbegin()) fillers_.emplace_back(::dup(0));
    base_ = unusedFd();
    for (std::size_t i = 0; i < setCount; ++i) openSet(i);
  }
  ~Twins() {
    for (std::size_t i = 0; i < setCount; ++i) closeSet(i);
    for (const Fd fd : openFds()) {
      if (fd >= base_) ::close(fd);
    }
  }
  Twins(const Twins&) = delete;
  Twins& operator=(const Twins&) = delete;

  void openPair() {
    std::array<int, 2> ends{};
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends.data()), 0);
    const SimulatedKernel::Ends simulated = kernel_.openPair(4096);
    EXPECT_EQ(simulated.near, ends[0] - base_);
    EXPECT_EQ(simulated.far, ends[1] - base_);
  }
  void openCounter() { EXPECT_EQ(kernel_.openCounter(0), ::eventfd(0, EFD_NONBLOCK) - base_); }
  void openRegularFile() { EXPECT_EQ(kernel_.openRegularFile(), ::memfd_create("k", 0) - base_); }
  void duplicate(Fd n) {
    const Fd real = ::dup(base_ + n);
    EXPECT_EQ(kernel_.duplicate(n), real < 0 ? -1 : real - base_);
  }
  void close(Fd n) { EXPECT_EQ(kernel_.close(n), ::close(base_ + n) == 0); }

  void send(Fd n, std::string_view bytes) {
    const long sent = ::send(base_ + n, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    expectSame(sent, kernel_.send(n, bytes));
  }
  // Until neither kernel takes more; they take different amounts.
  void fill(Fd n) {
    const std::string much(1 << 16, 'x');
    while (::send(base_ + n, much.data(), much.size(), MSG_NOSIGNAL) > 0) {
    }
    const int error = errno;
    SimulatedKernel::Transfer simulated;
    do {
      simulated = kernel_.send(n, much);
    } while (simulated.bytes > 0);
    EXPECT_EQ(static_cast<int>(simulated.error), error);
  }
  void receive(Fd n, std::size_t most) {
    std::array<char, bytesMax> into{};
    const long received = ::recv(base_ + n, into.data(), most, 0);
    expectSame(received, kernel_.receive(n, std::span(into).first(most)));
  }
  void drain(Fd n) {
    std::array<char, 1 << 16> into{};
    long real = 0;
    while ((real = ::recv(base_ + n, into.data(), into.size(), 0)) > 0) {
    }
    const int error = errorOf(real);
    SimulatedKernel::Transfer simulated;
    do {
      simulated = kernel_.receive(n, into);
    } while (simulated.bytes > 0);
    EXPECT_EQ(static_cast<int>(simulated.error), error);
  }
  void shutDown(Fd n) {
    EXPECT_EQ(static_cast<int>(kernel_.shutDown(n)), errorOf(::shutdown(base_ + n, SHUT_WR)));
  }
  void bump(Fd n, std::uint64_t by) {
    EXPECT_EQ(static_cast<int>(kernel_.bump(n, by)), errorOf(::write(base_ + n, &by, sizeof by)));
  }
  void take(Fd n) {
    std::uint64_t real = 0;
    if (::read(base_ + n, &real, sizeof real) < 0) real = 0;
    EXPECT_EQ(kernel_.take(n), real);
  }

  void reopenSet(std::size_t set) {
    closeSet(set);
    openSet(set);
  }
  void control(std::size_t set, Change change, Fd n, std::uint32_t bits, std::uint64_t data) {
    epoll_event event{};
    event.events = bits;
    event.data.u64 = data;
    const int operation = change == Change::add      ? EPOLL_CTL_ADD
                          : change == Change::modify ? EPOLL_CTL_MOD
                                                     : EPOLL_CTL_DEL;
    const int error = errorOf(::epoll_ctl(epolls_[set], operation, base_ + n, &event));
    EXPECT_EQ(static_cast<int>(kernel_.control(sets_[set], change, n, bits, data)), error);
  }
  void wait(std::size_t set) { EXPECT_EQ(simulatedWait(set, 1000), realWait(set, 1000)); }
  // So many waits of so few each have found everything that is ready.
  void waitInTurns(std::size_t set, std::size_t most) {
    const Events all = realWait(set, 1000);
    std::set<std::uint64_t> real;
    std::set<std::uint64_t> simulated;
    for (std::size_t found = 0; found < all.size(); found += most) {
      for (const auto& [data, bits] : realWait(set, most)) real.insert(data);
      const Events some = simulatedWait(set, most);
      EXPECT_EQ(some.size(), std::min(most, all.size()));
      for (const auto& [data, bits] : some) simulated.insert(data);
    }
    EXPECT_EQ(simulated, real);
    EXPECT_EQ(simulated.size(), all.size());
  }

  // What the number names. Only calls that its kind has are comparable, or any if it names nothing.
  enum class Kind { closed, stream, counter, regular };
  Kind kindOf(Fd n) const {
    struct stat file {};
    if (::fstat(base_ + n, &file) < 0) return Kind::closed;
    if (S_ISSOCK(file.st_mode)) return Kind::stream;
    return S_ISREG(file.st_mode) ? Kind::regular : Kind::counter;
  }
  // The kernels count the room for bytes differently, so only few or as many as possible are sent.
  bool hasFewToReceive(Fd n) const {
    int bytes = 0;
    return ::ioctl(base_ + n, SIOCINQ, &bytes) < 0 || bytes < static_cast<int>(bytesMax);
  }
  bool hasFewUnderWay(Fd n) const {
    int memory = 0;
    return ::ioctl(base_ + n, SIOCOUTQ, &memory) < 0 || memory < 16'000;
  }
  Fd lowestFree() const { return unusedFd() - base_; }

 private:
  static constexpr std::size_t bytesMax = 16;

  static void expectSame(long real, const SimulatedKernel::Transfer& simulated) {
    EXPECT_EQ(static_cast<int>(simulated.error), errorOf(real));
    EXPECT_EQ(simulated.bytes, static_cast<std::size_t>(std::max(real, 0L)));
  }

  void openSet(std::size_t i) {
    // Out of the way of the others, which get the lowest number.
    const Fd epoll = ::epoll_create1(EPOLL_CLOEXEC);
    epolls_[i] = ::fcntl(epoll, F_DUPFD_CLOEXEC, base_ + 500);
    ::close(epoll);
    sets_[i] = kernel_.openSet();
  }
  void closeSet(std::size_t i) {
    ::close(epolls_[i]);
    kernel_.closeSet(sets_[i]);
  }

  Events realWait(std::size_t set, std::size_t most) {
    std::array<epoll_event, 1000> events{};
    const int count = ::epoll_wait(epolls_[set], events.data(), static_cast<int>(most), 0);
    Events found;
    for (int i = 0; i < count; ++i) {
      const epoll_event& event = events[static_cast<std::size_t>(i)];
      found.emplace(event.data.u64, event.events);
    }
    return found;
  }
  Events simulatedWait(std::size_t set, std::size_t most) {
    kernel_.collect(sets_[set], most, found_);
    Events found;
    for (const SimulatedKernel::Event& event : found_) found.emplace(event.data, event.bits);
    return found;
  }

  std::vector<UniqueFd> fillers_;
  Fd base_ = 0;
  std::array<Fd, setCount> epolls_{};
  SimulatedKernel kernel_;
  std::array<SimulatedKernel::SetId, setCount> sets_{};
  std::vector<SimulatedKernel::Event> found_;
};

class History {
 public:
  explicit History(Random& random) : random_(random) {}

  void step() {
    const std::size_t set = random_.below(Twins::setCount);
    switch (random_.below(16)) {
      case 0:
      case 1:
        return openSomething();
      case 2:
        return both_.close(anyNumber());
      case 3:
        return random_.oneIn(20) ? both_.reopenSet(set) : both_.wait(set);
      case 4:
        return both_.waitInTurns(set, 1 + random_.below(5));
      case 5:
      case 6:
      case 7:
        return both_.wait(set);
      case 8:
      case 9:
      case 10:
      case 11:
        return control(set);
      default:
        return disturb();
    }
  }

 private:
  // More are seldom open at a time, so that the numbers meet.
  static constexpr std::size_t numbers = 24;

  Fd anyNumber() { return static_cast<Fd>(random_.below(numbers)); }

  void openSomething() {
    if (both_.lowestFree() >= static_cast<Fd>(numbers)) return;
    switch (random_.below(8)) {
      case 0:
        return both_.openRegularFile();
      case 1:
      case 2:
        return both_.openCounter();
      case 3:
        return both_.duplicate(anyNumber());
      default:
        return both_.openPair();
    }
  }

  void control(std::size_t set) {
    constexpr std::array changes{Change::add, Change::add, Change::modify, Change::remove};
    std::uint32_t bits = 0;
    for (const std::uint32_t bit : {EPOLLIN, EPOLLOUT, EPOLLRDHUP}) {
      if (random_.oneIn(2)) bits |= bit;
    }
    both_.control(set, changes[random_.below(changes.size())], anyNumber(), bits, ++registrations_);
  }

  void disturb() {
    using Kind = Twins::Kind;
    const Fd n = anyNumber();
    const Kind kind = both_.kindOf(n);
    const bool isOpen = kind != Kind::closed;
    if (kind == Kind::stream || (!isOpen && random_.oneIn(2))) {
      disturbStream(n);
    } else if (kind != Kind::regular) {
      random_.oneIn(2) ? both_.take(n) : both_.bump(n, random_.oneIn(4) ? ~std::uint64_t{1} : 1);
    }
  }

  void disturbStream(Fd n) {
    switch (random_.below(7)) {
      case 0:
      case 1:
        if (both_.hasFewUnderWay(n)) both_.send(n, "x");
        return;
      case 2:
        return both_.fill(n);
      case 3:
      case 4:
        return both_.drain(n);
      case 5:
        if (both_.hasFewToReceive(n)) both_.receive(n, 1 + random_.below(3));
        return;
      default:
        if (random_.oneIn(3)) both_.shutDown(n);
    }
  }

  Random& random_;
  Twins both_;
  std::uint64_t registrations_ = 0;
};

TEST(ParityTest, TheSimulatedKernelAnswersAndReportsAsTheRealOne) {
  const int steps = underSanitizer() ? 100'000 : 400'000;
  Random random;
  for (int begun = 0; begun < steps; begun += 5000) {
    History history(random);
    for (int i = 0; i < 5000; ++i) {
      history.step();
      if (HasFailure()) FAIL() << "in step " << begun + i;
    }
  }
}

// A lost connection, which unix sockets do not have.
TEST(ParityTest, AResetIsThatOfTcp) {
  Pair real = tcpPair();
  const linger abort{.l_onoff = 1, .l_linger = 0};
  ASSERT_EQ(::setsockopt(real.far.get(), SOL_SOCKET, SO_LINGER, &abort, sizeof abort), 0);
  real.far.reset();
  SimulatedKernel kernel;
  const SimulatedKernel::Ends ends = kernel.openPair(1);
  EXPECT_EQ(kernel.reset(ends.far), std::errc());

  pollfd polled{real.near.get(), 0, 0};  // error and hang-up alone
  ASSERT_EQ(::poll(&polled, 1, -1), 1);
  polled.events = POLLIN | POLLOUT | POLLRDHUP;
  ASSERT_EQ(::poll(&polled, 1, 0), 1);
  EXPECT_EQ(kernel.readiness(ends.near), static_cast<std::uint32_t>(polled.revents));
  for (int i = 0; i < 2; ++i) {
    std::array<char, 1> byte{};
    const int error = errorOf(::recv(real.near.get(), byte.data(), 1, 0));
    EXPECT_EQ(static_cast<int>(kernel.receive(ends.near, byte).error), error);
  }
}

}  // namespace
}  // namespace kairos
