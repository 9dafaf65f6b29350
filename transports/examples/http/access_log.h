// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TRANSPORTS_EXAMPLES_HTTP_ACCESS_LOG_H_
#define KAIROS_TRANSPORTS_EXAMPLES_HTTP_ACCESS_LOG_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "kairos/reactor/reactor.h"

namespace kairos::examples {

// One line for each answer, in the common log format:
//
//     127.0.0.1 - - [06/Nov/1994:08:49:37 +0000] "GET /a.txt HTTP/1.1" 200 1024
//
// Lines are written together, in the next poll at the latest, and never torn: whole lines of up to
// 4 KiB at once, which a pipe takes whole or not. The loop does not wait for a reader who is slow:
// up to bytesMax are kept for it, and what comes then is left out, but counted in a line.
//
// A reader who goes raises SIGPIPE, which the program had better ignore.
//
//   Ownership   Borrows the descriptor, and the reactor, of which nothing is removed: it may be
//               gone before, but runs no more when the log has gone.
class AccessLog {
 public:
  static constexpr std::size_t bytesMax = 65536;
  static constexpr std::size_t requestBytesMax = 1024;

  struct Line {
    std::string_view host;
    std::string_view date;
    std::string_view request;  // its first line; what could forge lines is escaped
    int status = 0;
    std::uint64_t bytes = 0;  // of the body, as far as they were sent
  };

  AccessLog(Reactor& reactor, Fd fd) : reactor_(reactor), fd_(fd) {}
  // Writes what is left, as far as that needs no waiting.
  ~AccessLog();
  AccessLog(const AccessLog&) = delete;
  AccessLog& operator=(const AccessLog&) = delete;

  void add(const Line& line);

 private:
  static void onTime(void* udata);

  void flush();
  void writeAll();
  bool writeLines();
  void flushAfter(Clock::duration delay);

  Reactor& reactor_;
  const Fd fd_;
  std::string lines_;
  std::uint64_t lost_ = 0;
  bool flushIsDue_ = false;
};

}  // namespace kairos::examples

#endif  // KAIROS_TRANSPORTS_EXAMPLES_HTTP_ACCESS_LOG_H_
