// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Runs a program and marks what it prints: lines of its output with "out | ", of its errors with
// "err | ". SIGINT and SIGTERM are handed on to it and all that it has started; so is the end of
// the time limit, after which it has two seconds before it is killed. Ends as the program did: with
// its exit code, or 128 and the signal. Try `process_runner --timeout 5 ping localhost`.
//
// It shows signals as operations, the end of a process and of its output, which are told apart, and
// what to do about a grandchild that holds the output open.

#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "kairos/reactor/reactor.h"
#include "kairos/transports/error.h"
#include "kairos/transports/signal_set.h"
#include "kairos/transports/stream_transport.h"
#include "kairos/transports/subprocess_transport.h"
#include "kairos/transports/transport_context.h"

namespace {

using namespace std::chrono_literals;

// A longer line is shown in pieces.
constexpr kairos::ReadLimit lineLimit{.limit = 65536};

// How long a program that was told to end has for it, and its output after its own end.
constexpr auto gracePeriod = 2s;

constexpr int exitCodeOfSignal = 128;

int report(const char* what, std::error_code error) {
  std::fprintf(stderr, "process_runner: %s: %s\n", what, error.message().c_str());
  return 1;
}

// Shows the lines of one stream until that ends or is closed.
class Relay {
 public:
  explicit Relay(const char* mark) : mark_(mark) {}

  void start(kairos::StreamTransport& stream, kairos::CallbackFunc atEnd, void* udata) {
    stream_ = std::move(stream);
    atEnd_ = {atEnd, udata};
    next();
  }
  void close() { stream_.close(); }
  bool isOver() const { return !read_.isPending(); }

 private:
  static void onLine(void* udata) { static_cast<Relay*>(udata)->show(); }
  static void onPiece(void* udata) { static_cast<Relay*>(udata)->showPiece(); }

  void next() {
    if (stream_.readLine(read_, lineLimit, onLine, this)) atEnd_.function(atEnd_.udata);
  }
  bool hasEnded() const { return read_.error || (read_.atEnd && read_.data.empty()); }
  void print(std::string_view line) const {
    std::printf("%s | %.*s\n", mark_, static_cast<int>(line.size()), line.data());
    std::fflush(stdout);
  }
  void show();
  void showPiece();

  const char* const mark_;
  kairos::AsyncCallback atEnd_{};
  kairos::StreamTransport stream_;
  kairos::ReadOperation read_;
};

void Relay::show() {
  if (read_.error == kairos::TransportError::overLimit) {
    if (stream_.readOnce(read_, onPiece, this)) atEnd_.function(atEnd_.udata);
    return;
  }
  if (hasEnded()) return atEnd_.function(atEnd_.udata);
  print(read_.data);
  next();
}

void Relay::showPiece() {
  if (hasEnded()) return atEnd_.function(atEnd_.udata);
  print(read_.data);
  next();
}

class Runner {
 public:
  explicit Runner(kairos::Reactor& reactor) : reactor_(reactor), context_(reactor) {}
  ~Runner() { reactor_.removeTimer(timer_); }
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;

  std::error_code start(std::span<const char* const> command, kairos::Clock::duration timeout);
  bool isOver() const { return !exit_.isPending() && output_.isOver() && error_.isOver(); }
  int exitCode() const;

 private:
  static void onSignal(void* udata) { static_cast<Runner*>(udata)->handOn(); }
  static void onExit(void* udata) { static_cast<Runner*>(udata)->exited(); }
  static void onGraceOver(void* udata) { static_cast<Runner*>(udata)->closeOutput(); }
  static void onOutputEnd(void*) {}

  void waitForSignal();
  void handOn();
  void exited();
  void stop(int signal);
  void closeOutput();

  kairos::Reactor& reactor_;
  kairos::TransportContext context_;
  kairos::SignalSet signals_;
  kairos::SignalOperation signal_;
  kairos::SubprocessTransport child_;
  kairos::ExitOperation exit_;
  Relay output_{"out"};
  Relay error_{"err"};
  kairos::TimerId timer_ = kairos::TimerId::none;
  bool isInTime_ = true;
  bool isStopping_ = false;
};

// Signals that come meanwhile wait: the set is opened before there is a child.
std::error_code Runner::start(std::span<const char* const> command,
                              kairos::Clock::duration timeout) {
  if (const auto error = kairos::SignalSet::open(context_, {SIGINT, SIGTERM}, signals_)) {
    return error;
  }
  kairos::SubprocessOptions options;
  options.arguments = command;
  options.output = options.error = kairos::Redirect::pipe();
  options.newGroup = true;
  if (const auto error = kairos::SubprocessTransport::start(context_, options, child_)) {
    return error;
  }
  if (const auto error = child_.wait(exit_, timeout, onExit, this)) return error;
  output_.start(child_.output(), onOutputEnd, this);
  error_.start(child_.error(), onOutputEnd, this);
  waitForSignal();
  return {};
}

void Runner::waitForSignal() {
  if (const auto error = signals_.wait(signal_, onSignal, this)) report("no signals", error);
}

void Runner::handOn() {
  if (signal_.error) return;
  stop(signal_.number);
  waitForSignal();
}

// The time to end in counts from the first signal.
void Runner::stop(int signal) {
  if (child_.signalGroup(signal)) return;  // it has ended
  if (!std::exchange(isStopping_, true)) static_cast<void>(child_.killAfter(gracePeriod));
}

// Called twice if time runs out: when it does, and at the end.
void Runner::exited() {
  if (exit_.error == std::errc::timed_out) {
    isInTime_ = false;
    stop(SIGTERM);
    if (const auto error = child_.wait(exit_, onExit, this)) report("cannot wait", error);
    return;
  }
  timer_ = reactor_.addTimer(gracePeriod, onGraceOver, this);
}

// Whoever still holds the pipes is not waited for any longer.
void Runner::closeOutput() {
  output_.close();
  error_.close();
}

int Runner::exitCode() const {
  if (exit_.error) return report("the exit code was lost", exit_.error);
  if (!isInTime_) std::fprintf(stderr, "process_runner: the time was over\n");
  return exit_.status.signal != 0 ? exitCodeOfSignal + exit_.status.signal : exit_.status.code;
}

int run(std::span<const char* const> command, kairos::Clock::duration timeout) {
  kairos::Reactor reactor;
  Runner runner(reactor);
  if (const auto error = runner.start(command, timeout)) return report(command[0], error);
  while (!runner.isOver()) {
    if (const auto error = reactor.poll(kairos::Reactor::forever).error) {
      return report("poll", error);
    }
  }
  return runner.exitCode();
}

std::optional<kairos::Clock::duration> parseSeconds(std::string_view text) {
  unsigned seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return std::chrono::seconds(seconds);
}

}  // namespace

int main(int argc, char** argv) {
  std::optional<kairos::Clock::duration> timeout = kairos::Reactor::forever;
  int first = 1;
  if (argc > 2 && std::strcmp(argv[1], "--timeout") == 0) {
    timeout = parseSeconds(argv[2]);
    first = 3;
  }
  if (argc <= first || !timeout) {
    std::fprintf(stderr, "usage: %s [--timeout SECONDS] PROGRAM ARGUMENTS...\n", argv[0]);
    return 2;
  }
  return run({argv + first, static_cast<std::size_t>(argc - first)}, *timeout);
}
