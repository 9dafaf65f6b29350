// SPDX-License-Identifier: MIT OR Apache-2.0
// Datagrams in several threads, in real time: each with a reactor of its own, on one port.
#include <gtest/gtest.h>
#include <sys/time.h>

#include <deque>
#include <latch>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "kairos/tests/transports/datagram_fixture.h"

namespace kairos {
namespace {

constexpr std::size_t threadCount = 4;
constexpr std::size_t clientCount = 16;
constexpr std::size_t roundCount = 50;

// Sends back what comes to `address`, until `stop` is readable.
class EchoThread {
 public:
  EchoThread(Address address, Fd stop, std::latch& bound)
      : address_(std::move(address)),
        stop_(duplicate(stop)),
        thread_([this, &bound] { run(bound); }) {}

  // What came, after the thread has ended.
  std::vector<std::string> join() {
    thread_.join();
    return std::move(seen_);
  }

 private:
  static void onStop(void* udata) { static_cast<EchoThread*>(udata)->isStopped_ = true; }
  static void onReceived(void* udata) { static_cast<EchoThread*>(udata)->answer(); }
  static void onSent(void* udata) { static_cast<EchoThread*>(udata)->receive(); }

  void run(std::latch& bound) {
    Reactor reactor;
    EXPECT_FALSE(reactor.addReader(stop_.get(), onStop, this));
    TransportContext context(reactor);
    EXPECT_FALSE(DatagramTransport::bind(context, address_, {.reusePort = true}, transport_));
    receive();
    bound.count_down();
    while (!isStopped_) reactor.poll(Reactor::forever);
    transport_ = DatagramTransport();
  }

  void receive() { EXPECT_FALSE(transport_.receive(receive_, onReceived, this)); }
  void answer() {
    if (isStopped_) return;  // its end, and that of the transport
    EXPECT_FALSE(receive_.error);
    for (const Datagram& each : receive_.datagrams) seen_.emplace_back(each.data);
    EXPECT_FALSE(transport_.send(send_, receive_.datagrams, onSent, this));
  }

  const Address address_;
  const UniqueFd stop_;
  DatagramTransport transport_;
  ReceiveOperation receive_;
  SendOperation send_;
  std::vector<std::string> seen_;
  bool isStopped_ = false;
  std::thread thread_;  // the last: it uses the rest
};

// A blocking client.
UniqueFd clientOf(const Address& address) {
  UniqueFd made(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const timeval patience{30, 0};
  ::setsockopt(made.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  EXPECT_EQ(::connect(made.get(), address.sockaddrData(), address.sockaddrSize()), 0);
  return made;
}

std::string receiveText(Fd fd) {
  char text[64];
  const ssize_t size = ::recv(fd, text, sizeof text, 0);
  return {text, size > 0 ? static_cast<std::size_t>(size) : 0};
}

// Each client gets its own answers. Returns all questions.
std::multiset<std::string> exchangeWith(const Address& address) {
  std::vector<UniqueFd> clients;
  for (std::size_t i = 0; i < clientCount; ++i) clients.push_back(clientOf(address));
  const auto question = [](std::size_t round, std::size_t client) {
    return std::to_string(round) + " of " + std::to_string(client);
  };
  std::multiset<std::string> asked;
  for (std::size_t round = 0; round < roundCount && !testing::Test::HasFailure(); ++round) {
    for (std::size_t i = 0; i < clientCount; ++i) {
      sendAll(clients[i].get(), *asked.insert(question(round, i)));
    }
    for (std::size_t i = 0; i < clientCount; ++i) {
      EXPECT_EQ(receiveText(clients[i].get()), question(round, i));
    }
  }
  return asked;
}

// T114
TEST(DatagramThreadsTest, ShareAPortAndHandleEachDatagramOnce) {
  // Keeps the port until the threads have it.
  Reactor reactor;
  TransportContext context(reactor);
  DatagramTransport keeper;
  ASSERT_FALSE(DatagramTransport::bind(context, loopback(), {.reusePort = true}, keeper));
  Address address;
  ASSERT_FALSE(keeper.localAddress(address));
  const UniqueFd stop = counter();
  std::latch bound(threadCount);
  std::deque<EchoThread> threads;
  for (std::size_t i = 0; i < threadCount; ++i) threads.emplace_back(address, stop.get(), bound);
  bound.wait();
  keeper.close();

  const std::multiset<std::string> asked = exchangeWith(address);
  bump(stop.get());
  std::multiset<std::string> seen;
  std::size_t busy = 0;
  for (EchoThread& thread : threads) {
    const std::vector<std::string> each = thread.join();
    seen.insert(each.begin(), each.end());
    if (!each.empty()) ++busy;
  }
  EXPECT_EQ(seen, asked);
  EXPECT_GT(busy, 1u) << "16 clients on 4 threads are never all on one, but for 1 in a billion";
}

}  // namespace
}  // namespace kairos
