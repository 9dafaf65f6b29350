// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/reactor/backends/epoll_backend.h"

#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <new>

#include "kairos/reactor/record_array.h"

namespace kairos::detail {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::size_t batchMin = 64;
constexpr std::size_t batchMax = 1024;

std::error_code lastError() { return {errno, std::system_category()}; }

std::uint32_t eventsOf(Interest interest) {
  return (interest.read ? std::uint32_t{EPOLLIN} : 0u) |
         (interest.write ? std::uint32_t{EPOLLOUT} : 0u);
}

class EpollBackend final : public Backend {
 public:
  explicit EpollBackend(Fd epoll) : Backend(Preferred::yes), epoll_(epoll) {}
  ~EpollBackend() override { close(epoll_); }

  // Takes the memory of the first batch; false: there is none.
  bool reserve() { return grow(batchMin); }

  std::error_code watch(Fd fd, std::uint64_t token, Interest from, Interest to) noexcept override;
  std::span<const Ready> wait(Clock::duration limit, std::error_code& error) noexcept override;
  Clock::time_point now() noexcept override { return Clock::now(); }
  std::unique_ptr<Backend> openAnother() noexcept override { return openEpollBackend().backend; }

 private:
  bool grow(std::size_t batch);
  std::span<const Ready> translate(std::size_t count);
  int waitForEvents(Clock::duration limit);
  int waitExactly(Clock::duration limit);
  int waitMilliseconds(int ms) {
    return epoll_wait(epoll_, events_.data(), static_cast<int>(batch_), ms);
  }

  const Fd epoll_;
  RecordArray<epoll_event> events_;  // these two have room for one batch
  RecordArray<Ready> ready_;
  std::size_t batch_ = 0;
  bool full_ = false;           // the last wait used the whole batch, and it can grow
  bool hasNanoseconds_ = true;  // epoll_pwait2(2), Linux 5.11
};

std::error_code EpollBackend::watch(Fd fd, std::uint64_t token, Interest from,
                                    Interest to) noexcept {
  epoll_event event{};
  event.events = eventsOf(to);
  event.data.u64 = token;
  const int operation = !from.any() ? EPOLL_CTL_ADD : to.any() ? EPOLL_CTL_MOD : EPOLL_CTL_DEL;
  if (epoll_ctl(epoll_, operation, fd, &event) == 0 || !to.any()) return {};
  // The file was registered under this number before, closed, and opened again from a duplicate.
  if (errno == EEXIST && epoll_ctl(epoll_, EPOLL_CTL_MOD, fd, &event) == 0) return {};
  return lastError();
}

std::span<const Ready> EpollBackend::wait(Clock::duration limit, std::error_code& error) noexcept {
  if (full_) grow(std::min(batch_ * 2, batchMax));
  const int count = waitForEvents(limit);
  if (count > 0) return translate(static_cast<std::size_t>(count));
  if (count < 0 && errno != EINTR) error = lastError();
  return {};
}

std::span<const Ready> EpollBackend::translate(std::size_t count) {
  constexpr std::uint32_t broken = EPOLLERR | EPOLLHUP;
  const epoll_event* events = events_.data();
  Ready* ready = ready_.data();
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint32_t what = events[i].events;
    ready[i] = {events[i].data.u64, (what & (EPOLLIN | broken)) != 0,
                (what & (EPOLLOUT | broken)) != 0};
  }
  full_ = count == batch_ && batch_ < batchMax;
  return {ready_.data(), count};
}

bool EpollBackend::grow(std::size_t batch) {
  if (!events_.reserve(batch) || !ready_.reserve(batch)) return false;
  batch_ = batch;
  return true;
}

inline int EpollBackend::waitForEvents(Clock::duration limit) {
  if (limit == Clock::duration::zero()) return waitMilliseconds(0);
  if (limit < Clock::duration::zero() || limit == Reactor::forever) return waitMilliseconds(-1);
  return waitExactly(limit);
}

int EpollBackend::waitExactly(Clock::duration limit) {
  const auto whole = std::chrono::floor<milliseconds>(limit);
  const bool isWhole = whole == limit && whole.count() <= INT_MAX;
  if (!isWhole && hasNanoseconds_) {
    const auto s = std::chrono::floor<seconds>(limit);
    const timespec time{s.count(), std::chrono::nanoseconds(limit - s).count()};
    const int count =
        epoll_pwait2(epoll_, events_.data(), static_cast<int>(batch_), &time, nullptr);
    // EPERM: a sandbox that does not know the call.
    if (count >= 0 || (errno != ENOSYS && errno != EPERM)) return count;
    hasNanoseconds_ = false;
  }
  const auto roundedUp = whole.count() + (isWhole ? 0 : 1);
  return waitMilliseconds(static_cast<int>(std::min<long long>(roundedUp, INT_MAX)));
}

}  // namespace

OpenResult openEpollBackend() noexcept {
  const Fd epoll = epoll_create1(EPOLL_CLOEXEC);
  if (epoll < 0) return {nullptr, lastError()};
  std::unique_ptr<EpollBackend> backend(new (std::nothrow) EpollBackend(epoll));
  if (!backend) close(epoll);
  if (!backend || !backend->reserve()) {
    return {nullptr, std::make_error_code(std::errc::not_enough_memory)};
  }
  return {std::move(backend), {}};
}

std::span<const Ready> waitOnEpoll(Backend& epoll, Clock::duration limit,
                                   std::error_code& error) noexcept {
  return static_cast<EpollBackend&>(epoll).wait(limit, error);  // the class is final
}

}  // namespace kairos::detail
