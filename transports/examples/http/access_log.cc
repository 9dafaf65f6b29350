// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/transports/examples/http/access_log.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <climits>

namespace kairos::examples {
namespace {

constexpr auto retryTime = std::chrono::milliseconds(20);

// Bytes that end a field or a line, or play tricks on a terminal, become \xHH.
void appendEscaped(std::string& to, std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte < 0x7f && c != '"' && c != '\\') {
      to += c;
      continue;
    }
    to += "\\x";
    to += digits[byte / 16];
    to += digits[byte % 16];
  }
}

// How much of `text` goes out at once: whole lines, if they are not too long.
std::size_t linesOf(std::string_view text) {
  if (text.size() <= PIPE_BUF) return text.size();
  const std::size_t end = text.rfind('\n', PIPE_BUF - 1);
  return end == text.npos ? PIPE_BUF : end + 1;
}

}  // namespace

AccessLog::~AccessLog() { writeAll(); }

void AccessLog::add(const Line& line) {
  if (lines_.size() >= bytesMax) {
    ++lost_;
    return;
  }
  lines_.append(line.host).append(" - - [").append(line.date).append("] \"");
  appendEscaped(lines_, line.request.substr(0, requestBytesMax));
  lines_.append("\" ").append(std::to_string(line.status)).append(" ");
  lines_.append(line.bytes > 0 ? std::to_string(line.bytes) : "-").append("\n");
  if (!flushIsDue_) flushAfter(Clock::duration::zero());
}

void AccessLog::flush() {
  writeAll();
  if (!lines_.empty()) return flushAfter(retryTime);
  if (lost_ == 0) return;
  lines_ = "# " + std::to_string(lost_) + " lines were left out\n";
  lost_ = 0;
  flushAfter(retryTime);
}

void AccessLog::writeAll() {
  while (!lines_.empty() && writeLines()) {
  }
}

// False: not now. What cannot be written at all, as when the reader has gone, is dropped.
bool AccessLog::writeLines() {
  pollfd ready{fd_, POLLOUT, 0};
  if (::poll(&ready, 1, 0) <= 0) return false;
  const std::size_t size = linesOf(lines_);
  const ssize_t written = ::write(fd_, lines_.data(), size);
  if (written < 0 && (errno == EAGAIN || errno == EINTR)) return false;
  lines_.erase(0, written < 0 ? size : static_cast<std::size_t>(written));
  return true;
}

void AccessLog::flushAfter(Clock::duration delay) {
  if (flushIsDue_) return;
  flushIsDue_ = reactor_.addTimer(delay, onTime, this) != TimerId::none;
}

void AccessLog::onTime(void* udata) {
  auto& log = *static_cast<AccessLog*>(udata);
  log.flushIsDue_ = false;
  log.flush();
}

}  // namespace kairos::examples
