// SPDX-License-Identifier: MIT OR Apache-2.0
//
// How the file server speaks HTTP: connections that are kept, requests ahead, and bad ones.

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "kairos/tests/examples/http/file_server_fixture.h"
#include "kairos/tests/examples/tcp_client.h"

namespace kairos {
namespace {

class FileServerProtocolTest : public FileServerTest {
 protected:
  void SetUp() override {
    write("a", "0123456789");
    write("large", patternBytes(100000));
    start();
  }

  // The status of the answer to `bytes`, after which the server ends the connection.
  int lastStatus(std::string_view bytes) {
    TcpClient client(port());
    EXPECT_TRUE(client.sendAll(bytes));
    const HttpReply reply = receiveReply(client);
    EXPECT_EQ(reply.field("Connection"), "close") << bytes.substr(0, 100);
    EXPECT_EQ(client.receiveUntilEnd(), "") << bytes.substr(0, 100);
    return reply.status;
  }
};

TEST_F(FileServerProtocolTest, KeepsTheConnection) {
  TcpClient client(port());
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(ask(client, "/a").body, "0123456789");
    EXPECT_EQ(ask(client, "/none").status, 404);
    EXPECT_TRUE(ask(client, "/large").body == patternBytes(100000));
  }
}

TEST_F(FileServerProtocolTest, EndsTheConnectionIfThatIsAskedFor) {
  EXPECT_EQ(lastStatus(get("/a", "Connection: close\r\n")), 200);
  EXPECT_EQ(lastStatus(get("/large", "Connection: close\r\n")), 200);
  EXPECT_EQ(lastStatus("GET /a HTTP/1.0\r\n\r\n"), 200);
}

TEST_F(FileServerProtocolTest, KeepsTheConnectionOfAnOldClientThatAsksForIt) {
  TcpClient client(port());
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(client.sendAll("GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
    const HttpReply reply = receiveReply(client);
    EXPECT_EQ(reply.body, "0123456789");
    EXPECT_EQ(reply.field("Connection"), "keep-alive");
  }
}

TEST_F(FileServerProtocolTest, AnswersRequestsThatComeAheadInTheirOrder) {
  constexpr int rounds = 200;
  TcpClient client(port());
  std::string requests;
  for (int i = 0; i < rounds; ++i) requests += get("/a") + get("/large") + get("/none");
  ASSERT_TRUE(client.sendAll(requests));
  for (int i = 0; i < rounds; ++i) {
    ASSERT_EQ(receiveReply(client).body, "0123456789");
    ASSERT_TRUE(receiveReply(client).body == patternBytes(100000));
    ASSERT_EQ(receiveReply(client).status, 404);
  }
}

TEST_F(FileServerProtocolTest, ReadsARequestThatComesByteByByte) {
  TcpClient client(port());
  for (const char byte : get("/a", "If-None-Match: \"x\"\r\n")) {
    ASSERT_TRUE(client.sendAll(std::string_view(&byte, 1)));
  }
  EXPECT_EQ(receiveReply(client).body, "0123456789");
}

TEST_F(FileServerProtocolTest, TakesBareLineFeedsAndEmptyLinesBefore) {
  TcpClient client(port());
  ASSERT_TRUE(
      client.sendAll("\r\n\r\nGET /a HTTP/1.1\nHost: x\n\n\nGET /none HTTP/1.1\nHost: x\n\n"));
  EXPECT_EQ(receiveReply(client).body, "0123456789");
  EXPECT_EQ(receiveReply(client).status, 404);
}

TEST_F(FileServerProtocolTest, AnswersOneWhoSendsNothingMore) {
  TcpClient client(port());
  ASSERT_TRUE(client.sendAll(get("/large")));
  client.shutdownWriting();
  EXPECT_TRUE(receiveReply(client).body == patternBytes(100000));
  EXPECT_EQ(client.receiveUntilEnd(), "");
}

TEST_F(FileServerProtocolTest, RefusesWhatIsNoRequestAndEndsTheConnection) {
  EXPECT_EQ(lastStatus("\x16\x03\x01\x02"), 400);
  EXPECT_EQ(lastStatus("{}"), 400);
  EXPECT_EQ(lastStatus("GET / HTTP/1.1\r\n\r\n"), 400);
  EXPECT_EQ(lastStatus("GET a HTTP/1.1\r\nHost: a\r\n\r\n"), 400);
  EXPECT_EQ(lastStatus("GET / HTTP/1.1\r\nHost: a\r\nBad field: x\r\n\r\n"), 400);
  EXPECT_EQ(lastStatus("GET / HTTP/3.0\r\nHost: a\r\n\r\n"), 505);
  EXPECT_EQ(lastStatus("FETCH / HTTP/1.1\r\nHost: a\r\n\r\n"), 501);
  EXPECT_EQ(lastStatus("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 501);
  EXPECT_EQ(lastStatus("GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
            411);
  EXPECT_EQ(lastStatus("GET / HTTP/1.1\r\nHost: a\r\nExpect: x\r\n\r\n"), 417);
}

TEST_F(FileServerProtocolTest, HasLimits) {
  EXPECT_EQ(fetch("/" + std::string(8000, 'x')).status, 414);
  EXPECT_EQ(lastStatus(get("/" + std::string(100000, 'x'))), 414);
  EXPECT_EQ(lastStatus(get("/", "X: " + std::string(100000, 'x') + "\r\n")), 431);
  std::string fields;
  for (int i = 0; i < 150; ++i) fields += "X: y\r\n";
  EXPECT_EQ(lastStatus(get("/", fields)), 431);
  EXPECT_EQ(lastStatus("GET /a HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n"), 413);
}

// The answer is not lost to a reset because the rest was not read.
TEST_F(FileServerProtocolTest, AnswersBeforeTheEndOfWhatIsTooMuch) {
  const std::string head = "PUT /a HTTP/1.1\r\nHost: a\r\nContent-Length: 300000\r\n\r\n";
  EXPECT_EQ(lastStatus(head + std::string(300000, 'x')), 413);
}

TEST_F(FileServerProtocolTest, DiscardsBodies) {
  TcpClient client(port());
  const std::string body = "GET /none HTTP/1.1\r\nHost: a\r\n\r\n";
  const std::string fields = "Content-Length: " + std::to_string(body.size()) + "\r\n";
  ASSERT_TRUE(client.sendAll(get("/a", fields) + body + get("/large")));
  EXPECT_EQ(receiveReply(client).body, "0123456789");
  EXPECT_TRUE(receiveReply(client).body == patternBytes(100000));
}

TEST_F(FileServerProtocolTest, SaysWhatMethodsThereAre) {
  TcpClient client(port());
  for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS"}) {
    ASSERT_TRUE(client.sendAll(std::string(method) + " /a HTTP/1.1\r\nHost: a\r\n" +
                               "Content-Length: 3\r\n\r\nabc"));
    const HttpReply reply = receiveReply(client);
    EXPECT_EQ(reply.status, 405) << method;
    EXPECT_EQ(reply.field("Allow"), "GET, HEAD");
  }
  EXPECT_EQ(ask(client, "/a").status, 200);
}

TEST_F(FileServerProtocolTest, DoesNotWaitForABodyThatWaitsForALeave) {
  EXPECT_EQ(lastStatus(get("/a", "Expect: 100-continue\r\nContent-Length: 5\r\n")), 200);
}

}  // namespace
}  // namespace kairos
