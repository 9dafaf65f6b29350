// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TRANSPORTS_DETAIL_DATAGRAM_BATCH_H_
#define KAIROS_TRANSPORTS_DETAIL_DATAGRAM_BATCH_H_

#include <sys/socket.h>

#include <array>
#include <cstddef>
#include <memory>
#include <span>

#include "kairos/reactor/reactor.h"
#include "kairos/transports/datagram.h"
#include "kairos/transports/detail/context.h"
#include "kairos/transports/detail/fd_io.h"

namespace kairos::detail {

// What one recvmmsg(2) received, and the memory for it: a MiB of which the machine only gives what
// is touched.
class DatagramBatch {
 public:
  static constexpr std::size_t datagramsMax = 64;
  static constexpr std::size_t payloadBytes = std::size_t{16} * 65600;

  // The memory is as it comes.
  DatagramBatch() noexcept {}

  // Receives what there is, as far as it fits. `bytes` of the result: how many datagrams.
  IoResult receive(Fd fd, std::size_t datagramBytesMax) noexcept;

  bool empty() const noexcept { return next_ == count_; }
  // Up to `countMax` that were not taken yet.
  std::span<const Datagram> take(std::size_t countMax) noexcept;

  // Whoever looks at it after this has forgotten the rules. True, for an assertion.
  bool overwrite() noexcept;

 private:
  void lay(std::size_t datagramBytesMax) noexcept;
  void show(std::size_t index) noexcept;

  std::size_t laidFor_ = 0;  // the bytes of a datagram that the headers are made for
  std::size_t slots_ = 0;
  std::size_t next_ = 0;
  std::size_t count_ = 0;
  std::array<mmsghdr, datagramsMax> headers_;
  std::array<iovec, datagramsMax> parts_;
  std::array<sockaddr_storage, datagramsMax> names_;
  std::array<Datagram, datagramsMax> datagrams_;
  std::array<char, payloadBytes> payload_;
};

// The batches that no transport of a context holds.
class DatagramBatchPool final : public ContextShare {
 public:
  static constexpr std::size_t freeBatchesMax = 2;

  // nullptr: no memory.
  std::unique_ptr<DatagramBatch> take() noexcept;
  void give(std::unique_ptr<DatagramBatch> batch) noexcept;

 private:
  std::array<std::unique_ptr<DatagramBatch>, freeBatchesMax> free_;
};

}  // namespace kairos::detail

#endif  // KAIROS_TRANSPORTS_DETAIL_DATAGRAM_BATCH_H_
