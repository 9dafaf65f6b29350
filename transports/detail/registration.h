// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TRANSPORTS_DETAIL_REGISTRATION_H_
#define KAIROS_TRANSPORTS_DETAIL_REGISTRATION_H_

#include <cstdint>
#include <system_error>

#include "kairos/reactor/reactor.h"

namespace kairos::detail {

// A descriptor, and what runs for it.
struct WatchedFd {
  Reactor& reactor;
  Fd fd;
  CallbackFunc onReadable;
  CallbackFunc onWritable;
  void* udata;
};

// Which directions of a descriptor are registered with the reactor, of those that may both be.
//
// When the OS refuses the change from one direction to both, or back, the reactor wakes what is
// registered once, and then no more. Nothing tells that from another wake-up, for data may have
// come as well. But no direction can be added to one that sleeps, which is tried without a system
// call: so whoever registers both asks, after the wake-ups that may be such ones.
class Registration {
 public:
  bool hasReader() const noexcept { return hasReader_; }
  bool hasWriter() const noexcept { return hasWriter_; }

  // One that is there stays.
  std::error_code addReader(const WatchedFd& watched) noexcept {
    if (hasReader_) return {};
    const auto error = watched.reactor.addReader(watched.fd, watched.onReadable, watched.udata);
    hasReader_ = !error;
    if (hasWriter_) questions_ = questionsPerChange;
    return error;
  }
  std::error_code addWriter(const WatchedFd& watched) noexcept {
    if (hasWriter_) return {};
    const auto error = watched.reactor.addWriter(watched.fd, watched.onWritable, watched.udata);
    hasWriter_ = !error;
    if (hasReader_) questions_ = questionsPerChange;
    return error;
  }

  void removeReader(Reactor& reactor, Fd fd) noexcept {
    if (!hasReader_) return;
    reactor.removeReader(fd);
    hasReader_ = false;
    questions_ = hasWriter_ ? questionsPerChange : 0;
  }
  void removeWriter(Reactor& reactor, Fd fd) noexcept {
    if (!hasWriter_) return;
    reactor.removeWriter(fd);
    hasWriter_ = false;
    questions_ = hasReader_ ? questionsPerChange : 0;
  }

  // Something may be asleep, or has been woken for nothing.
  bool mustAsk() const noexcept { return questions_ > 0; }
  void doubt() noexcept {
    if (questions_ == 0) questions_ = 1;
  }
  // It was asked after a wake-up.
  void noteAsked() noexcept {
    if (questions_ > 0) --questions_;
  }

  struct Directions {
    bool reads = false;
    bool writes = false;
  };
  // What will not be woken any more is removed, and has to be added anew.
  Directions removeAsleep(const WatchedFd& watched) noexcept {
    if (!mustAsk() || !isAsleep(watched)) return {};
    const Directions asleep{hasReader_, hasWriter_};
    removeReader(watched.reactor, watched.fd);
    removeWriter(watched.reactor, watched.fd);
    return asleep;
  }

 private:
  // One wake-up may come before the OS is told of a change, in the poll in which it is made; the
  // next comes after.
  static constexpr std::uint8_t questionsPerChange = 2;

  bool isAsleep(const WatchedFd& watched) const noexcept {
    Reactor& reactor = watched.reactor;
    if (hasReader_ && hasWriter_) {
      // Not the writer, whose turn in this poll may be still to come.
      reactor.removeReader(watched.fd);
      return isRefused(reactor.addReader(watched.fd, watched.onReadable, watched.udata));
    }
    if (hasReader_) {
      const auto error = reactor.addWriter(watched.fd, watched.onWritable, watched.udata);
      if (!error) reactor.removeWriter(watched.fd);
      return isRefused(error);
    }
    if (!hasWriter_) return false;
    const auto error = reactor.addReader(watched.fd, watched.onReadable, watched.udata);
    if (!error) reactor.removeReader(watched.fd);
    return isRefused(error);
  }

  static bool isRefused(std::error_code error) noexcept {
    return error == std::errc::bad_file_descriptor;
  }

  bool hasReader_ : 1 = false;
  bool hasWriter_ : 1 = false;
  std::uint8_t questions_ : 2 = 0;
};

}  // namespace kairos::detail

#endif  // KAIROS_TRANSPORTS_DETAIL_REGISTRATION_H_
