// SPDX-License-Identifier: MIT OR Apache-2.0
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "kairos/bench/support/check.h"
#include "kairos/bench/transports/loads/client_socket.h"
#include "kairos/bench/transports/loads/loads.h"
#include "kairos/bench/transports/loads/sampling.h"

namespace kairos::bench {
namespace {

constexpr std::size_t window = 64;  // datagrams in flight at most
constexpr std::size_t datagramBytesMax = 2048;
constexpr int patienceMs = 5000;

class DatagramLoad {
 public:
  DatagramLoad(std::uint16_t port, std::size_t bytes)
      : fd_(connectToLoopback(SOCK_DGRAM, port)), bytes_(bytes) {
    check(bytes >= sizeof(std::uint64_t) && bytes <= datagramBytesMax, "a datagram's size");
    for (std::size_t i = 0; i < window; ++i) {
      outgoing_[i].bytes.fill(static_cast<char>(7));
      prepare(out_[i], outgoing_[i], bytes);
      prepare(in_[i], incoming_[i], datagramBytesMax);
    }
  }

  std::uint64_t run(SampleEnd& end) {
    const std::uint64_t before = sent_;
    for (;;) {
      std::size_t room = window - static_cast<std::size_t>(sent_ - answered_);
      while (room > 0 && end.reached(sent_ - before + room)) --room;
      send(room);
      if (sent_ == answered_) return sent_ - before;
      receive();
    }
  }

 private:
  struct Datagram {
    std::array<char, datagramBytesMax> bytes;
    iovec part;
  };

  static void prepare(mmsghdr& header, Datagram& datagram, std::size_t bytes) {
    datagram.part = {datagram.bytes.data(), bytes};
    header.msg_hdr = {};
    header.msg_hdr.msg_iov = &datagram.part;
    header.msg_hdr.msg_iovlen = 1;
  }

  void send(std::size_t count) {
    if (count == 0) return;
    for (std::size_t i = 0; i < count; ++i) {
      const std::uint64_t stamp = sent_ + i;
      std::memcpy(outgoing_[i].bytes.data(), &stamp, sizeof stamp);
    }
    const int taken = ::sendmmsg(fd_, out_.data(), static_cast<unsigned>(count), 0);
    check(taken == static_cast<int>(count), "sendmmsg takes a window of datagrams");
    sent_ += count;
  }

  void receive() {
    const int count = ::recvmmsg(fd_, in_.data(), window, MSG_DONTWAIT, nullptr);
    if (count < 0) {
      check(errno == EAGAIN, "recvmmsg");
      pollfd waiting{fd_, POLLIN, 0};
      check(::poll(&waiting, 1, patienceMs) == 1, "no datagram is lost");
      return;
    }
    for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) examine(i);
  }

  // One socket sends to one: they come back in order.
  void examine(std::size_t i) {
    check(in_[i].msg_len == bytes_, "a datagram comes back whole");
    check(std::memcmp(incoming_[i].bytes.data(), &answered_, sizeof answered_) == 0,
          "datagrams come back in order, each once");
    const char* const body = incoming_[i].bytes.data();
    const auto isRight = [](char byte) { return byte == 7; };
    check(std::all_of(body + sizeof answered_, body + bytes_, isRight), "what was sent comes back");
    ++answered_;
  }

  int fd_;
  std::size_t bytes_;
  std::array<Datagram, window> outgoing_;
  std::array<Datagram, window> incoming_;
  std::array<mmsghdr, window> out_;
  std::array<mmsghdr, window> in_;
  std::uint64_t sent_ = 0;
  std::uint64_t answered_ = 0;
};

}  // namespace

void loadDatagrams(ServerProcess& server, const Options& options) {
  static DatagramLoad load(server.port(), options.bytes);
  printSamples(server, options, [&](SampleEnd& end) { return load.run(end); });
}

}  // namespace kairos::bench
