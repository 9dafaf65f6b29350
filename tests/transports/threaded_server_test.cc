// SPDX-License-Identifier: MIT OR Apache-2.0
// A server of several threads, in real time: each with a reactor of its own.
#include "kairos/transports/threaded_server.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <deque>
#include <list>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "kairos/tests/support/descriptors.h"
#include "kairos/tests/support/process_state.h"
#include "kairos/tests/transports/server_fixture.h"

namespace kairos {
namespace {

using namespace std::chrono_literals;

class Worker;

// Answers each byte with itself.
class Session {
 public:
  Session(Worker& worker, StreamTransport stream) : worker_(worker), stream_(std::move(stream)) {}

  void read();

 private:
  static void onRead(void* udata) { static_cast<Session*>(udata)->answer(); }
  static void onWritten(void* udata) { static_cast<Session*>(udata)->read(); }
  void answer();

  Worker& worker_;
  StreamTransport stream_;
  ReadOperation read_;
  WriteOperation write_;
};

class Worker {
 public:
  std::error_code joinIn(ThreadedServer& server) {
    return server.add(thread, onStarted, onAccepted, this);
  }

  void drop(const Session& session) {
    sessions_.remove_if([&session](const Session& each) { return &each == &session; });
    if (thread.isStopping() && sessions_.empty()) thread.leave();
  }

  ServerThread thread;
  std::error_code startError;
  std::size_t starts = 0;
  std::size_t served = 0;
  std::size_t ends = 0;
  bool isInItsThread = true;
  ThreadedServer* toStop = nullptr;  // that it stops as soon as somebody comes

  bool isIdle() const { return sessions_.empty(); }

 private:
  static void onStarted(void* udata) {
    auto& worker = *static_cast<Worker*>(udata);
    ++worker.starts;
    worker.self_ = std::this_thread::get_id();
    worker.thread.error = worker.startError;
    EXPECT_FALSE(worker.thread.isStopping());
  }
  static void onAccepted(void* udata) { static_cast<Worker*>(udata)->accepted(); }

  void accepted() {
    isInItsThread = isInItsThread && self_ == std::this_thread::get_id();
    AcceptOperation& accept = thread.accept;
    if (accept.error) {
      EXPECT_EQ(accept.error, TransportError::closed);
      EXPECT_TRUE(thread.isStopping());
      ++ends;
      if (isIdle()) thread.leave();
      return;
    }
    ++served;
    sessions_.emplace_back(*this, std::move(accept.stream)).read();
    if (toStop != nullptr) toStop->stop();
  }

  std::thread::id self_;
  std::list<Session> sessions_;
};

void Session::read() {
  if (stream_.readOnce(read_, onRead, this)) worker_.drop(*this);
}

void Session::answer() {
  if (read_.error || read_.data.empty()) return worker_.drop(*this);
  if (stream_.write(write_, read_.data, onWritten, this)) worker_.drop(*this);
}

// A blocking client, which resets its connection at the end: no port lingers.
class Client {
 public:
  explicit Client(const Address& address)
      : socket_(::socket(address.sockaddrData()->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const timeval patience{30, 0};
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    const linger reset{1, 0};
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    isConnected_ = ::connect(socket_.get(), address.sockaddrData(), address.sockaddrSize()) == 0;
  }

  bool isConnected() const { return isConnected_; }
  bool exchange() const {
    char byte = 'x';
    return ::send(socket_.get(), &byte, 1, MSG_NOSIGNAL) == 1 &&
           ::recv(socket_.get(), &byte, 1, 0) == 1 && byte == 'x';
  }
  // The server has hung up, one way or the other.
  bool isHungUp() const {
    char byte;
    const ssize_t n = ::recv(socket_.get(), &byte, 1, 0);
    return n == 0 || (n < 0 && errno == ECONNRESET);
  }

 private:
  UniqueFd socket_;
  bool isConnected_ = false;
};

// A thread that was joined is counted until the OS has done with it, also one of an earlier test.
void awaitThreadCount(std::size_t count) {
  const auto enough = Clock::now() + 30s;
  while (threadCount() > count && Clock::now() < enough) std::this_thread::yield();
  EXPECT_LE(threadCount(), count);
}

class ThreadedServerTest : public testing::Test {
 protected:
  // A sanitizer has a thread of its own from the first on.
  static void SetUpTestSuite() {
    std::thread([] {}).join();
  }

  void employ(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) ok(workers_.emplace_back().joinIn(server_));
  }
  void start(const Address& address = loopback(), const ThreadedServerOptions& options = {}) {
    ok(server_.start(address, options));
  }
  void stopAndJoin() {
    server_.stop();
    server_.join();
  }
  std::size_t served() const {
    std::size_t total = 0;
    for (const Worker& worker : workers_) total += worker.served;
    return total;
  }
  void expectEnded(std::size_t times = 1) const {
    for (const Worker& worker : workers_) {
      ok(worker.thread.error);
      EXPECT_EQ(worker.starts, times);
      EXPECT_EQ(worker.ends, times);
      EXPECT_TRUE(worker.isIdle());
      EXPECT_TRUE(worker.isInItsThread);
    }
    awaitThreadCount(threadsBefore_);
  }
  static void ok(std::error_code error) { EXPECT_EQ(error, std::error_code()); }

  const std::size_t threadsBefore_ = threadCount();
  std::deque<Worker> workers_;
  ThreadedServer server_;
};

// T83
TEST_F(ThreadedServerTest, SpreadsConnectionsOverItsThreads) {
  const std::size_t connections = underSanitizer() ? 1000 : 10'000;
  employ(4);
  start();
  for (std::size_t i = 0; i < connections; ++i) {
    const Client client(server_.localAddress());
    ASSERT_TRUE(client.isConnected());
    ASSERT_TRUE(client.exchange());
  }
  stopAndJoin();
  EXPECT_EQ(served(), connections);
  for (const Worker& worker : workers_) EXPECT_GT(worker.served, 0u);
  expectEnded();
}

// T83: threads are the user's, also those of a server that is gone.
TEST_F(ThreadedServerTest, LeavesItsThreadsToAnother) {
  std::array<ServerThread, 3> threads;
  const CallbackFunc accepted = [](void*) {};
  for (int round = 0; round < 2; ++round) {
    ThreadedServer server;
    for (ServerThread& thread : threads) ok(server.add(thread, nullptr, accepted, nullptr));
    EXPECT_EQ(server_.add(threads[0], nullptr, accepted, nullptr), TransportError::busy);
  }
}

// T83
TEST_F(ThreadedServerTest, StopsWhileClientsAreActive) {
  const auto before = openFds();
  employ(3);
  start();
  const Address address = server_.localAddress();
  std::atomic<std::size_t> exchanges = 0;
  std::vector<std::thread> clients;
  for (int i = 0; i < 4; ++i) {
    clients.emplace_back([&] {
      while (true) {
        const Client client(address);
        if (!client.isConnected()) return;
        while (client.exchange()) ++exchanges;
      }
    });
  }
  while (exchanges < 500) std::this_thread::yield();
  std::thread stopper([this] { server_.stop(); });
  server_.join();
  stopper.join();
  for (std::thread& client : clients) client.join();
  expectEnded();
  EXPECT_EQ(openedSince(before), std::set<Fd>());
  EXPECT_FALSE(Client(address).isConnected());
}

TEST_F(ThreadedServerTest, StartsAgainOnTheSamePort) {
  employ(2);
  start();
  const Address address = server_.localAddress();
  EXPECT_NE(address.port(), 0);
  EXPECT_TRUE(Client(address).exchange());
  stopAndJoin();
  EXPECT_EQ(server_.localAddress(), address);
  server_.stop();
  start(address);
  EXPECT_TRUE(Client(address).exchange()) << "a stop that came too late stops nothing";
  stopAndJoin();
  expectEnded(2);
}

TEST_F(ThreadedServerTest, SharesTheSocketOfAUnixPath) {
  const std::string path = socketPath("threads");
  employ(3);
  start(pathAddress(path));
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(Client(server_.localAddress()).exchange());
  stopAndJoin();
  EXPECT_EQ(served(), 100u);
  struct stat status {};
  EXPECT_NE(::stat(path.c_str(), &status), 0);
  expectEnded();
}

TEST_F(ThreadedServerTest, ServesOnForTheDrainTimeUnlessItsThreadsLeave) {
  employ(2);
  start(loopback(), {.drainTime = Clock::duration::max()});
  {
    const Client client(server_.localAddress());
    ASSERT_TRUE(client.exchange());
    server_.stop();
    const auto enough = Clock::now() + 30s;
    while (Client(server_.localAddress()).isConnected() && Clock::now() < enough) {
      std::this_thread::yield();
    }
    EXPECT_TRUE(client.exchange()) << "although nobody else is let in";
  }
  server_.join();
  expectEnded();
}

TEST_F(ThreadedServerTest, HangsUpAfterTheDrainTime) {
  employ(1);
  start(loopback(), {.drainTime = 10ms});
  const Client client(server_.localAddress());
  ASSERT_TRUE(client.exchange());
  const auto since = Clock::now();
  stopAndJoin();
  EXPECT_GE(Clock::now() - since, 10ms);
  EXPECT_TRUE(client.isHungUp());
  expectEnded();
}

TEST_F(ThreadedServerTest, MayBeStoppedByACallback) {
  employ(2);
  for (Worker& worker : workers_) worker.toStop = &server_;
  start();
  const Client client(server_.localAddress());
  server_.join();
  expectEnded();
}

TEST_F(ThreadedServerTest, StopsWhenDestroyed) {
  auto server = std::make_unique<ThreadedServer>();
  Worker worker;
  ok(worker.joinIn(*server));
  ok(server->start(loopback(), {}));
  server.reset();
  EXPECT_EQ(worker.ends, 1u);
  awaitThreadCount(threadsBefore_);
}

TEST_F(ThreadedServerTest, StartsAllThreadsOrNone) {
  const auto before = openFds();
  employ(3);
  workers_[1].startError = std::make_error_code(std::errc::no_link);
  EXPECT_EQ(server_.start(loopback(), {}), std::errc::no_link);
  awaitThreadCount(threadsBefore_);
  EXPECT_EQ(openedSince(before), std::set<Fd>());
  EXPECT_EQ(workers_[1].thread.error, std::errc::no_link);
  workers_[1].startError.clear();
  start();
  EXPECT_TRUE(Client(server_.localAddress()).exchange());
}

// Two sockets of three are opened, and closed again.
TEST_F(ThreadedServerTest, ReportsWantOfDescriptors) {
  if (underSanitizerThatNeedsDescriptors()) GTEST_SKIP() << noDescriptorsForSanitizer;
  const auto before = openFds();
  const std::string path = socketPath("want");
  employ(3);
  for (const Address& address : {loopback(), pathAddress(path)}) {
    const DescriptorLimit limit(2);
    EXPECT_EQ(server_.start(address, {}), std::errc::too_many_files_open);
  }
  EXPECT_EQ(openedSince(before), std::set<Fd>());
  start(pathAddress(path));
}

TEST_F(ThreadedServerTest, RefusesWhatMakesNoSense) {
  EXPECT_EQ(server_.start(loopback(), {}), std::errc::invalid_argument) << "no thread";
  Worker worker;
  EXPECT_EQ(server_.add(worker.thread, nullptr, nullptr, &worker), std::errc::invalid_argument);
  employ(2);
  EXPECT_EQ(workers_[0].joinIn(server_), TransportError::busy);
  EXPECT_EQ(server_.start(Address(), {}), std::errc::invalid_argument);
  EXPECT_EQ(server_.start(parseAddress("192.0.2.1:0"), {}), std::errc::address_not_available);
  server_.stop();
  server_.join();
  start();
  EXPECT_EQ(server_.start(loopback(), {}), TransportError::busy);
  EXPECT_EQ(worker.joinIn(server_), TransportError::busy);
  StreamServer other;
  Reactor reactor;
  TransportContext context(reactor);
  EXPECT_EQ(StreamServer::listen(context, server_.localAddress(), {}, other),
            std::errc::address_in_use);
}

}  // namespace
}  // namespace kairos
