// SPDX-License-Identifier: MIT OR Apache-2.0
// Random histories of everything that a user can do, each call and callback compared with the
// reference model. A million steps; a fifth of that under sanitizers.
#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <memory>
#include <set>
#include <utility>

#include "kairos/tests/conformance/fixture.h"
#include "kairos/tests/conformance/reference_model.h"
#include "kairos/tests/support/process_state.h"
#include "kairos/tests/support/random_seed.h"

namespace kairos {
namespace {

using namespace std::chrono_literals;
using Direction = ReferenceModel::Direction;

class Soak;

// The user data of one registration. It lives from the addition to the removal, so that a sanitizer
// sees any later use.
struct Registration {
  Soak* soak;
  std::size_t name;
  Direction direction;
};

class Soak {
 public:
  Soak(const BackendKind& kind, Random& random)
      : random_(random), time_(kind.open), model_(kind, time_), hasKernelSet_(kind.hasKernelSet) {
    for (std::size_t i = 0; i < ReferenceModel::fileCount; ++i) {
      model_.file(i).number = firstNumber + static_cast<Fd>(i);
    }
    // Zero delays are ordered by the last reading of the clock: there is one from now on.
    reactor_.removeTimer(reactor_.addTimer(1ms, onTimer, this));
  }
  ~Soak() {
    for (std::size_t i = 0; i < ReferenceModel::fileCount; ++i) close(i);
  }

  void step() {
    if (random_.oneIn(4)) {
      poll();
    } else {
      act();
    }
  }

  // Whether files are closed before they are removed, and live on in copies. Only without that it
  // can be told to the nanosecond how long a poll has to sleep.
  void setWild(bool isWild);

  // Takes everything back, and shows that nothing is left.
  void finish();

  std::size_t callbacks() const { return callbacks_; }

 private:
  // Numbers that nothing else in the process is given.
  static constexpr Fd firstNumber = 500;
  static constexpr std::size_t timerCount = ReferenceModel::timerCount;

  void act();
  void actOnFile(std::size_t i);
  void actOnTimer();
  void actInCallback();

  void open(std::size_t i);
  void openCopyAgain(std::size_t i);
  void close(std::size_t i);
  void closeFirst(std::size_t i);
  void closeCopies(std::size_t i);
  void disturb(std::size_t i);
  void add(std::size_t i, Direction d);
  void remove(std::size_t i, Direction d);

  void addTimer(std::size_t name);
  void removeTimer(std::size_t name);

  void poll();
  Clock::duration anyTimeout();
  void compareKernelSet();

  static void onReady(void* udata);
  static void onTimer(void* udata);

  Random& random_;
  VirtualTime time_;
  ReferenceModel model_;
  Reactor reactor_{detail::ReactorAccess::create(time_.open())};
  const bool hasKernelSet_;
  std::unique_ptr<Registration> registrations_[ReferenceModel::fileCount][2];
  std::unique_ptr<Registration> timers_[timerCount];
  TimerId timerIds_[timerCount]{};
  std::size_t callbacks_ = 0;
  bool isWild_ = false;
};

void Soak::act() {
  switch (random_.below(8)) {
    case 0:
    case 1:
      return actOnTimer();
    case 2:
      return time_.advance(random_.below(3) * 500us);
    default:
      return actOnFile(random_.below(ReferenceModel::fileCount));
  }
}

void Soak::actOnFile(std::size_t i) {
  const auto direction = static_cast<Direction>(random_.below(2));
  switch (random_.below(12)) {
    case 0:
    case 1:
      return open(i);
    case 2:
      return openCopyAgain(i);
    case 3:
      return isWild_ ? closeFirst(i) : close(i);
    case 4:
    case 5:
      return disturb(i);
    case 6:
      return closeCopies(i);
    case 7:
    case 8:
      return remove(i, direction);
    default:
      return add(i, direction);
  }
}

// ---- Files

// On a number whose registrations are gone; they are the user's to remove.
void Soak::open(std::size_t i) {
  ReferenceModel::File& file = model_.file(i);
  if (file.isOpen) return;
  remove(i, ReferenceModel::reading);
  remove(i, ReferenceModel::writing);
  if (file.copy.get() >= 0) model_.noteOrphan(std::exchange(file.copy, UniqueFd()));
  file.mayLinger = false;
  Pair ends = pair();
  const int little = 1;  // the kernel makes its minimum of it
  ::setsockopt(ends.near.get(), SOL_SOCKET, SO_SNDBUF, &little, sizeof little);
  ::setsockopt(ends.far.get(), SOL_SOCKET, SO_SNDBUF, &little, sizeof little);
  duplicateTo(ends.near.get(), file.number);
  file.peer = std::move(ends.far);
  file.isOpen = true;
}

// The same file under the same number again.
void Soak::openCopyAgain(std::size_t i) {
  ReferenceModel::File& file = model_.file(i);
  if (file.isOpen || file.copy.get() < 0) return;
  remove(i, ReferenceModel::reading);
  remove(i, ReferenceModel::writing);
  duplicateTo(file.copy.get(), file.number);
  file.isOpen = true;
}

void Soak::close(std::size_t i) {
  ReferenceModel::File& file = model_.file(i);
  remove(i, ReferenceModel::reading);
  remove(i, ReferenceModel::writing);
  if (file.isOpen) ::close(file.number);
  file.isOpen = false;
}

void Soak::closeFirst(std::size_t i) {
  ReferenceModel::File& file = model_.file(i);
  if (!file.isOpen) return;
  if (random_.oneIn(2)) file.copy = duplicate(file.number);
  file.mayLinger = file.copy.get() >= 0;
  ::close(file.number);
  file.isOpen = false;
  if (random_.oneIn(2)) close(i);
}

void Soak::closeCopies(std::size_t i) {
  ReferenceModel::File& file = model_.file(i);
  file.copy.reset();
  file.mayLinger = file.mayLinger && file.isOpen;
  if (random_.oneIn(8)) model_.closeOrphans();
}

// Changes what the file is ready for.
void Soak::disturb(std::size_t i) {
  ReferenceModel::File& file = model_.file(i);
  if (!file.isOpen) return;
  const Fd peer = file.peer.get();
  switch (random_.below(7)) {
    case 0:
    case 1:
      if (peer >= 0) (void)::send(peer, "x", 1, MSG_NOSIGNAL);
      return;
    case 2:
      drain(file.number);
      return;
    case 3:
      while (::send(file.number, "0123456789abcdef", 16, MSG_NOSIGNAL) > 0) {
      }
      return;
    case 4:
      if (peer >= 0) drain(peer);
      return;
    case 5:
      if (peer >= 0 && random_.oneIn(4)) ::shutdown(peer, SHUT_WR);
      return;
    default:
      if (random_.oneIn(4)) file.peer.reset();
      return;
  }
}

void Soak::add(std::size_t i, Direction d) {
  if (model_.isUncertain(i)) return;
  const Fd fd = model_.file(i).number;
  auto registration = std::make_unique<Registration>(Registration{this, i, d});
  const std::error_code answer = d == ReferenceModel::reading
                                     ? reactor_.addReader(fd, onReady, registration.get())
                                     : reactor_.addWriter(fd, onReady, registration.get());
  const std::error_code expected = model_.add(i, d);
  EXPECT_EQ(answer, expected.default_error_condition()) << answer.message();
  if (!answer) registrations_[i][d] = std::move(registration);
}

void Soak::remove(std::size_t i, Direction d) {
  const Fd fd = model_.file(i).number;
  const bool answer =
      d == ReferenceModel::reading ? reactor_.removeReader(fd) : reactor_.removeWriter(fd);
  EXPECT_EQ(answer, model_.remove(i, d));
  registrations_[i][d].reset();
}

// ---- Timers

void Soak::actOnTimer() {
  const std::size_t name = random_.below(timerCount);
  if (model_.hasTimer(name) || random_.oneIn(8)) {
    removeTimer(name);  // also one that is gone
  } else {
    addTimer(name);
  }
}

void Soak::addTimer(std::size_t name) {
  if (model_.hasTimer(name)) return;
  timers_[name] = std::make_unique<Registration>(Registration{this, name, {}});
  void* const udata = timers_[name].get();
  const auto now = time_.now();
  const auto add = [&](auto when, Clock::time_point deadline) {
    timerIds_[name] = reactor_.addTimer(when, onTimer, udata);
    EXPECT_NE(timerIds_[name], TimerId::none);
    model_.addTimer(name, deadline);
  };
  const Clock::duration soon = random_.below(4) * 500us;
  const auto distant = now + random_.below(1000) * 1ms;
  switch (random_.below(8)) {
    case 0:
    case 1:
      return add(Clock::duration::zero(), time_.lastReading());
    case 2:
      return add(-soon - 1ns, time_.lastReading());
    case 3:
      return add(soon + 1ns, now + soon + 1ns);
    case 4:
      return add(now + soon, now + soon);
    case 5:
      return add(now - soon, now - soon);
    case 6:
      return add(time_.lastReading(), time_.lastReading());
    default:
      if (random_.oneIn(10)) return add(Reactor::forever, Clock::time_point::max());
      return add(distant, distant);
  }
}

void Soak::removeTimer(std::size_t name) {
  const bool expected = model_.removeTimer(name);
  EXPECT_EQ(reactor_.removeTimer(timerIds_[name]), expected);
  timers_[name].reset();
}

// ---- Poll

Clock::duration Soak::anyTimeout() {
  switch (random_.below(5)) {
    case 0:
      return random_.below(3'000'000) * 1ns;
    case 1:
      return model_.nextDeadline() == Clock::time_point::max() ? 1ms : Reactor::forever;
    default:
      return Clock::duration::zero();
  }
}

void Soak::poll() {
  const Clock::duration timeout = anyTimeout();
  const bool isInterrupted = random_.oneIn(16);
  const bool isRefused = !isInterrupted && random_.oneIn(64);
  if (isInterrupted) time_.interruptNextWait(random_.below(1000) * 1us);
  if (isRefused) time_.failWait(std::errc::not_enough_memory);
  time_.failOpenAnother(random_.oneIn(8) ? 1 : 0);
  time_.forget();
  model_.beginPoll(isInterrupted || isRefused);
  const PollResult result = reactor_.poll(timeout);
  model_.endPoll(timeout, result);
  EXPECT_EQ(bool(result.error), isRefused);
  if (random_.oneIn(256)) compareKernelSet();
}

void Soak::compareKernelSet() {
  if (!hasKernelSet_) return;
  const auto kernel = kernelSet(*epollFds().begin());
  for (std::size_t i = 0; i < ReferenceModel::fileCount; ++i) {
    const auto expected = model_.watched(i);
    if (!expected) continue;
    const auto found = kernel.find(model_.file(i).number);
    const std::uint32_t mask = found == kernel.end() ? 0 : found->second;
    EXPECT_EQ((mask & EPOLLIN) != 0, expected->read);
    EXPECT_EQ((mask & EPOLLOUT) != 0, expected->write);
    EXPECT_EQ(found != kernel.end(), expected->any());
  }
}

void Soak::actInCallback() {
  ++callbacks_;
  if (random_.oneIn(2)) return;
  for (std::size_t n = random_.below(4); n > 0; --n) act();
  if (random_.oneIn(16)) {
    EXPECT_EQ(reactor_.poll(anyTimeout()).error, std::errc::operation_in_progress);
  }
}

void Soak::onReady(void* udata) {
  const Registration self = *static_cast<Registration*>(udata);
  Soak& soak = *self.soak;
  EXPECT_EQ(soak.registrations_[self.name][self.direction].get(), udata);
  soak.model_.ran(self.name, self.direction);
  soak.actInCallback();
}

void Soak::onTimer(void* udata) {
  const Registration self = *static_cast<Registration*>(udata);
  Soak& soak = *self.soak;
  EXPECT_EQ(soak.timers_[self.name].get(), udata);
  soak.model_.timerRan(self.name);
  soak.timers_[self.name].reset();
  soak.actInCallback();
}

void Soak::setWild(bool isWild) {
  isWild_ = isWild;
  if (isWild) return;
  for (std::size_t i = 0; i < ReferenceModel::fileCount; ++i) {
    close(i);
    closeCopies(i);
  }
  model_.closeOrphans();
}

void Soak::finish() {
  for (std::size_t i = 0; i < ReferenceModel::fileCount; ++i) close(i);
  for (std::size_t name = 0; name < timerCount; ++name) removeTimer(name);
  EXPECT_EQ(reactor_.poll(Reactor::forever).error, std::errc::resource_deadlock_would_occur);
}

class SoakTest : public testing::TestWithParam<BackendKind> {};

INSTANTIATE_TEST_SUITE_P(Backends, SoakTest, backends(), backendName);

// R44 R82
TEST_P(SoakTest, DoesAsTheReferenceModelInRandomHistories) {
  const int steps = historySteps(underSanitizer() ? 200'000 : 1'000'000);
  Random random;
  const std::set<Fd> before = openFds();
  {
    Soak soak(GetParam(), random);
    for (int i = 0; i < steps; ++i) {
      if (i % 2000 == 0) soak.setWild(random.oneIn(2));
      soak.step();
      if (i % 64 == 0 && HasFailure()) FAIL() << "about step " << i;
    }
    soak.finish();
    EXPECT_GT(soak.callbacks(), static_cast<std::size_t>(steps) / 10);
  }
  EXPECT_EQ(openFds(), before);
}

}  // namespace
}  // namespace kairos
