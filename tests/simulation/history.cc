// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/tests/simulation/history.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <iterator>
#include <limits>
#include <memory>
#include <sstream>
#include <unordered_map>
#include <utility>

#include "kairos/reactor/reactor_access.h"
#include "kairos/reactor/simulation/machine.h"
#include "kairos/tests/simulation/choices.h"
#include "kairos/tests/simulation/reactor_model.h"
#include "kairos/tests/simulation/tapes.h"

namespace kairos {
namespace {

using namespace std::chrono_literals;
using detail::SimulatedKernel;
using detail::SimulatedMachine;
using detail::Tape;
using Direction = ReactorModel::Direction;
using Serial = ReactorModel::Serial;

class History;

// The user data of one registration, timer or event outside. It lives from the addition to the
// removal, so that a sanitizer sees any later use.
struct User {
  History* history;
  Serial serial;
  Fd fd;
  Direction direction;
};

// What a callback may throw.
struct Thrown {};

class History {
 public:
  History(std::span<const std::uint8_t> tape, std::string* steps)
      : machine_(Tape(tape)), model_(machine_), steps_(steps) {
    drawStyle();
    open();
  }
  ~History() { reactor_.reset(); }
  History(const History&) = delete;
  History& operator=(const History&) = delete;

  HistoryResult run() {
    while (!tape().isOver() && !model_.hasFailed()) {
      step(anyOperation());
      model_.checkKernelSet();
    }
    return {.failure = model_.failure(),
            .digest = digest_,
            .operations = operations_,
            .callbacks = callbacks_,
            .moves = machine_.moves(),
            .simulated = machine_.elapsed()};
  }

 private:
  using Operation = void (History::*)();
  struct Choice {
    Operation operation;
    unsigned weight;
  };

  Tape& tape() { return machine_.tape(); }
  SimulatedKernel& kernel() { return machine_.kernel(); }

  void drawStyle();
  void open();
  std::size_t anyOperation();
  void step(std::size_t operation);

  // What a user does.
  void poll();
  void add();
  void remove();
  void addTimer();
  void removeTimer();
  void openFile();
  void close();
  void closeFirst();
  void closeAndReopen();
  void recreate();

  // What happens to descriptors and time.
  void disturb();
  void disturbLater();
  void advance();

  void pollInside(Clock::duration timeout);
  void pollOutside(Clock::duration timeout);
  void removeOne(Fd fd, Direction d);
  void removeBoth(Fd fd);
  void closeNumber(Fd fd);
  void disturb(Fd fd);
  void addTimerIn(Clock::duration delay);
  void addTimerAt(Clock::time_point deadline);
  void noteTimer(TimerId id, Serial serial);

  // From now; at most the end of time.
  Clock::time_point later(Clock::duration delay) const {
    return machine_.now() + std::min(delay, Clock::time_point::max() - machine_.now());
  }
  Fd anyFd();
  Clock::time_point anyDeadline();
  Clock::duration anyTimeout();
  TimerId anyTimer();
  std::unique_ptr<User>& userOf(Fd fd, Direction d);

  static void onReady(void* udata);
  static void onTimer(void* udata);
  static void onOutside(void* udata);
  void actInCallback();

  // One line of the steps, and one value of the digest.
  template <class... Parts>
  void note(const Parts&... parts);
  void count(std::uint64_t value) { digest_ = (digest_ ^ value) * 0x100000001b3; }

  SimulatedMachine machine_;
  ReactorModel model_;
  std::string* const steps_;
  std::unique_ptr<Reactor> reactor_;

  // The style of this history: what is frequent differs, or rare pairs would never meet.
  std::array<unsigned, 13> weights_{};
  unsigned weightSum_ = 0;
  Fd numbers_ = 0;  // below it are the descriptors that are used
  bool mayThrow_ = false;

  std::vector<std::array<std::unique_ptr<User>, 2>> users_;  // by descriptor
  std::unordered_map<Serial, std::unique_ptr<User>> timerUsers_;
  std::unordered_map<std::uint64_t, Serial> serialOfTimer_;  // also of those that are gone
  std::vector<TimerId> timers_;
  std::vector<std::unique_ptr<User>> outside_;
  Clock::time_point lastDeadline_;
  Serial serial_ = 0;
  std::uint64_t digest_ = 0xcbf29ce484222325;
  std::size_t operations_ = 0;
  std::size_t callbacks_ = 0;
};

template <class... Parts>
void History::note(const Parts&... parts) {
  if (steps_ == nullptr) return;
  std::ostringstream line;
  line << machine_.elapsed().count() << " ns: " << (model_.isPolling() ? "  " : "");
  (line << ... << parts);
  *steps_ += line.str() + '\n';
}

const char* nameOf(Direction d) { return d == ReactorModel::reading ? "reader" : "writer"; }

std::string textOf(std::error_code error) { return error ? error.message() : "ok"; }

// ---- Style

void History::drawStyle() {
  // By operations, below: how frequent each is, and what a history may make of that.
  constexpr std::array<unsigned, 13> usual{16, 12, 4, 8, 4, 6, 10, 3, 3, 2, 2, 2, 1};
  constexpr std::array<unsigned, 4> factors{1, 0, 2, 5};
  constexpr std::array<unsigned, 4> rates{0, 32, 8, 3};
  constexpr std::array<Clock::time_point, 4> starts{
      SimulatedMachine::usualStart, Clock::time_point(), Clock::time_point(100 * 365 * 24h),
      Clock::time_point::max() - 1h};
  const auto anyRate = [&] { return rates[tape().below(rates.size())]; };
  for (std::size_t i = 0; i < usual.size(); ++i) {
    weights_[i] = usual[i] * factors[tape().below(factors.size())];
    if (i == 0 && weights_[i] == 0) weights_[i] = 1;  // without polls nothing happens
    weightSum_ += weights_[i];
  }
  numbers_ = 4 + static_cast<Fd>(tape().below(28));
  mayThrow_ = tape().oneIn(4);
  const bool isUsualStart = !tape().oneIn(16);
  machine_.setStart(starts[isUsualStart ? 0 : tape().below(starts.size())]);
  lastDeadline_ = machine_.now();
  machine_.setFaults(
      {anyRate(), anyRate(), anyRate(), anyRate(), anyRate(), anyRate(), anyRate(), anyRate()});
}

void History::open() {
  reactor_.reset(new Reactor(detail::ReactorAccess::create(machine_.openBackend())));
}

std::size_t History::anyOperation() {
  std::uint64_t choice = tape().below(weightSum_);
  std::size_t i = 0;
  for (; choice >= weights_[i]; ++i) choice -= weights_[i];
  return i;
}

void History::step(std::size_t operation) {
  // The dullest first.
  constexpr std::array<void (History::*)(), 13> operations{
      &History::poll,        &History::add,        &History::remove,         &History::addTimer,
      &History::removeTimer, &History::openFile,   &History::disturb,        &History::disturbLater,
      &History::close,       &History::closeFirst, &History::closeAndReopen, &History::advance,
      &History::recreate};
  ++operations_;
  (this->*operations[operation])();
}

// ---- Descriptors

Fd History::anyFd() {
  if (tape().oneIn(64)) return oddNumber(tape());
  return static_cast<Fd>(tape().below(static_cast<std::uint64_t>(numbers_)));
}

std::unique_ptr<User>& History::userOf(Fd fd, Direction d) {
  const auto number = static_cast<std::size_t>(fd);
  if (users_.size() <= number) users_.resize(number + 1);
  return users_[number][d];
}

void History::add() {
  const Fd fd = anyFd();
  const auto d = static_cast<Direction>(tape().below(2));
  const bool isNull = tape().oneIn(64);
  auto user = std::make_unique<User>(User{this, ++serial_, fd, d});
  const CallbackFunc callback = isNull ? nullptr : onReady;
  const std::error_code answer = d == ReactorModel::reading
                                     ? reactor_->addReader(fd, callback, user.get())
                                     : reactor_->addWriter(fd, callback, user.get());
  note("add ", nameOf(d), ' ', fd, isNull ? " without callback: " : ": ", textOf(answer));
  count(static_cast<std::uint64_t>(answer.value()));
  model_.added(fd, d, isNull, serial_, answer);
  if (!answer) userOf(fd, d) = std::move(user);
}

void History::remove() {
  const Fd fd = anyFd();
  removeOne(fd, static_cast<Direction>(tape().below(2)));
}

void History::removeOne(Fd fd, Direction d) {
  const bool answer =
      d == ReactorModel::reading ? reactor_->removeReader(fd) : reactor_->removeWriter(fd);
  note("remove ", nameOf(d), ' ', fd, ": ", answer);
  count(answer);
  model_.removed(fd, d, answer);
  if (answer) userOf(fd, d).reset();
}

void History::removeBoth(Fd fd) {
  for (const Direction d : ReactorModel::directions) removeOne(fd, d);
}

void History::openFile() {
  if (kernel().fileOf(numbers_ - 1) != 0) return;  // so that numbers meet
  const std::uint64_t kind = tape().below(8);
  if (kind < 4) {
    const SimulatedKernel::Ends ends = kernel().openPair(4);
    return note("open a pair: ", ends.near, ", ", ends.far);
  }
  if (kind < 5) return note("open a counter: ", kernel().openCounter(0));
  if (kind < 6) return note("open a regular file: ", kernel().openRegularFile());
  const Fd fd = anyFd();
  note("duplicate ", fd, ": ", kernel().duplicate(fd));
}

void History::closeNumber(Fd fd) { note("close ", fd, ": ", kernel().close(fd)); }

void History::close() {
  const Fd fd = anyFd();
  removeBoth(fd);
  closeNumber(fd);
}

void History::closeFirst() {
  const Fd fd = anyFd();
  if (tape().below(2) != 0) note("duplicate ", fd, ": ", kernel().duplicate(fd));
  closeNumber(fd);
  if (tape().below(2) != 0) removeBoth(fd);
}

void History::closeAndReopen() {
  const Fd fd = anyFd();
  if (tape().below(2) != 0) removeBoth(fd);
  closeNumber(fd);
  openFile();
}

void History::disturb() { disturb(anyFd()); }

void History::disturb(Fd fd) {
  note("disturb ", fd);
  disturbFile(kernel(), fd, tape());
}

void History::disturbLater() {
  outside_.push_back(std::make_unique<User>(User{this, 0, anyFd(), {}}));
  note("something will happen to ", outside_.back()->fd);
  const Clock::duration delay(1 + static_cast<Clock::rep>(tape().below(1 << 21)));
  machine_.at(later(delay), {onOutside, outside_.back().get()});
}

void History::onOutside(void* udata) {
  const User& user = *static_cast<User*>(udata);
  user.history->disturb(user.fd);
}

// ---- Time

void History::advance() {
  constexpr std::array<Clock::duration, 5> steps{1ns, 1us, 1ms, 999'999ns, 1h};
  const Clock::duration step = steps[tape().below(steps.size())];
  note("time passes: ", step.count(), " ns");
  machine_.advance(step);
}

Clock::time_point History::anyDeadline() {
  constexpr auto last = Clock::time_point::max();
  switch (tape().below(8)) {
    case 0:
    case 1:
      return lastDeadline_;
    case 2:
      return machine_.now();
    case 3:
      return machine_.lastReading();
    case 4:
      return machine_.now() - Clock::duration(tape().below(1 << 16));
    case 5:
      return tape().oneIn(4) ? (tape().below(2) == 0 ? last : last - 1ns)
                             : Clock::time_point::min();
    default:
      return machine_.now() +
             std::min(Clock::duration(tape().below(1 << 23)), last - machine_.now());
  }
}

void History::addTimer() {
  if (tape().oneIn(64)) {
    const TimerId none = reactor_->addTimer(anyDelay(tape()), nullptr, this);
    return model_.require(none == TimerId::none, "addTimer: took a null callback");
  }
  return tape().below(2) == 0 ? addTimerIn(anyDelay(tape())) : addTimerAt(anyDeadline());
}

void History::addTimerIn(Clock::duration delay) {
  auto user = std::make_unique<User>(User{this, ++serial_, -1, {}});
  const std::uint64_t readings = machine_.readings();
  const TimerId id = reactor_->addTimer(delay, onTimer, user.get());
  note("add timer ", serial_, " in ", delay.count(), " ns");
  timerUsers_.emplace(serial_, std::move(user));
  model_.addedIn(delay, serial_, readings);
  noteTimer(id, serial_);
}

void History::addTimerAt(Clock::time_point deadline) {
  auto user = std::make_unique<User>(User{this, ++serial_, -1, {}});
  const TimerId id = reactor_->addTimer(deadline, onTimer, user.get());
  note("add timer ", serial_, " at ", deadline.time_since_epoch().count(), " ns of the clock");
  lastDeadline_ = deadline;
  timerUsers_.emplace(serial_, std::move(user));
  model_.addedAt(deadline, serial_);
  noteTimer(id, serial_);
}

void History::noteTimer(TimerId id, Serial serial) {
  model_.require(id != TimerId::none, "addTimer: refused for no reason");
  const bool isNew = serialOfTimer_.emplace(static_cast<std::uint64_t>(id), serial).second;
  model_.require(isNew, "IR16: a timer's id is used again");
  timers_.push_back(id);
}

// One that was given out, or an invented one.
TimerId History::anyTimer() {
  if (timers_.empty() || tape().oneIn(16)) return TimerId{tape().below(1ull << 32) << 20};
  const std::size_t recent = std::min<std::size_t>(timers_.size(), 16);
  return timers_[timers_.size() - 1 - tape().below(recent)];
}

void History::removeTimer() {
  const TimerId id = anyTimer();
  const bool answer = reactor_->removeTimer(id);
  const auto known = serialOfTimer_.find(static_cast<std::uint64_t>(id));
  const Serial serial = known != serialOfTimer_.end() ? known->second : 0;
  note("remove timer ", serial, ": ", answer);
  count(answer);
  model_.removedTimer(serial, answer);
  timerUsers_.erase(serial);
}

// ---- Poll

// The end of time is not waited for: nothing would be left to happen.
Clock::duration History::anyTimeout() {
  const Clock::duration timeout = kairos::anyTimeout(tape());
  const bool isUnlimited = timeout < 0ns || timeout == Reactor::forever;
  const Clock::time_point next = model_.nextDeadline();
  const bool isDistant = next != Clock::time_point::max() && next > later(24h);
  return isUnlimited && isDistant ? Clock::duration(1s) : timeout;
}

void History::poll() {
  const Clock::duration timeout = anyTimeout();
  return model_.isPolling() ? pollInside(timeout) : pollOutside(timeout);
}

// IR19
void History::pollInside(Clock::duration timeout) {
  const std::uint64_t waits = machine_.lastWait().number;
  const PollResult result = reactor_->poll(timeout);
  note("poll inside a callback: ", textOf(result.error));
  model_.require(result.error == std::errc::operation_in_progress, "IR19: a poll inside a poll");
  model_.require(result.callbacks == 0 && machine_.lastWait().number == waits,
                 "IR19: a refused poll did something");
}

void History::pollOutside(Clock::duration timeout) {
  note("poll for ", timeout.count(), " ns");
  model_.beginPoll();
  try {
    const PollResult result = reactor_->poll(timeout);
    model_.endPoll(timeout, result);
    note("polled: ", result.callbacks, " callbacks, ", textOf(result.error));
    count(result.callbacks);
  } catch (const Thrown&) {
    model_.endPollByException();
    note("polled: an exception came out");
  }
}

void History::onReady(void* udata) {
  const User user = *static_cast<User*>(udata);
  History& self = *user.history;
  self.note(nameOf(user.direction), ' ', user.fd, " runs");
  self.count(user.serial);
  self.model_.ran(user.fd, user.direction, user.serial);
  self.actInCallback();
}

void History::onTimer(void* udata) {
  const User user = *static_cast<User*>(udata);
  History& self = *user.history;
  self.note("timer ", user.serial, " runs");
  self.count(user.serial);
  self.model_.timerRan(user.serial);
  self.timerUsers_.erase(user.serial);
  self.actInCallback();
}

void History::actInCallback() {
  ++operations_;
  ++callbacks_;
  for (std::uint64_t n = tape().below(4); n > 0 && !model_.hasFailed(); --n) step(anyOperation());
  if (!mayThrow_ || !tape().oneIn(16)) return;
  note("throw");
  throw Thrown();
}

// IR26
void History::recreate() {
  if (model_.isPolling() || !tape().oneIn(4)) return;
  note("destroy the reactor and make another");
  const std::size_t callbacks = callbacks_;
  reactor_.reset();
  model_.require(callbacks_ == callbacks, "IR26: the destructor runs callbacks");
  model_.reset();
  users_.clear();
  timerUsers_.clear();
  serialOfTimer_.clear();
  timers_.clear();
  open();
}

}  // namespace

HistoryResult runHistory(std::span<const std::uint8_t> tape, std::string* steps) {
  return History(tape, steps).run();
}

std::string explain(std::span<const std::uint8_t> tape) {
  std::string steps;
  const HistoryResult result = runHistory(tape, &steps);
  return steps + result.failure + "\nto repeat: bazel run //tests/simulation:explore -- --tape " +
         hexOf(tape) + "\n";
}

}  // namespace kairos
