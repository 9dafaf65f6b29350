// SPDX-License-Identifier: MIT OR Apache-2.0
// Sending datagrams: one by one and many at once, to whom, in which order, and what stops them.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "kairos/tests/transports/datagram_fixture.h"

namespace kairos {
namespace {

using namespace std::chrono_literals;

class DatagramSendTest : public DatagramTest {
 protected:
  // `near_` becomes one end of a pair whose other end takes no more.
  void fillPair() {
    Pair ends = datagramPair();
    near_ = adoptDatagrams(std::move(ends.near));
    raw_ = std::move(ends.far);
    while (::send(near_.fd(), "fill", 4, 0) == 4) ++filled_;
  }

  // What came after the filling.
  Texts receiveRest() {
    Texts all = receiveTexts(raw_.get());
    while (filled_ > 0 && !all.empty()) {
      all.erase(all.begin());
      --filled_;
    }
    return all;
  }

  DatagramTransport near_ = bind(loopback());
  DatagramTransport far_ = bind(loopback());
  UniqueFd raw_;
  std::size_t filled_ = 0;
};

INSTANTIATE_TEST_SUITE_P(Backends, DatagramSendTest, backends(), backendName);

// T97: questions and answers, by sendTo and by a connected transport.
TEST_P(DatagramSendTest, ExchangesThousands) {
  DatagramTransport client = connectTo(localOf(near_));
  Receive question;
  Send answer;
  question.setThen([&] {
    EXPECT_EQ(question.datagrams[0].peer, localOf(client));
    ok(near_.send(answer, question.datagrams, Send::done, &answer));
  });
  answer.setThen([&] { receive(near_, question); });
  receive(near_, question);
  for (int i = 0; i < 2000 && !HasFailure(); ++i) {
    const std::string text = "question " + std::to_string(i);
    Send send;
    if (i % 2 == 0) this->send(client, send, text);
    if (i % 2 == 1) sendTo(client, send, localOf(near_), text);
    EXPECT_EQ(next(client), Texts{text});
  }
}

// T97: 20 clients, 20 messages each.
TEST_P(DatagramSendTest, AnswersEachClient) {
  Receive question;
  Send answer;
  question.setThen([&] { ok(near_.send(answer, question.datagrams, Send::done, &answer)); });
  answer.setThen([&] { receive(near_, question); });
  receive(near_, question);
  std::vector<DatagramTransport> clients(20);
  for (DatagramTransport& client : clients) client = connectTo(localOf(near_));
  for (int round = 0; round < 20; ++round) {
    std::vector<Send> sends(clients.size());
    for (std::size_t i = 0; i < clients.size(); ++i) {
      send(clients[i], sends[i], std::string_view("abcdefghijklmnopqrst").substr(i));
    }
    for (std::size_t i = 0; i < clients.size(); ++i) {
      EXPECT_EQ(next(clients[i]),
                Texts{std::string(std::string_view("abcdefghijklmnopqrst").substr(i))});
    }
  }
}

// T98
TEST_P(DatagramSendTest, AConnectedTransportHearsItsPeerAlone) {
  DatagramTransport client = connectTo(localOf(near_));
  Address remote;
  ok(client.remoteAddress(remote));
  EXPECT_EQ(remote, localOf(near_));
  EXPECT_EQ(near_.remoteAddress(remote), std::errc::not_connected);
  deliver(far_, localOf(client), "stranger");
  deliver(near_, localOf(client), "peer");
  EXPECT_EQ(next(client), Texts{"peer"});
  deliver(client, localOf(far_), "elsewhere");
  EXPECT_EQ(next(far_), Texts{"elsewhere"}) << "Linux allows it";
}

// T99
TEST_P(DatagramSendTest, NobodyToSendToIsAnError) {
  Send send;
  this->send(near_, send, "x");
  EXPECT_TRUE(send.isPending()) << "told by the callback, never inside the call";
  settle();
  EXPECT_EQ(send.error, TransportError::notConnected);
  sendTo(near_, send, Address::unixUnnamed(), "x");
  settle();
  EXPECT_EQ(send.error, TransportError::notConnected);
  EXPECT_EQ(send.completions(), 2u);
}

TEST_P(DatagramSendTest, SendsManyAtOnceInOrder) {
  const Address to = localOf(far_);
  std::vector<Datagram> datagrams;
  for (int i = 0; i < 100; ++i) {
    datagrams.push_back({.data = i % 2 == 0 ? "even" : "odd", .peer = to});
  }
  Send send;
  ok(near_.send(send, datagrams, Send::done, &send));
  settle();
  EXPECT_EQ(send.sent, 100u);
  EXPECT_FALSE(send.error);
  Texts all;
  while (all.size() < 100 && !HasFailure()) {
    for (std::string& text : next(far_)) all.push_back(std::move(text));
  }
  for (std::size_t i = 0; i < all.size(); ++i) EXPECT_EQ(all[i], i % 2 == 0 ? "even" : "odd");
}

TEST_P(DatagramSendTest, SendingNoneIsDoneAtOnce) {
  Send send;
  ok(near_.send(send, std::span<const Datagram>(), Send::done, &send));
  EXPECT_EQ(send.completions(), 0u);
  settle();
  EXPECT_EQ(send.completions(), 1u);
  EXPECT_FALSE(send.error);
  EXPECT_EQ(send.sent, 0u);
}

// The first that is refused ends its send; what is behind it is sent.
TEST_P(DatagramSendTest, StopsAtOneThatIsRefused) {
  const Address to = localOf(far_);
  const std::string tooLarge(65508, 'x');
  const std::vector<Datagram> datagrams = {
      {.data = "1", .peer = to}, {.data = tooLarge, .peer = to}, {.data = "3", .peer = to}};
  Send send;
  ok(near_.send(send, datagrams, Send::done, &send));
  Send behind;
  sendTo(near_, behind, to, "4");
  settle();
  EXPECT_EQ(send.error, std::errc::message_size);
  EXPECT_EQ(send.sent, 1u);
  EXPECT_FALSE(behind.error);
  EXPECT_EQ(next(far_), (Texts{"1", "4"}));
  const std::vector<Datagram> nobody = {{.data = "5", .peer = to}, {.data = "6"}};
  ok(near_.send(send, nobody, Send::done, &send));
  settle();
  EXPECT_EQ(send.error, TransportError::notConnected);
  EXPECT_EQ(send.sent, 1u);
}

// T109, T118
TEST_P(DatagramSendTest, KeepsInOrderWhatTheOsDoesNotTake) {
  fillPair();
  std::vector<Send> sends(100);
  Texts expected;
  for (std::size_t i = 0; i < sends.size(); ++i) {
    const std::string_view text = i % 3 == 0 ? "0" : i % 3 == 1 ? "1" : "2";
    send(near_, sends[i], text);
    expected.emplace_back(text);
  }
  EXPECT_EQ(poll(10ms), 0u) << "it does not spin";
  Texts all;
  while (sends.back().isPending() && !HasFailure()) {
    for (std::string& text : receiveRest()) all.push_back(std::move(text));
    poll(Reactor::forever);
  }
  for (std::string& text : receiveRest()) all.push_back(std::move(text));
  EXPECT_EQ(all, expected);
  for (const Send& send : sends) EXPECT_FALSE(send.error);
  EXPECT_EQ(poll(10ms), 0u) << "the writer went";
}

// T118
TEST_P(DatagramSendTest, CancelsQueuedOnes) {
  fillPair();
  Send first;
  Send second;
  Send third;
  send(near_, first, "1");
  send(near_, second, "2");
  send(near_, third, "3");
  EXPECT_EQ(near_.send(second, "again", Send::done, &second), TransportError::busy);
  EXPECT_TRUE(near_.cancel(second));
  EXPECT_FALSE(near_.cancel(second));
  EXPECT_FALSE(far_.cancel(third));
  settle();
  EXPECT_EQ(second.error, std::errc::operation_canceled);
  EXPECT_EQ(second.sent, 0u);
  Texts all = receiveRest();
  settleUntilDone(third);
  for (std::string& text : receiveRest()) all.push_back(std::move(text));
  EXPECT_EQ(all, (Texts{"1", "3"}));
}

// T118
TEST_P(DatagramSendTest, CloseFailsQueuedOnes) {
  fillPair();
  std::vector<Send> sends(3);
  for (Send& send : sends) this->send(near_, send, "x");
  near_.close();
  Send late;
  send(near_, late, "x");
  settle();
  for (const Send& send : sends) {
    EXPECT_EQ(send.error, TransportError::closed);
    EXPECT_EQ(send.completions(), 1u);
  }
  EXPECT_EQ(late.error, TransportError::closed);
}

TEST_P(DatagramSendTest, ForgetsDestroyedOnes) {
  fillPair();
  Send kept;
  {
    Send gone;
    send(near_, gone, "gone");
    send(near_, kept, "kept");
  }
  Texts all = receiveRest();
  settleUntilDone(kept);
  for (std::string& text : receiveRest()) all.push_back(std::move(text));
  EXPECT_EQ(all, Texts{"kept"});
  {
    fillPair();
    Send gone;
    send(near_, gone, "gone");
  }
  receiveRest();
  EXPECT_EQ(poll(10ms), 0u) << "nobody waits for room";
}

TEST_P(DatagramSendTest, EndsWithTheContext) {
  auto context = std::make_unique<TransportContext>(reactor_);
  Pair ends = datagramPair();
  DatagramTransport transport;
  ok(DatagramTransport::adopt(*context, ends.near.release(), {}, transport));
  while (::send(transport.fd(), "fill", 4, 0) == 4) {
  }
  Send send;
  this->send(transport, send, "x");
  context.reset();
  EXPECT_EQ(send.error, TransportError::closed);
  EXPECT_EQ(transport.send(send, "x", Send::done, &send), TransportError::closed);
}

// T103: what ICMP says comes by a receive, once, and sends go on.
TEST_P(DatagramSendTest, ReportsAClosedPortToTheReceiver) {
  DatagramTransport client = connectTo(localOf(far_));
  far_.close();
  Send send;
  this->send(client, send, "1");
  Receive receive;
  this->receive(client, receive);
  settleUntilDone(receive);
  EXPECT_FALSE(send.error);
  EXPECT_EQ(receive.error, std::errc::connection_refused);
  EXPECT_TRUE(receive.datagrams.empty());
  EXPECT_TRUE(client.isOpen());
  this->receive(client, receive);
  settle();
  EXPECT_TRUE(receive.isPending()) << "once";
  EXPECT_EQ(poll(10ms), 0u);
}

// T103: a send that is told of an earlier one is made all the same.
TEST_P(DatagramSendTest, ReportsAClosedPortThoughASendIsToldOfIt) {
  Address port = localOf(far_);
  DatagramTransport client = connectTo(port);
  far_.close();
  Send send;
  this->send(client, send, "1");
  settle();
  far_ = bind(port);
  this->send(client, send, "2");
  settle();
  EXPECT_FALSE(send.error);
  EXPECT_EQ(next(far_), Texts{"2"});
  Receive receive;
  this->receive(client, receive);
  settle();
  EXPECT_EQ(receive.error, std::errc::connection_refused);
  deliver(far_, localOf(client), "answer");
  EXPECT_EQ(next(client), Texts{"answer"});
}

// T103: and a receive that waits is told at once.
TEST_P(DatagramSendTest, TellsAWaitingReceiverWhatASendWasTold) {
  DatagramTransport client = connectTo(localOf(far_));
  far_.close();
  Receive receive;
  this->receive(client, receive);
  Send first;
  Send second;
  this->send(client, first, "1");
  this->send(client, second, "2");
  settle();
  EXPECT_EQ(receive.completions(), 1u);
  EXPECT_EQ(receive.error, std::errc::connection_refused);
  EXPECT_FALSE(second.error);
}

// T104: 2 s of virtual time are none for the kernel, which answers on loopback inside the send.
TEST_P(DatagramSendTest, HearsNothingOfAClosedPortWithoutConnection) {
  const Address port = localOf(far_);
  far_.close();
  Receive receive;
  this->receive(near_, receive);
  for (int i = 0; i < 10; ++i) deliver(near_, port, "x");
  EXPECT_EQ(poll(2s), 0u);
  EXPECT_EQ(receive.completions(), 0u);
}

}  // namespace
}  // namespace kairos
