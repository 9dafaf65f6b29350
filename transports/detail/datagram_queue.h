// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TRANSPORTS_DETAIL_DATAGRAM_QUEUE_H_
#define KAIROS_TRANSPORTS_DETAIL_DATAGRAM_QUEUE_H_

#include <array>
#include <cstddef>
#include <system_error>

#include "kairos/transports/datagram.h"
#include "kairos/transports/detail/context.h"
#include "kairos/transports/detail/fd_io.h"

namespace kairos::detail {

// What a datagram socket is, as far as sending asks.
struct DatagramEnd {
  Fd fd = -1;
  bool isConnected = false;
  bool isUnix = false;
};

// The sends of a datagram socket that the OS has not taken yet, in order. Knows no reactor and no
// callbacks: it completes operations, which others run.
class DatagramQueue {
 public:
  // Datagrams that go to the OS in one call; calls that one flush makes at most; attempts to send
  // one, each of which may be told of another one's fate.
  static constexpr std::size_t datagramsMax = 64;
  static constexpr int callsPerFlushMax = 8;
  static constexpr int attemptsMax = 4;

  // What a flush left: nothing, what the OS does not take now, of which it took none if it was
  // refused at once, what it takes later without telling when, or more than one flush may send.
  enum class Next { nothing, full, refused, starved, more };

  bool empty() const noexcept { return operations_.empty(); }
  // The next datagram goes to a peer of its own. Requires one to be there.
  bool namesPeer() const noexcept;
  void add(SendOperation& operation) noexcept { operations_.pushBack(operation); }

  // Sends as much as the OS takes, within the bound, and completes what is done.
  Next flush(Context& context, const DatagramEnd& end) noexcept;

  // What the network said of earlier datagrams, and was said to a send; told once.
  std::error_code takeReport() noexcept;

  // A send that has its result is no longer of the socket.
  static void complete(Context& context, SendOperation& operation, std::error_code error) noexcept;
  void failAll(Context& context, std::error_code error) noexcept;

 private:
  // What goes to the OS in one call.
  struct Gathered {
    std::size_t count = 0;
    std::array<mmsghdr, datagramsMax> headers;
    std::array<iovec, datagramsMax> parts;
  };

  SendOperation& head() const noexcept { return static_cast<SendOperation&>(operations_.front()); }
  void gather(const DatagramEnd& end, Gathered& gathered) const noexcept;
  IoResult sendPastReports(const DatagramEnd& end, Gathered& gathered) noexcept;
  void completeSent(Context& context, std::size_t count) noexcept;

  IntrusiveList<Operation> operations_;
  std::error_code report_;
};

}  // namespace kairos::detail

#endif  // KAIROS_TRANSPORTS_DETAIL_DATAGRAM_QUEUE_H_
