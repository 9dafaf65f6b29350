// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/reactor/backends/poll_backend.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <new>

#include "kairos/reactor/record_array.h"

namespace kairos::detail {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t batchMax = 1024;

std::error_code lastError() { return {errno, std::system_category()}; }
std::error_code error(std::errc condition) { return std::make_error_code(condition); }

short eventsOf(Interest interest) {
  return static_cast<short>((interest.read ? POLLIN : 0) | (interest.write ? POLLOUT : 0));
}

// Linux's memory devices (null, zero, full, ...) have no readiness, but random and urandom have.
bool isMemoryDevice(const struct stat& file) {
  constexpr unsigned memory = 1, random = 8, urandom = 9;
  const unsigned device = minor(file.st_rdev);
  return S_ISCHR(file.st_mode) && major(file.st_rdev) == memory && device != random &&
         device != urandom;
}

// poll(2) calls files without readiness always ready; epoll refuses them, and so does this.
std::error_code refusal(Fd fd) {
  struct stat file;
  const int flags = fcntl(fd, F_GETFL);
  if (flags == -1 || fstat(fd, &file) == -1) return lastError();
  if ((flags & O_PATH) != 0) return error(std::errc::bad_file_descriptor);
  const bool alwaysReady = S_ISREG(file.st_mode) || S_ISDIR(file.st_mode) ||
                           S_ISBLK(file.st_mode) || isMemoryDevice(file);
  return alwaysReady ? error(std::errc::operation_not_permitted) : std::error_code();
}

// A closed descriptor is silenced by a negative number, which poll(2) skips.
Fd silenced(Fd fd) { return -1 - fd; }
std::size_t numberOf(const pollfd& polled) {
  return static_cast<std::size_t>(polled.fd < 0 ? silenced(polled.fd) : polled.fd);
}

// polled_ and tokens_ run in parallel; places_, indexed by descriptor, tells where in them it is.
class PollBackend final : public Backend {
 public:
  std::error_code watch(Fd fd, std::uint64_t token, Interest from, Interest to) noexcept override;
  WaitResult wait(Clock::duration limit) noexcept override;
  Clock::time_point now() noexcept override { return Clock::now(); }
  std::unique_ptr<Backend> openAnother() noexcept override { return openPollBackend().backend; }

 private:
  static constexpr std::uint32_t nowhere = 0;  // places are counted from 1

  std::error_code add(Fd fd, std::uint64_t token, Interest interest);
  std::error_code change(Fd fd, Interest interest);
  void remove(Fd fd);
  bool note(std::size_t place);

  RecordArray<pollfd> polled_;
  RecordArray<std::uint64_t> tokens_;
  RecordArray<std::uint32_t> places_;
  RecordArray<Ready> ready_;  // has room for a batch
  std::size_t next_ = 0;      // where the next wait begins to look, so that all get their turn
};

std::error_code PollBackend::watch(Fd fd, std::uint64_t token, Interest from,
                                   Interest to) noexcept {
  if (!from.any()) return add(fd, token, to);
  if (to.any()) return change(fd, to);
  remove(fd);
  return {};
}

std::error_code PollBackend::add(Fd fd, std::uint64_t token, Interest interest) {
  if (const std::error_code refused = refusal(fd)) return refused;
  const std::size_t count = polled_.size() + 1;
  if (!polled_.reserve(count) || !tokens_.reserve(count) ||
      !ready_.reserve(std::min(count, batchMax)) ||
      !places_.reserve(static_cast<std::size_t>(fd) + 1)) {
    return error(std::errc::not_enough_memory);
  }
  while (places_.size() <= static_cast<std::size_t>(fd)) places_.push(nowhere);
  polled_.push({fd, eventsOf(interest), 0});
  tokens_.push(token);
  places_[static_cast<std::size_t>(fd)] = static_cast<std::uint32_t>(count);
  return {};
}

std::error_code PollBackend::change(Fd fd, Interest interest) {
  pollfd& polled = polled_[places_[static_cast<std::size_t>(fd)] - 1];
  if (polled.fd < 0) return error(std::errc::bad_file_descriptor);
  if (fcntl(fd, F_GETFD) == -1) return lastError();
  polled.events = eventsOf(interest);
  return {};
}

void PollBackend::remove(Fd fd) {
  const std::size_t place = places_[static_cast<std::size_t>(fd)] - 1;
  places_[static_cast<std::size_t>(fd)] = nowhere;
  if (place + 1 < polled_.size()) {
    polled_[place] = polled_.back();
    tokens_[place] = tokens_.back();
    places_[numberOf(polled_[place])] = static_cast<std::uint32_t>(place + 1);
  }
  polled_.pop();
  tokens_.pop();
}

WaitResult PollBackend::wait(Clock::duration limit) noexcept {
  const auto ms = std::chrono::ceil<milliseconds>(limit).count();
  const int timeout = limit < Clock::duration::zero() ? -1 : ms > INT_MAX ? INT_MAX
                                                                         : static_cast<int>(ms);
  while (!ready_.empty()) ready_.pop();
  const std::size_t count = polled_.size();
  int left = poll(polled_.data(), count, timeout);
  if (left < 0) return {{}, errno == EINTR ? std::error_code() : lastError()};
  std::size_t looked = 0;
  for (; looked < count && left > 0 && ready_.size() < batchMax; ++looked) {
    if (note((next_ + looked) % count)) --left;
  }
  next_ = count == 0 ? 0 : (next_ + looked) % count;
  return {{ready_.data(), ready_.size()}, {}};
}

// Whether poll(2) said something of that place.
bool PollBackend::note(std::size_t place) {
  pollfd& polled = polled_[place];
  const int what = polled.revents;
  if (what == 0) return false;
  polled.revents = 0;
  if ((what & POLLNVAL) != 0) {
    polled.fd = silenced(polled.fd);  // until removed
    return true;
  }
  constexpr int broken = POLLERR | POLLHUP;
  ready_.push({tokens_[place], (what & (POLLIN | broken)) != 0, (what & (POLLOUT | broken)) != 0});
  return true;
}

}  // namespace

OpenResult openPollBackend() noexcept {
  std::unique_ptr<Backend> backend(new (std::nothrow) PollBackend);
  if (!backend) return {nullptr, error(std::errc::not_enough_memory)};
  return {std::move(backend), {}};
}

}  // namespace kairos::detail
