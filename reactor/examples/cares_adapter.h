// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_REACTOR_EXAMPLES_CARES_ADAPTER_H_
#define KAIROS_REACTOR_EXAMPLES_CARES_ADAPTER_H_

#include <ares.h>

#include <unordered_map>

#include "kairos/reactor/examples/watched_fd.h"
#include "kairos/reactor/reactor.h"

namespace kairos::examples {

// A channel of c-ares whose sockets and deadline are watched by a reactor.
//
//   Ownership   Borrows the reactor. Not to be destroyed by the callback of a question, which may
//               do anything else, as ask again.
class CaresAdapter {
 public:
  explicit CaresAdapter(Reactor& reactor) : reactor_(reactor) {}
  // Questions without an answer get their callback with ARES_EDESTRUCTION.
  ~CaresAdapter();

  CaresAdapter(const CaresAdapter&) = delete;
  CaresAdapter& operator=(const CaresAdapter&) = delete;

  // Makes the channel, with options as for ares_init_options(3). To be called first, and once.
  //   Errors    a status of c-ares; ARES_SUCCESS is none
  int open(ares_options options, int optionMask);

  // For ares_getaddrinfo(3) and the like. c-ares tells nobody when its deadline changes: after each
  // function that is called with this channel from outside its callbacks, call updateTimer().
  ares_channel channel() const { return channel_; }
  void updateTimer();

 private:
  // A socket that c-ares wants to be woken for.
  struct Socket {
    Socket(CaresAdapter& owner, ares_socket_t number);

    CaresAdapter& adapter;
    ares_socket_t fd;
    WatchedFd watched;
  };

  static void onSocketWish(void* self, ares_socket_t fd, int reads, int writes);
  static void onReadable(void* socket);
  static void onWritable(void* socket);
  static void onTimer(void* self);

  void process(ares_socket_t readable, ares_socket_t writable);

  Reactor& reactor_;
  ares_channel channel_ = nullptr;
  TimerId timer_ = TimerId::none;
  bool refused_ = false;
  std::unordered_map<ares_socket_t, Socket> sockets_;
};

}  // namespace kairos::examples

#endif  // KAIROS_REACTOR_EXAMPLES_CARES_ADAPTER_H_
