// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Counts ticks and lines of its standard input until the input ends: `timers_and_stdin
// [PERIOD_MS]`.
//
// It shows a periodic timer that does not drift, input that is whatever the caller made it
// (terminal, pipe, socket, or a file, for which no reactor can wait), and a call put off until the
// next poll.

#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <string>
#include <string_view>
#include <system_error>

#include "kairos/reactor/examples/arguments.h"
#include "kairos/reactor/reactor.h"

namespace {

using kairos::Clock;
using kairos::Reactor;
using kairos::TimerId;

// The longest line that is kept; a longer one is printed in pieces of this size.
constexpr std::size_t lineBytesMax = 4096;

// Ticks at start + period, start + 2 * period, and so on.
class Ticker {
 public:
  Ticker(Reactor& reactor, Clock::duration period) : reactor_(reactor), period_(period) {}
  ~Ticker() { reactor_.removeTimer(timer_); }

  Ticker(const Ticker&) = delete;
  Ticker& operator=(const Ticker&) = delete;

  bool start() {
    due_ = Clock::now() + period_;
    return arm();
  }

  int ticks() const { return ticks_; }
  bool failed() const { return timer_ == TimerId::none; }

 private:
  static void onDue(void* udata) { static_cast<Ticker*>(udata)->tick(); }

  bool arm() {
    timer_ = reactor_.addTimer(due_, onDue, this);
    return !failed();
  }

  // The next deadline is counted from the last one, not from now: now is always a little late, and
  // that little would add up. What was missed, while the program was stopped for example, is left
  // out instead of made up for in a rush.
  void tick() {
    std::printf("tick %d\n", ++ticks_);
    due_ += period_ * (1 + (Clock::now() - due_) / period_);
    arm();
  }

  Reactor& reactor_;
  Clock::duration period_;
  Clock::time_point due_;
  TimerId timer_ = TimerId::none;
  int ticks_ = 0;
};

// Prints the lines of standard input.
class LineInput {
 public:
  explicit LineInput(Reactor& reactor) : reactor_(reactor) {}
  ~LineInput() {
    reactor_.removeReader(STDIN_FILENO);
    reactor_.removeTimer(nextRead_);
  }

  LineInput(const LineInput&) = delete;
  LineInput& operator=(const LineInput&) = delete;

  std::error_code start();

  bool ended() const { return ended_; }
  std::error_code error() const { return error_; }  // why it ended, if not by end of file
  int lines() const { return lines_; }

 private:
  static void onReadable(void* udata) { static_cast<LineInput*>(udata)->readSome(); }
  static void onNextRead(void* udata) { static_cast<LineInput*>(udata)->readOfFile(); }

  void readSome();
  void readOfFile();
  void takeLines();
  void print(std::string_view line);
  void end(std::error_code error);

  Reactor& reactor_;
  TimerId nextRead_ = TimerId::none;
  std::string unfinished_;  // the line whose end has not been read
  bool ended_ = false;
  std::error_code error_;
  int lines_ = 0;
};

std::error_code LineInput::start() {
  const auto error = reactor_.addReader(STDIN_FILENO, onReadable, this);
  // A file is always ready, so there is nothing to wait for: it can be read at any time.
  if (error != std::errc::operation_not_permitted) return error;
  readOfFile();
  return {};
}

// A piece now, and the next one in the next poll, so that even a huge file does not hold the timer
// up. A delay of zero is how to put a call off.
void LineInput::readOfFile() {
  readSome();
  if (ended_) return;
  nextRead_ = reactor_.addTimer(Clock::duration::zero(), onNextRead, this);
  if (nextRead_ == TimerId::none) end(std::make_error_code(std::errc::not_enough_memory));
}

// One read per callback never blocks: the reactor has just found something. Setting O_NONBLOCK
// would be rude, because the terminal is shared with the shell that started us.
void LineInput::readSome() {
  std::array<char, lineBytesMax> piece;
  const ssize_t length = ::read(STDIN_FILENO, piece.data(), piece.size());
  if (length < 0) {
    if (errno != EINTR && errno != EAGAIN) end({errno, std::generic_category()});
    return;
  }
  unfinished_.append(piece.data(), static_cast<std::size_t>(length));
  takeLines();
  if (length > 0) return;
  if (!unfinished_.empty()) print(unfinished_);
  end({});
}

void LineInput::takeLines() {
  std::string_view rest = unfinished_;
  for (;;) {
    const std::size_t length = rest.substr(0, lineBytesMax).find('\n');
    if (length != std::string_view::npos) {
      print(rest.substr(0, length));
      rest.remove_prefix(length + 1);
    } else if (rest.size() >= lineBytesMax) {
      print(rest.substr(0, lineBytesMax));
      rest.remove_prefix(lineBytesMax);
    } else {
      break;
    }
  }
  unfinished_.erase(0, unfinished_.size() - rest.size());
}

void LineInput::print(std::string_view line) {
  ++lines_;
  std::printf("line %d: %.*s\n", lines_, static_cast<int>(line.size()), line.data());
}

void LineInput::end(std::error_code error) {
  reactor_.removeReader(STDIN_FILENO);
  error_ = error;
  ended_ = true;
}

int fail(const char* what, const std::string& why) {
  std::fprintf(stderr, "timers_and_stdin: %s: %s\n", what, why.c_str());
  return 1;
}

int run(Clock::duration period) {
  Reactor reactor;
  Ticker ticker(reactor, period);
  LineInput input(reactor);
  if (!ticker.start()) return fail("cannot set the timer", "out of memory");
  if (const auto error = input.start()) return fail("cannot wait for input", error.message());

  while (!input.ended()) {
    if (const auto error = reactor.poll(Reactor::forever).error) {
      return fail("poll", error.message());
    }
    if (ticker.failed()) return fail("cannot set the timer", "out of memory");
    std::fflush(stdout);
  }
  if (input.error()) return fail("cannot read", input.error().message());
  std::printf("%d lines, %d ticks\n", input.lines(), ticker.ticks());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const auto period = kairos::examples::parseNumber<int>(argc == 2 ? argv[1] : "1000", 1);
  if (!period || argc > 2) {
    std::fprintf(stderr, "usage: %s [PERIOD_MS]\n", argv[0]);
    return 2;
  }
  return run(std::chrono::milliseconds(*period));
}
