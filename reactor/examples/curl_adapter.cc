// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/reactor/examples/curl_adapter.h"

#include <chrono>

namespace kairos::examples {

CurlAdapter::Socket::Socket(CurlAdapter& owner, curl_socket_t number)
    : adapter(owner), fd(number), watched(owner.reactor_, number, onReadable, onWritable, this) {}

CurlAdapter::CurlAdapter(Reactor& reactor) : reactor_(reactor), multi_(curl_multi_init()) {
  curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &onSocketWish);
  curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
  curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &onTimerWish);
  curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
}

CurlAdapter::~CurlAdapter() {
  // It closes connections that were kept for reuse, and speaks of their sockets and of timers.
  curl_multi_cleanup(multi_);
  reactor_.removeTimer(timer_);
}

CURLMcode CurlAdapter::start(CurlTransfer& transfer) {
  curl_easy_setopt(transfer.easy, CURLOPT_PRIVATE, &transfer);
  // Asks for a timer of no delay, so the transfer itself begins in the next poll.
  return curl_multi_add_handle(multi_, transfer.easy);
}

// libcurl is inside one of its functions when it calls this and the next, so neither may call it
// back. Returning -1 makes it fail the transfers, which is what to do when the reactor refuses.
int CurlAdapter::onSocketWish(CURL* /*easy*/, curl_socket_t fd, int wish, void* self,
                              void* /*unused*/) {
  auto& adapter = *static_cast<CurlAdapter*>(self);
  if (wish == CURL_POLL_REMOVE) {
    // Maybe in the middle of a callback of this very socket, and maybe it is closed already. The
    // reactor minds neither.
    adapter.sockets_.erase(fd);
    return 0;
  }
  auto& watched = adapter.sockets_.try_emplace(fd, adapter, fd).first->second.watched;
  return watched.watch((wish & CURL_POLL_IN) != 0, (wish & CURL_POLL_OUT) != 0) ? -1 : 0;
}

// The one timer of a multi handle: each wish replaces the last.
int CurlAdapter::onTimerWish(CURLM* /*multi*/, long milliseconds, void* self) {
  auto& adapter = *static_cast<CurlAdapter*>(self);
  adapter.reactor_.removeTimer(adapter.timer_);
  if (milliseconds < 0) return 0;
  // A delay of zero too runs in the next poll, never in here.
  adapter.timer_ =
      adapter.reactor_.addTimer(std::chrono::milliseconds(milliseconds), onTimer, self);
  return adapter.timer_ == TimerId::none ? -1 : 0;
}

void CurlAdapter::onReadable(void* socket) {
  const auto& ready = *static_cast<Socket*>(socket);
  ready.adapter.act(ready.fd, CURL_CSELECT_IN);
}

void CurlAdapter::onWritable(void* socket) {
  const auto& ready = *static_cast<Socket*>(socket);
  ready.adapter.act(ready.fd, CURL_CSELECT_OUT);
}

void CurlAdapter::onTimer(void* self) {
  static_cast<CurlAdapter*>(self)->act(CURL_SOCKET_TIMEOUT, 0);
}

void CurlAdapter::act(curl_socket_t fd, int events) {
  int running = 0;
  curl_multi_socket_action(multi_, fd, events, &running);
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi_, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    CurlTransfer* transfer = nullptr;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
    transfer->result = message->data.result;
    curl_multi_remove_handle(multi_, transfer->easy);  // frees the message
    transfer->done.function(transfer->done.udata);
  }
}

}  // namespace kairos::examples
