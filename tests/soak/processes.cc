// SPDX-License-Identifier: MIT OR Apache-2.0
#include <malloc.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include "kairos/reactor/reactor.h"
#include "kairos/tests/soak/numbers.h"
#include "kairos/tests/soak/programs.h"
#include "kairos/transports/subprocess_transport.h"
#include "kairos/transports/transport_context.h"

namespace kairos::soak {
namespace {

constexpr std::size_t atOnce = 50;
constexpr std::size_t bytesThrough = 65536;

class Crowd;

// A child that copies its input to its output and ends with a code of its own.
class Copier {
 public:
  Copier(Crowd& crowd, std::uint64_t number)
      : crowd_(crowd), code_(static_cast<int>(number % 100)), incoming_(number) {
    Numbers(number).fill(bytes_);
  }

  bool start(TransportContext& context) {
    const std::string script = "cat; exit " + std::to_string(code_);
    const auto arguments = shellArguments(script.c_str());
    SubprocessOptions options;
    options.arguments = arguments;
    options.input = options.output = Redirect::pipe();
    if (SubprocessTransport::start(context, options, child_)) return false;
    return !child_.wait(exit_, onDone, this) && !child_.output().readOnce(read_, onRead, this) &&
           !child_.input().write(write_, {bytes_.data(), bytes_.size()}, onWritten, this);
  }

  bool isOver() const {
    return outputEnded_ && !exit_.isPending() && !write_.isPending() && !last_.isPending();
  }
  bool isRight() const {
    return received_ == bytes_.size() && matches_ && !exit_.error && !write_.error &&
           exit_.status.code == code_;
  }

 private:
  static Copier& of(void* udata) { return *static_cast<Copier*>(udata); }
  static void onDone(void* udata) { of(udata).tellIfOver(); }
  static void onWritten(void* udata) { of(udata).endInput(); }
  static void onRead(void* udata) { of(udata).compare(); }

  void tellIfOver();

  void endInput() {
    if (child_.input().shutdown(last_, onDone, this)) tellIfOver();
  }

  void compare() {
    outputEnded_ = read_.error || read_.atEnd;
    if (outputEnded_) return tellIfOver();
    matches_ = matches_ && incoming_.match(read_.data);
    received_ += read_.bytes;
    if (!child_.output().readOnce(read_, onRead, this)) return;
    outputEnded_ = true;
    tellIfOver();
  }

  Crowd& crowd_;
  const int code_;
  Numbers incoming_;
  SubprocessTransport child_;
  ExitOperation exit_;
  ReadOperation read_;
  WriteOperation write_;
  WriteOperation last_;
  std::size_t received_ = 0;
  bool matches_ = true;
  bool outputEnded_ = false;
  std::array<char, bytesThrough> bytes_;
};

// So many of them at once, until the time is over.
class Crowd {
 public:
  explicit Crowd(Figures& figures) : figures_(figures) {}
  ~Crowd() {
    for (const Copier* each : running_) delete each;
  }
  Crowd(const Crowd&) = delete;
  Crowd& operator=(const Crowd&) = delete;

  void run(const Budget& budget) {
    while (budget.spent() < budget.seconds() + 20) {
      while (running_.size() < atOnce && !budget.isOver()) begin();
      if (running_.empty()) break;
      reactor_.poll(std::chrono::milliseconds(100));
      for (const Copier* each : over_) delete each;
      over_.clear();
    }
    figures_.lost += running_.size();
  }

  void ended(Copier& copier) {
    ++(copier.isRight() ? figures_.ok : figures_.corrupt);
    std::erase(running_, &copier);
    over_.push_back(&copier);
  }

 private:
  void begin() {
    auto* const made = new Copier(*this, ++begun_);
    if (made->start(context_)) {
      running_.push_back(made);
    } else {
      ++figures_.errors;
      delete made;
    }
  }

  Figures& figures_;
  Reactor reactor_;
  TransportContext context_{reactor_};
  std::vector<Copier*> running_;
  std::vector<Copier*> over_;
  std::uint64_t begun_ = 0;
};

void Copier::tellIfOver() {
  if (isOver()) crowd_.ended(*this);
}

}  // namespace

Figures processes(const Budget& budget) {
  Figures figures{.name = "processes"};
  figures.fdsBefore = openDescriptors(::getpid());
  Crowd(figures).run(Budget(budget.seconds() / 10));
  ::malloc_trim(0);
  figures.rssBefore = residentKilobytes(::getpid());
  Crowd(figures).run(Budget(budget.seconds() * 0.9));
  ::malloc_trim(0);
  figures.rssAfter = residentKilobytes(::getpid());
  figures.fdsAfter = openDescriptors(::getpid());
  if (::waitpid(-1, nullptr, WNOHANG) != -1 || errno != ECHILD) {
    figures.failure = "children are left";
  }
  char text[64];
  std::snprintf(text, sizeof text, "%.0f processes/s",
                static_cast<double>(figures.ok) / budget.spent());
  figures.more = text;
  return figures;
}

}  // namespace kairos::soak
