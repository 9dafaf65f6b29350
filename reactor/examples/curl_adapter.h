// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_REACTOR_EXAMPLES_CURL_ADAPTER_H_
#define KAIROS_REACTOR_EXAMPLES_CURL_ADAPTER_H_

#include <curl/curl.h>

#include <unordered_map>

#include "kairos/reactor/examples/watched_fd.h"
#include "kairos/reactor/reactor.h"

namespace kairos::examples {

// A transfer of libcurl. It belongs to the user and stays in its place until `done` has run.
struct CurlTransfer {
  CURL* easy = nullptr;  // says what to do; its CURLOPT_PRIVATE is the adapter's
  AsyncCallback done;    // runs once, inside poll
  CURLcode result = CURLE_OK;
};

// Runs the transfers of libcurl on a reactor, any number at a time (curl_multi_socket_action(3)).
//
//   Ownership   Borrows the reactor, and the transfers that are not done. Not to be destroyed by
//               `done`, which may do anything else.
class CurlAdapter {
 public:
  explicit CurlAdapter(Reactor& reactor);
  ~CurlAdapter();

  CurlAdapter(const CurlAdapter&) = delete;
  CurlAdapter& operator=(const CurlAdapter&) = delete;

  CURLMcode start(CurlTransfer& transfer);

 private:
  // A socket that libcurl wants to be woken for.
  struct Socket {
    Socket(CurlAdapter& owner, curl_socket_t number);

    CurlAdapter& adapter;
    curl_socket_t fd;
    WatchedFd watched;
  };

  static int onSocketWish(CURL* easy, curl_socket_t fd, int wish, void* self, void* unused);
  static int onTimerWish(CURLM* multi, long milliseconds, void* self);
  static void onReadable(void* socket);
  static void onWritable(void* socket);
  static void onTimer(void* self);

  void act(curl_socket_t fd, int events);

  Reactor& reactor_;
  CURLM* multi_;
  TimerId timer_ = TimerId::none;
  std::unordered_map<curl_socket_t, Socket> sockets_;
};

}  // namespace kairos::examples

#endif  // KAIROS_REACTOR_EXAMPLES_CURL_ADAPTER_H_
