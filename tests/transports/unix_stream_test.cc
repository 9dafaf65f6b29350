// SPDX-License-Identifier: MIT OR Apache-2.0
// Streams over unix sockets, with servers on paths and abstract names.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>
#include <string>
#include <utility>

#include "kairos/tests/transports/server_fixture.h"
#include "kairos/transports/datagram_transport.h"

namespace kairos {
namespace {

class UnixStreamTest : public ServerTest {
 protected:
  // `stream_` is the client, `accepted_.stream` the server's end.
  void meet(const Address& address, const ConnectOptions& options = {}) {
    listen(address);
    accept(accepted_);
    Connect connected;
    dial(connected, options);
    settleUntilDone(connected);
    settleUntilDone(accepted_);
    ok(connected.error);
    ok(accepted_.error);
    stream_ = std::move(connected.stream);
  }

  Accept accepted_;
};

INSTANTIATE_TEST_SUITE_P(Backends, UnixStreamTest, backends(), backendName);

// T132
TEST_P(UnixStreamTest, CarriesMuchAndAnEnd) {
  for (const Address& address : {pathAddress(socketPath("much")), abstractAddress("much")}) {
    meet(address);
    const std::string bytes = pattern(10u << 20);
    Write write;
    this->write(write, bytes);
    Write end;
    shutdown(end);
    Read read;
    ok(accepted_.stream.readToEnd(read, {.limit = bytes.size()}, Read::done, &read));
    settleUntilDone(read);
    EXPECT_TRUE(read.data == bytes);
    EXPECT_TRUE(read.atEnd);

    // The other direction goes on.
    Write answer;
    ok(accepted_.stream.write(answer, "answer", Write::done, &answer));
    Read heard;
    readOnce(heard);
    settleUntilDone(heard);
    EXPECT_EQ(heard.data, "answer");
  }
}

// T132
TEST_P(UnixStreamTest, NamesAPeerThatHasNone) {
  meet(abstractAddress("server"));
  EXPECT_EQ(accepted_.peer.family(), Address::Family::unixUnnamed);
  EXPECT_EQ(accepted_.peer.toString(), "unix:");
  Address address;
  ok(accepted_.stream.remoteAddress(address));
  EXPECT_EQ(address, Address::unixUnnamed());
  ok(stream_.localAddress(address));
  EXPECT_EQ(address, Address::unixUnnamed());

  const Address name = abstractAddress("client");
  meet(abstractAddress("named"), {.local = name});
  EXPECT_EQ(accepted_.peer, name);
}

// T91: a path is a name for the peer to see; no file is left of it.
TEST_P(UnixStreamTest, LeavesNoFileOfItsOwnPath) {
  const std::string path = socketPath("own");
  const auto exists = [&path] { return ::access(path.c_str(), F_OK) == 0; };
  for (int round = 0; round < 2; ++round) {
    meet(pathAddress(socketPath("server")), {.local = pathAddress(path)});
    EXPECT_FALSE(exists());
    EXPECT_EQ(accepted_.peer, pathAddress(path));
    Address address;
    ok(accepted_.stream.remoteAddress(address));
    EXPECT_EQ(address, pathAddress(path));
    server_.close();
  }
  Connect refused;
  dial(refused, pathAddress(socketPath("server")), {.local = pathAddress(path)});
  settle();
  EXPECT_TRUE(refused.error);
  EXPECT_FALSE(exists());

  // Somebody else's file is not ours.
  const UniqueFd file(::open(path.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
  dial(refused, pathAddress(socketPath("server")), {.local = pathAddress(path)});
  settle();
  EXPECT_EQ(refused.error, std::errc::address_in_use);
  EXPECT_TRUE(exists());
  ::unlink(path.c_str());
}

// T122: as long as the OS has them, which takes 108 bytes without a zero at the end.
TEST_P(UnixStreamTest, TakesTheLongestPaths) {
  for (const std::size_t length : {std::size_t{107}, Address::unixPathBytesMax}) {
    std::string path = socketPath("long-");
    ASSERT_LT(path.size(), length);
    path.resize(length, 'x');
    meet(pathAddress(path));
    EXPECT_EQ(address_, pathAddress(path)) << "as the OS tells it";
    EXPECT_EQ(::access(path.c_str(), F_OK), 0);
    Address address;
    ok(stream_.remoteAddress(address));
    EXPECT_EQ(address, pathAddress(path));
    server_.close();
    EXPECT_NE(::access(path.c_str(), F_OK), 0);
  }
}

// T132: the descriptor tells who the peer is.
TEST_P(UnixStreamTest, ShowsThePeersCredentialsByItsDescriptor) {
  meet(abstractAddress("credentials"));
  for (const Fd fd : {stream_.fd(), accepted_.stream.fd()}) {
    ucred peer{};
    socklen_t size = sizeof peer;
    ASSERT_EQ(::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size), 0);
    EXPECT_EQ(peer.pid, ::getpid());
    EXPECT_EQ(peer.uid, ::geteuid());
  }
}

// They would fill the table of this process, for as long as the peer likes.
TEST_P(UnixStreamTest, TakesNoDescriptorsThatThePeerSends) {
  const auto sendWithDescriptors = [](Fd fd) {
    char byte = 'x';
    iovec part{&byte, 1};
    alignas(cmsghdr) char control[CMSG_SPACE(3 * sizeof(Fd))] = {};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    cmsghdr* const header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(3 * sizeof(Fd));
    EXPECT_EQ(::sendmsg(fd, &message, 0), 1);
  };
  connect(pair());
  DatagramTransport datagrams;
  ok(DatagramTransport::bind(context_, abstractAddress("no-descriptors"), {}, datagrams));
  const UniqueFd sender(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const Address to = abstractAddress("no-descriptors");
  ASSERT_EQ(::connect(sender.get(), to.sockaddrData(), to.sockaddrSize()), 0);
  const auto before = openFds();
  sendWithDescriptors(far_.get());
  sendWithDescriptors(sender.get());
  Read read;
  readOnce(read);
  Watched<ReceiveOperation> receive;
  ok(datagrams.receive(receive, receive.done, &receive));
  settle();
  EXPECT_EQ(read.data, "x");
  ASSERT_EQ(receive.datagrams.size(), 1u);
  EXPECT_EQ(receive.datagrams[0].data, "x");
  EXPECT_TRUE(openedSince(before).empty());
  sendWithDescriptors(far_.get());
  std::array<char, 20000> large;  // around the buffer
  ok(stream_.readOnce(read, large, Read::done, &read));
  settle();
  EXPECT_EQ(read.data, "x");
  EXPECT_TRUE(openedSince(before).empty());
}

}  // namespace
}  // namespace kairos
