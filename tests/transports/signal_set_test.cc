// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/transports/signal_set.h"

#include <gtest/gtest.h>
#include <pthread.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <memory>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include "kairos/tests/support/descriptors.h"
#include "kairos/tests/transports/real_time_fixture.h"
#include "kairos/transports/error.h"

namespace kairos {
namespace {

using Wait = Watched<SignalOperation>;

std::set<int> blockedSignals() {
  sigset_t mask;
  EXPECT_EQ(::pthread_sigmask(SIG_BLOCK, nullptr, &mask), 0);
  std::set<int> blocked;
  for (int signal = 1; signal <= SIGRTMAX; ++signal) {
    if (::sigismember(&mask, signal) == 1) blocked.insert(signal);
  }
  return blocked;
}

void setBlocked(int how, int signal) {
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, signal);
  ASSERT_EQ(::pthread_sigmask(how, &set, nullptr), 0);
}

bool isPendingNow(int signal) {
  sigset_t set;
  ::sigpending(&set);
  return ::sigismember(&set, signal) == 1;
}

// What a signal does, as far as one can ask: the handler, and its flags.
using Disposition = std::pair<sighandler_t, int>;

std::vector<Disposition> allDispositions() {
  std::vector<Disposition> all;
  for (int signal = 1; signal <= SIGRTMAX; ++signal) {
    struct sigaction action {};
    const bool isOurs = ::sigaction(signal, nullptr, &action) == 0;
    all.emplace_back(isOurs ? action.sa_handler : nullptr, action.sa_flags);
  }
  return all;
}

class SignalSetTest : public StreamTest {
 protected:
  void open(std::initializer_list<int> signals) { ok(SignalSet::open(context_, signals, set_)); }
  void wait(Wait& wait) { ok(set_.wait(wait, Wait::done, &wait)); }

  SignalSet set_;
};

INSTANTIATE_TEST_SUITE_P(Backends, SignalSetTest, backends(), backendName);

// T139, IG1: the default action, which would end the test, does not happen; nothing of the user
// runs before a poll.
TEST_P(SignalSetTest, ReportsSignalsOfTheProcess) {
  open({SIGINT, SIGTERM});
  for (const int signal : {SIGINT, SIGTERM}) {
    Wait waiting;
    wait(waiting);
    settle();
    EXPECT_EQ(waiting.completions(), 0u);
    ::kill(::getpid(), signal);
    EXPECT_EQ(waiting.completions(), 0u);
    settle();
    EXPECT_EQ(waiting.completions(), 1u);
    EXPECT_FALSE(waiting.error);
    EXPECT_EQ(waiting.number, signal);
    EXPECT_EQ(waiting.code, SI_USER);
    EXPECT_EQ(waiting.sender, ::getpid());
    EXPECT_EQ(waiting.senderUser, ::getuid());
  }
}

// T139, IG1: what came before it was waited for is reported too, once.
TEST_P(SignalSetTest, CoalescesWhatComesBeforeItIsTaken) {
  open({SIGUSR1});
  for (int i = 0; i < 1000; ++i) ::raise(SIGUSR1);
  Wait waiting;
  waiting.setThen([&] { wait(waiting); });
  wait(waiting);
  settle();
  EXPECT_EQ(waiting.completions(), 1u);
  ::raise(SIGUSR1);
  settle();
  EXPECT_EQ(waiting.completions(), 2u);
  waiting.setThen({});
}

TEST_P(SignalSetTest, QueuesRealTimeSignalsWithTheirValues) {
  open({SIGRTMIN});
  std::vector<int> values;
  Wait waiting;
  waiting.setThen([&] {
    values.push_back(waiting.value);
    wait(waiting);
  });
  wait(waiting);
  std::vector<int> sent;
  for (int i = 0; i < 20; ++i) {
    sigval value{};
    value.sival_int = i;
    ASSERT_EQ(::sigqueue(::getpid(), SIGRTMIN, value), 0);
    sent.push_back(i);
  }
  settle();
  EXPECT_EQ(values, sent);
  waiting.setThen({});
}

// T143: of one set, and of another on the same context.
TEST_P(SignalSetTest, ReportsSeveralSignalsInOnePoll) {
  open({SIGUSR1, SIGUSR2, SIGTERM});
  SignalSet other;
  ok(SignalSet::open(context_, {SIGHUP}, other));
  std::set<int> reported;
  Wait waiting;
  waiting.setThen([&] {
    reported.insert(waiting.number);
    wait(waiting);
  });
  wait(waiting);
  Wait hangUp;
  ok(other.wait(hangUp, Wait::done, &hangUp));
  for (const int signal : {SIGUSR1, SIGUSR2, SIGTERM, SIGHUP}) ::raise(signal);
  poll();
  EXPECT_EQ(reported, (std::set<int>{SIGUSR1, SIGUSR2, SIGTERM}));
  EXPECT_EQ(waiting.completions(), 3u);
  EXPECT_EQ(hangUp.number, SIGHUP);
  waiting.setThen({});
}

// T140
TEST_P(SignalSetTest, HasASignalOnce) {
  open({SIGUSR1});
  EXPECT_EQ(set_.add(SIGUSR1), std::errc::file_exists);
  SignalSet other;
  EXPECT_EQ(SignalSet::open(context_, {SIGUSR2, SIGUSR1}, other), std::errc::file_exists);
  EXPECT_FALSE(other.isOpen());
  EXPECT_FALSE(blockedSignals().contains(SIGUSR2)) << "a refused set leaves nothing";
  EXPECT_TRUE(set_.remove(SIGUSR1));
  EXPECT_FALSE(set_.remove(SIGUSR1));
  ok(set_.add(SIGUSR1));
  Wait waiting;
  wait(waiting);
  ::raise(SIGUSR1);
  settle();
  EXPECT_EQ(waiting.number, SIGUSR1);
  set_.close();
  ok(SignalSet::open(context_, {SIGUSR1}, other));
}

// T141
TEST_P(SignalSetTest, RefusesWhatIsNoSignalOrCannotBeBlocked) {
  const std::set<int> before = blockedSignals();
  open({});
  for (const int signal : {0, -1, 32, 33, 65, 200, SIGKILL, SIGSTOP}) {
    EXPECT_EQ(set_.add(signal), std::errc::invalid_argument) << signal;
    EXPECT_FALSE(set_.remove(signal));
    SignalSet refused;
    EXPECT_EQ(SignalSet::open(context_, {signal}, refused), std::errc::invalid_argument);
  }
  EXPECT_EQ(blockedSignals(), before);
}

// T142, IG2: with what the program has set up itself, and nothing of other signals.
TEST_P(SignalSetTest, RestoresTheMaskExactly) {
  setBlocked(SIG_BLOCK, SIGUSR1);
  const auto handlerBefore = ::signal(SIGHUP, [](int) { ADD_FAILURE(); });
  const auto ignoredBefore = ::signal(SIGWINCH, SIG_IGN);
  const std::set<int> before = blockedSignals();
  const std::vector<Disposition> dispositions = allDispositions();
  const auto expectMask = [&](std::initializer_list<int> added) {
    std::set<int> expected = before;
    expected.insert(added);
    EXPECT_EQ(blockedSignals(), expected);
    EXPECT_EQ(allDispositions(), dispositions);
  };
  open({SIGUSR1, SIGUSR2, SIGHUP, SIGWINCH});
  expectMask({SIGUSR2, SIGHUP, SIGWINCH});
  for (const int signal : {SIGUSR1, SIGUSR2, SIGHUP}) ::raise(signal);
  EXPECT_TRUE(set_.remove(SIGHUP));
  expectMask({SIGUSR2, SIGWINCH});
  EXPECT_TRUE(set_.remove(SIGUSR1));
  expectMask({SIGUSR2, SIGWINCH});
  set_ = SignalSet();
  expectMask({});
  EXPECT_TRUE(isPendingNow(SIGUSR1)) << "it would be pending without the set, too";
  ok(SignalSet::open(context_, {SIGUSR1}, set_));
  Wait waiting;
  wait(waiting);
  settle();
  EXPECT_EQ(waiting.number, SIGUSR1);
  set_.close();
  expectMask({});
  ::signal(SIGHUP, handlerBefore);
  ::signal(SIGWINCH, ignoredBefore);
  setBlocked(SIG_UNBLOCK, SIGUSR1);
}

// T142: two contexts of one thread, which close in the opposite order as they have to.
TEST_P(SignalSetTest, StaysBlockedForTheFirstOfTwoContexts) {
  const std::set<int> before = blockedSignals();
  open({SIGUSR1});
  {
    TransportContext other(reactor_);
    SignalSet second;
    ok(SignalSet::open(other, {SIGUSR1}, second));
  }
  Wait waiting;
  wait(waiting);
  ASSERT_EQ(::raise(SIGUSR1), 0);
  settle();
  EXPECT_EQ(waiting.number, SIGUSR1);
  set_.close();
  EXPECT_EQ(blockedSignals(), before);
}

// Signals that nobody has taken do not strike when the set goes, and those of others stay.
TEST_P(SignalSetTest, ThrowsAwayWhatIsPendingButNotOfOthers) {
  setBlocked(SIG_BLOCK, SIGUSR1);
  open({SIGUSR1, SIGTERM, SIGRTMIN});
  for (const int signal : {SIGUSR1, SIGTERM, SIGRTMIN, SIGRTMIN}) ::raise(signal);
  set_.close();
  EXPECT_FALSE(isPendingNow(SIGTERM));
  EXPECT_FALSE(isPendingNow(SIGRTMIN));
  EXPECT_TRUE(isPendingNow(SIGUSR1));
  open({SIGUSR1});
  Wait waiting;
  wait(waiting);
  settle();
  EXPECT_EQ(waiting.number, SIGUSR1);
  set_.close();
  setBlocked(SIG_UNBLOCK, SIGUSR1);
}

// Also what was read already, together with another signal.
TEST_P(SignalSetTest, ForgetsARemovedSignalThatWasReceived) {
  open({SIGUSR1, SIGUSR2});
  Wait waiting;
  wait(waiting);
  ::raise(SIGUSR1);
  ::raise(SIGUSR2);
  settle();
  ASSERT_EQ(waiting.number, SIGUSR1);
  EXPECT_TRUE(set_.remove(SIGUSR2));
  wait(waiting);
  settle();
  EXPECT_EQ(waiting.completions(), 1u);
}

// A wait that has got the signal, and is destroyed before its callback, has it for nobody.
TEST_P(SignalSetTest, PassesOnASignalOfAWaitThatIsDestroyedBeforeItsCallback) {
  for (const bool isRemoved : {false, true}) {
    open({SIGUSR1, SIGUSR2});
    auto destroyed = std::make_unique<Wait>([] { ADD_FAILURE(); });
    wait(*destroyed);
    poll();
    connect(pair());
    Write first([&] {
      EXPECT_TRUE(destroyed->isPending());
      if (isRemoved) {
        EXPECT_TRUE(set_.remove(SIGUSR1));
      }
      destroyed.reset();
    });
    write(first, "done at once, so it is the first in the queue");
    ASSERT_EQ(::raise(SIGUSR1), 0);
    ASSERT_EQ(::raise(SIGUSR2), 0);
    settle();
    EXPECT_EQ(destroyed, nullptr);
    Wait next;
    if (!isRemoved) {
      wait(next);
      settle();
      EXPECT_EQ(next.number, SIGUSR1);
    }
    wait(next);
    settle();
    EXPECT_EQ(next.number, SIGUSR2);
    set_.close();
  }
}

// A signal that nobody waits for costs one wake-up.
TEST_P(SignalSetTest, DoesNotSpinForASignalThatNobodyWaitsFor) {
  open({SIGUSR1});
  Wait waiting;
  wait(waiting);
  ::raise(SIGUSR1);
  settle();
  ::raise(SIGUSR1);
  settle();
  EXPECT_EQ(reactor_.poll(Reactor::forever).error, std::errc::resource_deadlock_would_occur);
  wait(waiting);
  settle();
  EXPECT_EQ(waiting.completions(), 2u);
}

std::atomic<int> handled{0};

// T144: a thread that does not block the signal takes it away from the set.
TEST_P(SignalSetTest, GetsNothingThatAnotherThreadDoesNotBlock) {
  struct sigaction before {};
  struct sigaction counting {};
  counting.sa_handler = [](int) { ++handled; };
  ASSERT_EQ(::sigaction(SIGUSR1, &counting, &before), 0);
  handled = 0;
  std::atomic<bool> isOver{false};
  std::thread early([&] {
    while (!isOver) std::this_thread::yield();
  });
  open({SIGUSR1});
  Wait waiting;
  wait(waiting);
  ::kill(::getpid(), SIGUSR1);
  while (handled == 0) std::this_thread::yield();
  settle();
  EXPECT_EQ(waiting.completions(), 0u);
  isOver = true;
  early.join();
  std::thread late([&] { EXPECT_TRUE(blockedSignals().contains(SIGUSR1)); });
  late.join();
  ::kill(::getpid(), SIGUSR1);
  settle();
  EXPECT_EQ(waiting.completions(), 1u);
  EXPECT_EQ(handled, 1);
  set_.close();
  ::sigaction(SIGUSR1, &before, nullptr);
}

class SignalThreadTest : public RealTimeTransportTest {};

INSTANTIATE_TEST_SUITE_P(Backends, SignalThreadTest, backends(), backendName);

// IG1: however many come into one, the last is followed by a callback that sees what it was about.
TEST_P(SignalThreadTest, ShowsTheLastOfManySignals) {
  constexpr int raises = 2000;
  SignalSet set;
  ok(SignalSet::open(context_, {SIGUSR1}, set));
  const auto loop = std::this_thread::get_id();
  std::atomic<int> sent{0};
  int seen = 0;
  Wait waiting;
  waiting.setThen([&] {
    EXPECT_EQ(std::this_thread::get_id(), loop);
    EXPECT_FALSE(waiting.error);
    seen = sent;
    if (seen < raises) ok(set.wait(waiting, Wait::done, &waiting));
  });
  ok(set.wait(waiting, Wait::done, &waiting));
  std::thread other([&sent] {
    for (int i = 0; i < raises; ++i) {
      ++sent;
      ::kill(::getpid(), SIGUSR1);
    }
  });
  pollUntil([&] { return seen == raises; });
  other.join();
  EXPECT_LE(waiting.completions(), std::size_t{raises});
}

TEST_P(SignalSetTest, EndsAWaitInEachWayOnce) {
  open({SIGUSR1});
  Wait waiting;
  wait(waiting);
  EXPECT_TRUE(set_.cancel(waiting));
  EXPECT_FALSE(set_.cancel(waiting));
  settle();
  EXPECT_EQ(waiting.error, std::errc::operation_canceled);
  {
    Wait destroyed([] { ADD_FAILURE(); });
    wait(destroyed);
  }
  wait(waiting);
  set_.close();
  set_.close();
  settle();
  EXPECT_EQ(waiting.error, TransportError::closed);
  wait(waiting);
  settle();
  EXPECT_EQ(waiting.error, TransportError::closed);
  EXPECT_EQ(waiting.completions(), 3u);
  EXPECT_EQ(set_.add(SIGUSR1), TransportError::closed);
}

TEST_P(SignalSetTest, EndsAWaitWithItsHandleAndItsContext) {
  const std::set<Fd> before = openFds();
  Wait first;
  Wait second;
  {
    TransportContext inner(reactor_);
    SignalSet one;
    SignalSet two;
    ok(SignalSet::open(inner, {SIGUSR1}, one));
    ok(SignalSet::open(inner, {SIGUSR2}, two));
    ok(one.wait(first, Wait::done, &first));
    ok(two.wait(second, Wait::done, &second));
    one = SignalSet();
    set_ = std::move(two);
  }
  EXPECT_EQ(first.error, TransportError::closed);
  EXPECT_EQ(second.error, TransportError::closed);
  EXPECT_FALSE(set_.isOpen());
  EXPECT_EQ(set_.wait(second, Wait::done, &second), TransportError::closed);
  EXPECT_TRUE(openedSince(before).empty());
  EXPECT_FALSE(blockedSignals().contains(SIGUSR1));
  EXPECT_FALSE(blockedSignals().contains(SIGUSR2));
}

TEST_P(SignalSetTest, RefusesMisuse) {
  Wait waiting;
  EXPECT_EQ(set_.wait(waiting, Wait::done, &waiting), TransportError::notConnected);
  EXPECT_EQ(set_.add(SIGUSR1), TransportError::notConnected);
  EXPECT_FALSE(set_.remove(SIGUSR1));
  EXPECT_FALSE(set_.cancel(waiting));
  open({SIGUSR1});
  EXPECT_EQ(set_.wait(waiting, nullptr, nullptr), std::errc::invalid_argument);
  wait(waiting);
  Wait other;
  EXPECT_EQ(set_.wait(other, Wait::done, &other), TransportError::busy);
  EXPECT_EQ(set_.wait(waiting, Wait::done, &waiting), TransportError::busy);
}

}  // namespace
}  // namespace kairos
