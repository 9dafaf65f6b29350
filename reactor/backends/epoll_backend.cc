// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/reactor/backends/epoll_backend.h"

#include <sys/epoll.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <new>

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
  explicit EpollBackend(Fd epoll) : epoll_(epoll) {}
  ~EpollBackend() override { close(epoll_); }

  // Takes the memory of the first batch; false: there is none.
  bool reserve() { return grow(batchMin); }

  std::error_code watch(Fd fd, std::uint64_t token, Interest from, Interest to) noexcept override;
  WaitResult wait(Clock::duration limit) noexcept override;
  Clock::time_point now() noexcept override { return Clock::now(); }
  std::unique_ptr<Backend> openAnother() noexcept override { return openEpollBackend().backend; }

 private:
  bool grow(std::size_t size);
  int waitForEvents(Clock::duration limit);

  const Fd epoll_;
  std::size_t size_ = 0;
  std::unique_ptr<epoll_event[]> events_;
  std::unique_ptr<Ready[]> ready_;
  bool full_ = false;            // the last wait used the whole batch
  bool hasNanoseconds_ = true;   // epoll_pwait2(2), Linux 5.11
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

WaitResult EpollBackend::wait(Clock::duration limit) noexcept {
  if (full_ && size_ < batchMax) grow(size_ * 2);
  const int count = waitForEvents(limit);
  if (count < 0) return {{}, errno == EINTR ? std::error_code() : lastError()};
  const auto found = static_cast<std::size_t>(count);
  constexpr std::uint32_t broken = EPOLLERR | EPOLLHUP;
  for (std::size_t i = 0; i < found; ++i) {
    const std::uint32_t what = events_[i].events;
    ready_[i] = {events_[i].data.u64, (what & (EPOLLIN | broken)) != 0,
                 (what & (EPOLLOUT | broken)) != 0};
  }
  full_ = found == size_;
  return {{ready_.get(), found}, {}};
}

bool EpollBackend::grow(std::size_t size) {
  std::unique_ptr<epoll_event[]> events(new (std::nothrow) epoll_event[size]);
  std::unique_ptr<Ready[]> ready(new (std::nothrow) Ready[size]);
  if (!events || !ready) return false;
  events_ = std::move(events);
  ready_ = std::move(ready);
  size_ = size;
  return true;
}

int EpollBackend::waitForEvents(Clock::duration limit) {
  const int batch = static_cast<int>(size_);
  if (limit < Clock::duration::zero()) return epoll_wait(epoll_, events_.get(), batch, -1);
  const auto whole = std::chrono::ceil<milliseconds>(limit);
  const bool isWhole = whole == limit && whole.count() <= INT_MAX;
  if (!isWhole && hasNanoseconds_) {
    const auto s = std::chrono::floor<seconds>(limit);
    const timespec time{s.count(), std::chrono::nanoseconds(limit - s).count()};
    const int count = epoll_pwait2(epoll_, events_.get(), batch, &time, nullptr);
    // EPERM: a sandbox that does not know the call.
    if (count >= 0 || (errno != ENOSYS && errno != EPERM)) return count;
    hasNanoseconds_ = false;
  }
  const int ms = whole.count() > INT_MAX ? INT_MAX : static_cast<int>(whole.count());
  return epoll_wait(epoll_, events_.get(), batch, ms);
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

}  // namespace kairos::detail
