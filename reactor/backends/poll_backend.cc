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

constexpr std::size_t batchMin = 64;
constexpr std::size_t batchMax = 1024;

std::error_code lastError() { return {errno, std::system_category()}; }
std::error_code made(std::errc condition) { return std::make_error_code(condition); }

short eventsOf(Interest interest) {
  return static_cast<short>((interest.read ? POLLIN : 0) | (interest.write ? POLLOUT : 0));
}

// Linux's memory devices (null, zero, full, ...) have no readiness, but these have.
bool isMemoryDevice(const struct stat& file) {
  constexpr unsigned memory = 1, random = 8, kmsg = 11;
  const unsigned device = minor(file.st_rdev);
  return S_ISCHR(file.st_mode) && major(file.st_rdev) == memory && device != random &&
         device != kmsg;
}

// Rounded up; -1: no limit.
int millisecondsOf(Clock::duration limit) {
  if (limit < Clock::duration::zero() || limit == Reactor::forever) return -1;
  const auto whole = std::chrono::floor<milliseconds>(limit);
  const auto roundedUp = whole.count() + (whole == limit ? 0 : 1);
  return static_cast<int>(std::min<long long>(roundedUp, INT_MAX));
}

// poll(2) calls files without readiness always ready; epoll refuses them, and so does this.
// Else `file` says which file it is.
std::error_code refusal(Fd fd, struct stat& file) {
  const int flags = fcntl(fd, F_GETFL);
  if (flags == -1 || fstat(fd, &file) == -1) return lastError();
  if ((flags & O_PATH) != 0) return made(std::errc::bad_file_descriptor);
  const bool alwaysReady = S_ISREG(file.st_mode) || S_ISDIR(file.st_mode) ||
                           S_ISBLK(file.st_mode) || isMemoryDevice(file);
  return alwaysReady ? made(std::errc::operation_not_permitted) : std::error_code();
}

// A closed descriptor is silenced by a negative number, which poll(2) skips.
Fd silenced(Fd fd) { return -1 - fd; }
std::size_t numberOf(const pollfd& polled) {
  return static_cast<std::size_t>(polled.fd < 0 ? silenced(polled.fd) : polled.fd);
}

// What is kept beside a pollfd. The numbers tell whether the descriptor still names the same file,
// as far as files have numbers of their own: sockets and pipes do, eventfds and the like share one.
struct Watch {
  std::uint64_t token;
  dev_t device;
  ino_t inode;
};

// polled_ and watches_ run in parallel; places_, indexed by descriptor, tells where in them it is.
class PollBackend final : public Backend {
 public:
  // Takes the memory of the first batch; false: there is none.
  bool reserve() { return ready_.reserve(batchMin); }

  std::error_code watch(Fd fd, std::uint64_t token, Interest from, Interest to) noexcept override;
  std::span<const Ready> wait(Clock::duration limit, std::error_code& error) noexcept override;
  Clock::time_point now() noexcept override { return Clock::now(); }
  std::unique_ptr<Backend> openAnother() noexcept override { return openPollBackend().backend; }

 private:
  static constexpr std::uint32_t nowhere = 0;  // places are counted from 1

  std::error_code add(Fd fd, std::uint64_t token, Interest interest);
  std::error_code change(Fd fd, Interest interest);
  void remove(Fd fd);
  bool note(std::size_t place);

  RecordArray<pollfd> polled_;
  RecordArray<Watch> watches_;
  RecordArray<std::uint32_t> places_;
  RecordArray<Ready> ready_;  // the last batch
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
  struct stat file;
  if (const std::error_code refused = refusal(fd, file)) return refused;
  const std::size_t count = polled_.size() + 1;
  if (!polled_.reserve(count) || !watches_.reserve(count) ||
      !places_.reserve(static_cast<std::size_t>(fd) + 1)) {
    return made(std::errc::not_enough_memory);
  }
  while (places_.size() <= static_cast<std::size_t>(fd)) places_.push(nowhere);
  polled_.push({fd, eventsOf(interest), 0});
  watches_.push({token, file.st_dev, file.st_ino});
  places_[static_cast<std::size_t>(fd)] = static_cast<std::uint32_t>(count);
  return {};
}

std::error_code PollBackend::change(Fd fd, Interest interest) {
  const std::size_t place = places_[static_cast<std::size_t>(fd)] - 1;
  const Watch& watch = watches_[place];
  struct stat file;
  if (fstat(fd, &file) == -1) return lastError();
  const bool same = file.st_dev == watch.device && file.st_ino == watch.inode;
  if (!same || polled_[place].fd < 0) return made(std::errc::bad_file_descriptor);
  polled_[place].events = eventsOf(interest);
  return {};
}

void PollBackend::remove(Fd fd) {
  const std::size_t place = places_[static_cast<std::size_t>(fd)] - 1;
  places_[static_cast<std::size_t>(fd)] = nowhere;
  if (place + 1 < polled_.size()) {
    polled_[place] = polled_.back();
    watches_[place] = watches_.back();
    places_[numberOf(polled_[place])] = static_cast<std::uint32_t>(place + 1);
  }
  polled_.pop();
  watches_.pop();
}

std::span<const Ready> PollBackend::wait(Clock::duration limit, std::error_code& error) noexcept {
  const int timeout = millisecondsOf(limit);
  while (!ready_.empty()) ready_.pop();
  const std::size_t count = polled_.size();
  // Without memory for more, the batch stays as it is. Not in add(): callbacks add while the core
  // reads the last batch.
  const bool grown = ready_.reserve(std::min(count, batchMax));
  const std::size_t batch = grown ? batchMax : ready_.capacity();
  int left = poll(polled_.data(), count, timeout);
  if (left < 0 && errno != EINTR) error = lastError();
  std::size_t looked = 0;
  for (; looked < count && left > 0 && ready_.size() < batch; ++looked) {
    if (note((next_ + looked) % count)) --left;
  }
  next_ = count == 0 ? 0 : (next_ + looked) % count;
  return {ready_.data(), ready_.size()};
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
  ready_.push(
      {watches_[place].token, (what & (POLLIN | broken)) != 0, (what & (POLLOUT | broken)) != 0});
  return true;
}

}  // namespace

OpenResult openPollBackend() noexcept {
  std::unique_ptr<PollBackend> backend(new (std::nothrow) PollBackend);
  if (!backend || !backend->reserve()) return {nullptr, made(std::errc::not_enough_memory)};
  return {std::move(backend), {}};
}

}  // namespace kairos::detail
