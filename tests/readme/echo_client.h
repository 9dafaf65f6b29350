// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TESTS_README_ECHO_CLIENT_H_
#define KAIROS_TESTS_README_ECHO_CLIENT_H_

#include <string>

#include "kairos/reactor/reactor.h"
#include "kairos/tests/support/unique_fd.h"

namespace kairos {

// The client of an echo server that runs in the same thread: one end of a connection.
class EchoClient {
 public:
  EchoClient();

  // The server's end, for once.
  Fd takeServerEnd() { return server_.release(); }

  // What comes back of `bytes`, much of it at once, and the server's end after the client's, while
  // the server runs by polls of `reactor`.
  std::string exchange(const std::string& bytes, Reactor& reactor);

 private:
  bool sendSome();
  bool receiveSome();

  UniqueFd client_;
  UniqueFd server_;
  std::string unsent_;
  std::string received_;
};

}  // namespace kairos

#endif  // KAIROS_TESTS_README_ECHO_CLIENT_H_
