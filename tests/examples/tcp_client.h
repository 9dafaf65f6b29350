// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TESTS_EXAMPLES_TCP_CLIENT_H_
#define KAIROS_TESTS_EXAMPLES_TCP_CLIENT_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "kairos/tests/support/unique_fd.h"

namespace kairos {

// The plain side of a conversation with an example: a socket on loopback without a reactor. Its
// waits give up after ChildProcess::patience, and then what they return is too short.
class TcpClient {
 public:
  struct Options {
    const char* address = "127.0.0.1";
    int receiveBufferBytes = 0;  // SO_RCVBUF; 0: the system's choice, which grows
  };

  // Connects. A refused connection shows in connected().
  explicit TcpClient(std::uint16_t port) : TcpClient(port, Options()) {}
  TcpClient(std::uint16_t port, const Options& options);

  bool connected() const { return connected_; }

  // How much was sent before the peer stopped taking it for `stall`, or hung up.
  std::size_t send(std::string_view bytes, std::chrono::milliseconds stall);
  bool sendAll(std::string_view bytes);

  std::string receive(std::size_t size);
  std::string receiveUntilEnd();

  // Sends all and receives as much, a little at a time and only when nothing can be sent.
  std::string exchangeSlowly(std::string_view bytes);

  bool readableWithin(std::chrono::milliseconds time) const;
  void shutdownWriting() const;
  void closeWithReset();

 private:
  // Appends up to `sizeMax` bytes to `received`; false at the end, on an error, or after patience.
  bool receiveSome(std::string& received, std::size_t sizeMax);

  UniqueFd socket_;
  bool connected_ = false;
};

// `size` bytes in which each place differs from its neighbours and repeats only far away.
std::string patternBytes(std::size_t size);

// The port at the end of the line "listening on ADDRESS:PORT"; 0 when there is none.
std::uint16_t listeningPort(std::string_view output);

}  // namespace kairos

#endif  // KAIROS_TESTS_EXAMPLES_TCP_CLIENT_H_
