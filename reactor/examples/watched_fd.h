// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_REACTOR_EXAMPLES_WATCHED_FD_H_
#define KAIROS_REACTOR_EXAMPLES_WATCHED_FD_H_

#include <system_error>
#include <utility>

#include "kairos/reactor/reactor.h"

namespace kairos::examples {

// A descriptor that belongs to a client library, which says again and again what it waits for:
// turns "now these directions" into the differences that a reactor wants to be told.
class WatchedFd {
 public:
  WatchedFd(Reactor& reactor, Fd fd, CallbackFunc onReadable, CallbackFunc onWritable, void* udata)
      : reactor_(reactor), fd_(fd), reader_{onReadable, udata}, writer_{onWritable, udata} {}

  ~WatchedFd() { static_cast<void>(watch(false, false)); }  // a removal is never refused

  WatchedFd(const WatchedFd&) = delete;
  WatchedFd& operator=(const WatchedFd&) = delete;

  // Waits for these directions from now on, and for no other. On an error it waits for none less.
  std::error_code watch(bool reads, bool writes) {
    // What is new comes first: a descriptor that always keeps one direction stays registered.
    if (reads && !reads_) {
      if (const auto error = reactor_.addReader(fd_, reader_.function, reader_.udata)) return error;
      reads_ = true;
    }
    if (writes && !writes_) {
      if (const auto error = reactor_.addWriter(fd_, writer_.function, writer_.udata)) return error;
      writes_ = true;
    }
    if (!reads && std::exchange(reads_, false)) reactor_.removeReader(fd_);
    if (!writes && std::exchange(writes_, false)) reactor_.removeWriter(fd_);
    return {};
  }

  std::error_code watchReads(bool reads) { return watch(reads, writes_); }
  std::error_code watchWrites(bool writes) { return watch(reads_, writes); }

 private:
  Reactor& reactor_;
  Fd fd_;
  AsyncCallback reader_;
  AsyncCallback writer_;
  bool reads_ = false;
  bool writes_ = false;
};

}  // namespace kairos::examples

#endif  // KAIROS_REACTOR_EXAMPLES_WATCHED_FD_H_
