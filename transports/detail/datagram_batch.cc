// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/transports/detail/datagram_batch.h"

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <new>
#include <utility>

namespace kairos::detail {
namespace {

// An odd number of cache lines: the beginnings of datagrams do not compete for the same ones.
constexpr std::size_t strideOf(std::size_t datagramBytesMax) {
  return ((datagramBytesMax + 63) / 64 * 64) | 64;
}

constexpr char overwritten = '\xdd';

}  // namespace

// Once for all receives of datagrams of one size.
void DatagramBatch::lay(std::size_t datagramBytesMax) noexcept {
  if (std::exchange(laidFor_, datagramBytesMax) == datagramBytesMax) return;
  const std::size_t stride = strideOf(datagramBytesMax);
  slots_ = std::clamp<std::size_t>(payloadBytes / stride, 1, datagramsMax);
  for (std::size_t i = 0; i < slots_; ++i) {
    parts_[i] = {payload_.data() + i * stride, datagramBytesMax};
    headers_[i] = {};
    headers_[i].msg_hdr.msg_iov = &parts_[i];
    headers_[i].msg_hdr.msg_iovlen = 1;
    headers_[i].msg_hdr.msg_name = &names_[i];
    headers_[i].msg_hdr.msg_namelen = sizeof names_[i];
  }
}

IoResult DatagramBatch::receive(Fd fd, std::size_t datagramBytesMax) noexcept {
  lay(datagramBytesMax);
  next_ = count_ = 0;
  int received = 0;
  do {
    received = ::recvmmsg(fd, headers_.data(), static_cast<unsigned>(slots_), 0, nullptr);
  } while (received < 0 && errno == EINTR);
  if (received < 0) return {0, errno};
  count_ = static_cast<std::size_t>(received);
  for (std::size_t i = 0; i < count_; ++i) show(i);
  return {count_, 0};
}

// The OS has written to the header, which is made ready for the next receive. A sender without a
// name has none, of whatever family.
void DatagramBatch::show(std::size_t index) noexcept {
  msghdr& header = headers_[index].msg_hdr;
  Datagram& datagram = datagrams_[index];
  datagram.data = {static_cast<const char*>(parts_[index].iov_base), headers_[index].msg_len};
  datagram.isTruncated = (header.msg_flags & MSG_TRUNC) != 0;
  const auto* const name = reinterpret_cast<const sockaddr*>(&names_[index]);
  if (Address::fromSockaddr(name, header.msg_namelen, datagram.peer)) datagram.peer = Address();
  header.msg_namelen = sizeof names_[index];
}

std::span<const Datagram> DatagramBatch::take(std::size_t countMax) noexcept {
  const std::size_t taken = std::min(countMax, count_ - next_);
  return {&datagrams_[std::exchange(next_, next_ + taken)], taken};
}

bool DatagramBatch::overwrite() noexcept {
  for (std::size_t i = 0; i < count_; ++i) {
    std::memset(parts_[i].iov_base, overwritten, datagrams_[i].data.size());
  }
  return true;
}

std::unique_ptr<DatagramBatch> DatagramBatchPool::take() noexcept {
  for (auto& batch : free_) {
    if (batch) return std::move(batch);
  }
  return std::unique_ptr<DatagramBatch>(new (std::nothrow) DatagramBatch);
}

void DatagramBatchPool::give(std::unique_ptr<DatagramBatch> batch) noexcept {
  assert(batch->overwrite());
  for (auto& place : free_) {
    if (!place) {
      place = std::move(batch);
      return;
    }
  }
}

}  // namespace kairos::detail
