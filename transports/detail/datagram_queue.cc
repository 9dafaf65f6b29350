// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/transports/detail/datagram_queue.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "kairos/transports/error.h"

namespace kairos::detail {
namespace {

bool hasPeer(const Datagram& datagram) {
  const Address::Family family = datagram.peer.family();
  return family != Address::Family::none && family != Address::Family::unixUnnamed;
}

void describe(const Datagram& datagram, mmsghdr& header, iovec& part) {
  part = {const_cast<char*>(datagram.data.data()), datagram.data.size()};
  header = {};
  header.msg_hdr.msg_iov = &part;
  header.msg_hdr.msg_iovlen = 1;
  if (!hasPeer(datagram)) return;
  header.msg_hdr.msg_name = const_cast<sockaddr*>(datagram.peer.sockaddrData());
  header.msg_hdr.msg_namelen = datagram.peer.sockaddrSize();
}

ssize_t sendOnce(Fd fd, mmsghdr* headers, std::size_t count) {
  if (count > 1) return ::sendmmsg(fd, headers, static_cast<unsigned>(count), MSG_NOSIGNAL);
  const msghdr& only = headers->msg_hdr;
  const ssize_t sent = ::sendto(fd, only.msg_iov->iov_base, only.msg_iov->iov_len, MSG_NOSIGNAL,
                                static_cast<const sockaddr*>(only.msg_name), only.msg_namelen);
  return sent < 0 ? -1 : 1;
}

// `bytes` of the result: how many datagrams.
IoResult sendUninterrupted(Fd fd, mmsghdr* headers, std::size_t count) {
  for (;;) {
    const ssize_t sent = sendOnce(fd, headers, count);
    if (sent >= 0) return {static_cast<std::size_t>(sent), 0};
    if (errno != EINTR) return {0, errno};
  }
}

// What ICMP messages become: Linux, icmp_err_convert in net/ipv4/icmp.c. Only a connected socket is
// told, by whatever call comes next.
bool mayBeReport(const DatagramEnd& end, int error) {
  if (!end.isConnected || end.isUnix) return false;
  switch (error) {
    case ECONNREFUSED:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case ENETUNREACH:
    case ENONET:
    case ENOPROTOOPT:
    case EOPNOTSUPP:
    case EPROTO:
      return true;
    default:
      return false;
  }
}

}  // namespace

bool DatagramQueue::namesPeer() const noexcept { return hasPeer(head().datagrams_[head().sent]); }

// Up to one that nobody is to have.
void DatagramQueue::gather(const DatagramEnd& end, Gathered& gathered) const noexcept {
  operations_.forEach([&](const Operation& each) {
    const auto& operation = static_cast<const SendOperation&>(each);
    for (const Datagram& datagram : operation.datagrams_.subspan(operation.sent)) {
      if (gathered.count == datagramsMax) return false;
      if (!end.isConnected && !hasPeer(datagram)) return false;
      describe(datagram, gathered.headers[gathered.count], gathered.parts[gathered.count]);
      ++gathered.count;
    }
    return true;
  });
}

// A send that is told of an earlier one's fate has sent nothing: it is made again.
IoResult DatagramQueue::sendPastReports(const DatagramEnd& end, Gathered& gathered) noexcept {
  std::error_code report;
  for (int attempt = 1;; ++attempt) {
    const IoResult result = sendUninterrupted(end.fd, gathered.headers.data(), gathered.count);
    if (!mayBeReport(end, result.error)) {
      if (report) report_ = report;
      return result;
    }
    if (attempt == attemptsMax) return result;
    report = systemError(result.error);
  }
}

DatagramQueue::Next DatagramQueue::flush(Context& context, const DatagramEnd& end) noexcept {
  for (int calls = 0; calls < callsPerFlushMax; ++calls) {
    completeSent(context, 0);
    if (empty()) break;
    Gathered gathered;
    gather(end, gathered);
    if (gathered.count == 0) {
      complete(context, head(), TransportError::notConnected);
      continue;
    }
    const IoResult result = sendPastReports(end, gathered);
    if (result.wouldBlock()) return calls == 0 ? Next::refused : Next::full;
    if (result.isStarved()) return Next::starved;
    if (result.error != 0) complete(context, head(), systemError(result.error));
    completeSent(context, result.bytes);
  }
  return empty() ? Next::nothing : Next::more;
}

// Those that have nothing left to send, too.
void DatagramQueue::completeSent(Context& context, std::size_t count) noexcept {
  while (!empty()) {
    SendOperation& operation = head();
    const std::size_t sent = std::min(count, operation.datagrams_.size() - operation.sent);
    operation.sent += sent;
    count -= sent;
    if (operation.sent < operation.datagrams_.size()) return;
    complete(context, operation, {});
  }
}

std::error_code DatagramQueue::takeReport() noexcept {
  return std::exchange(report_, std::error_code());
}

void DatagramQueue::complete(Context& context, SendOperation& operation,
                             std::error_code error) noexcept {
  OperationAccess::disown(operation);
  operation.error = error;
  context.complete(operation);
}

void DatagramQueue::failAll(Context& context, std::error_code error) noexcept {
  while (!empty()) complete(context, head(), error);
}

}  // namespace kairos::detail
