// SPDX-License-Identifier: MIT OR Apache-2.0
#include <sys/epoll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "kairos/bench/support/check.h"
#include "kairos/bench/transports/loads/client_socket.h"
#include "kairos/bench/transports/loads/loads.h"
#include "kairos/bench/transports/loads/sampling.h"
#include "kairos/bench/transports/servers/epoll_server.h"

namespace kairos::bench {
namespace {

class EchoLoad {
 public:
  EchoLoad(std::uint16_t port, const Options& options) : message_(options.bytes) {
    check(options.bytes >= sizeof(std::uint64_t), "a message holds its stamp");
    for (std::size_t i = 0; i < message_.size(); ++i) message_[i] = static_cast<char>(i * 31 + 7);
    connections_.reserve(options.connections);
    for (std::size_t i = 0; i < options.connections; ++i) {
      connections_.push_back({connectToLoopback(SOCK_STREAM, port), 0, 0});
      set_.add(connections_.back().fd, EPOLLIN, &connections_.back());
    }
  }

  // Returns how many requests were answered; none is in flight then.
  std::uint64_t run(SampleEnd& end) {
    const std::uint64_t before = begun_;
    const auto mayBegin = [&] { return !end.reached(begun_ - before); };
    for (Connection& connection : connections_) {
      if (mayBegin()) begin(connection);
    }
    while (inFlight_ > 0) {
      set_.wait([&](void* data, std::uint32_t) {
        auto& connection = *static_cast<Connection*>(data);
        if (receive(connection) && mayBegin()) begin(connection);
      });
    }
    return begun_ - before;
  }

 private:
  struct Connection {
    int fd;
    std::uint64_t stamp;
    std::size_t received;
  };

  // The message as this connection has sent it last.
  const std::vector<char>& messageOf(const Connection& connection) {
    std::memcpy(message_.data(), &connection.stamp, sizeof connection.stamp);
    return message_;
  }

  void begin(Connection& connection) {
    connection.stamp = ++begun_;
    connection.received = 0;
    ++inFlight_;
    sendAll(connection.fd, messageOf(connection));
  }

  // True: that was all of the answer.
  bool receive(Connection& connection) {
    const ssize_t result = ::recv(connection.fd, buffer_.data(), buffer_.size(), 0);
    if (result < 0 && errno == EAGAIN) return false;
    check(result > 0, "the server keeps the connection");
    const auto count = static_cast<std::size_t>(result);
    check(connection.received + count <= message_.size(), "no more comes back than was sent");
    const char* const expected = messageOf(connection).data() + connection.received;
    check(std::memcmp(buffer_.data(), expected, count) == 0, "what was sent comes back");
    connection.received += count;
    if (connection.received < message_.size()) return false;
    --inFlight_;
    return true;
  }

  EpollSet set_;
  std::vector<Connection> connections_;
  std::vector<char> message_;
  std::array<char, 65536> buffer_;
  std::uint64_t begun_ = 0;
  std::size_t inFlight_ = 0;
};

}  // namespace

void loadEcho(ServerProcess& server, const Options& options) {
  EchoLoad load(server.port(), options);
  printSamples(server, options, [&](SampleEnd& end) { return load.run(end); });
}

}  // namespace kairos::bench
