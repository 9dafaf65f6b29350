// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/reactor/examples/cares_adapter.h"

#include <sys/time.h>

#include <chrono>
#include <utility>

namespace kairos::examples {

CaresAdapter::Socket::Socket(CaresAdapter& owner, ares_socket_t number)
    : adapter(owner), fd(number), watched(owner.reactor_, number, onReadable, onWritable, this) {}

CaresAdapter::~CaresAdapter() {
  if (channel_ != nullptr) ares_destroy(channel_);  // speaks of its sockets once more
  reactor_.removeTimer(timer_);
}

int CaresAdapter::open(ares_options options, int optionMask) {
  options.sock_state_cb = &onSocketWish;
  options.sock_state_cb_data = this;
  return ares_init_options(&channel_, &options, optionMask | ARES_OPT_SOCK_STATE_CB);
}

// Runs inside a function of c-ares, so it must call none.
void CaresAdapter::onSocketWish(void* self, ares_socket_t fd, int reads, int writes) {
  auto& adapter = *static_cast<CaresAdapter*>(self);
  if (reads == 0 && writes == 0) {
    adapter.sockets_.erase(fd);  // c-ares is about to close it
    return;
  }
  auto& watched = adapter.sockets_.try_emplace(fd, adapter, fd).first->second.watched;
  if (watched.watch(reads != 0, writes != 0)) adapter.refused_ = true;
}

void CaresAdapter::onReadable(void* socket) {
  const auto& ready = *static_cast<Socket*>(socket);
  ready.adapter.process(ready.fd, ARES_SOCKET_BAD);
}

void CaresAdapter::onWritable(void* socket) {
  const auto& ready = *static_cast<Socket*>(socket);
  ready.adapter.process(ARES_SOCKET_BAD, ready.fd);
}

void CaresAdapter::onTimer(void* self) {
  static_cast<CaresAdapter*>(self)->process(ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}

void CaresAdapter::process(ares_socket_t readable, ares_socket_t writable) {
  ares_process_fd(channel_, readable, writable);
  updateTimer();
}

void CaresAdapter::updateTimer() {
  // With a socket that nobody watches, a question would only end by its time: tell it now.
  if (std::exchange(refused_, false)) ares_cancel(channel_);
  reactor_.removeTimer(timer_);
  timeval left{};
  if (ares_timeout(channel_, nullptr, &left) == nullptr) return;
  const auto delay = std::chrono::seconds(left.tv_sec) + std::chrono::microseconds(left.tv_usec);
  timer_ = reactor_.addTimer(delay, onTimer, this);
  if (timer_ == TimerId::none) ares_cancel(channel_);
}

}  // namespace kairos::examples
