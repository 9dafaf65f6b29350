// SPDX-License-Identifier: MIT OR Apache-2.0
// What the user ties to a server and to each of its connections: found by udata, and freed once.
#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "kairos/tests/transports/server_fixture.h"

namespace kairos {
namespace {

// What a service shares with those it serves, and counts while it lives.
struct Census {
  explicit Census(int& living) : alive(living) { ++alive; }
  ~Census() { --alive; }
  Census(const Census&) = delete;
  Census& operator=(const Census&) = delete;

  int& alive;
};

class Service;

// Of one connection. It is made by the callback of its server, before anything of it is read, and
// frees itself.
struct Visitor {
  Visitor(Service& of, std::string greeting, StreamTransport&& from)
      : service(of), words(std::move(greeting)), stream(std::move(from)) {}

  static void onLine(void* udata);

  Service& service;
  const std::string words;
  StreamTransport stream;
  ReadOperation read;
};

// It frees itself too, in the last callback of its server.
class Service {
 public:
  explicit Service(std::shared_ptr<Census> census) : census_(std::move(census)) {}

  void open(TransportContext& context, const Address& address) {
    ASSERT_FALSE(StreamServer::listen(context, address, {}, server));
    ASSERT_FALSE(server.start(accept_, onAccepted, this));
  }

  StreamServer server;
  std::vector<std::string> heard;

 private:
  static void onAccepted(void* udata) {
    auto* const self = static_cast<Service*>(udata);
    if (self->accept_.error) {
      EXPECT_EQ(self->accept_.error, TransportError::closed);
      delete self;
      return;
    }
    const std::string number = std::to_string(++self->visitors_);
    auto* const visitor = new Visitor(*self, number + ": ", std::move(self->accept_.stream));
    EXPECT_TRUE(visitor->stream.peek().empty());
    EXPECT_FALSE(visitor->stream.readLine(visitor->read, {}, Visitor::onLine, visitor));
  }

  std::shared_ptr<Census> census_;
  AcceptOperation accept_;
  int visitors_ = 0;
};

void Visitor::onLine(void* udata) {
  const std::unique_ptr<Visitor> self(static_cast<Visitor*>(udata));
  if (!self->read.error) self->service.heard.push_back(self->words + std::string(self->read.data));
}

class ServerDataTest : public ServerTest {
 protected:
  // One that frees itself.
  Service* open(TransportContext& context) {
    auto* const service = new Service(std::make_shared<Census>(alive_));
    service->open(context, abstractAddress("data"));
    ok(service->server.localAddress(address_));
    return service;
  }

  int alive_ = 0;
};

INSTANTIATE_TEST_SUITE_P(Backends, ServerDataTest, backends(), backendName);

// T66
TEST_P(ServerDataTest, IsFoundByUdataForTheServerAndEachConnection) {
  Service* const service = open(context_);
  std::deque<Connect> connects(3);
  for (Connect& each : connects) {
    dial(each);
    settle();
  }
  for (const std::size_t i : {2u, 0u, 1u}) {
    sendAll(connects[i].stream.fd(), std::string(1, static_cast<char>('a' + i)) + "\n");
    settle();
  }
  EXPECT_EQ(service->heard, (std::vector<std::string>{"3: c", "1: a", "2: b"}));
  service->server.close();
  settle();
}

// T67: not inside the call that closes, and not twice.
TEST_P(ServerDataTest, IsFreedOnceWhenTheCloseIsDone) {
  Service* const service = open(context_);
  EXPECT_EQ(alive_, 1);
  service->server.close();
  service->server.close();
  EXPECT_EQ(alive_, 1);
  settle();
  EXPECT_EQ(alive_, 0);
}

// T67: nor do connections that wait change that, nor one that nobody was told of.
TEST_P(ServerDataTest, IsFreedOnceByTheEndOfTheContext) {
  std::optional<TransportContext> ending(std::in_place, reactor_);
  open(*ending);
  std::deque<Connect> connects(2);
  dial(connects[0]);
  settle();
  dial(connects[1]);
  EXPECT_EQ(alive_, 1);
  ending.reset();
  EXPECT_EQ(alive_, 0);
  settle();
}

}  // namespace
}  // namespace kairos
