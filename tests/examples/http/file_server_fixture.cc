// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/tests/examples/http/file_server_fixture.h"

#include <charconv>

namespace kairos {
namespace {

std::size_t toNumber(std::string_view text) {
  std::size_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

}  // namespace

std::string HttpReply::field(std::string_view name) const {
  const std::string begin = "\r\n" + std::string(name) + ": ";
  const std::size_t at = head.find(begin);
  if (at == head.npos) return {};
  const std::size_t value = at + begin.size();
  return head.substr(value, head.find("\r\n", value) - value);
}

HttpReply receiveReply(TcpClient& client, bool hasBody) {
  constexpr std::string_view version = "HTTP/1.1 ";
  HttpReply reply;
  while (!reply.head.ends_with("\r\n\r\n")) {
    const std::string byte = client.receive(1);
    if (byte.empty()) return reply;
    reply.head += byte;
  }
  if (!reply.head.starts_with(version)) return reply;
  reply.status = static_cast<int>(toNumber(std::string_view(reply.head).substr(version.size())));
  const bool isFollowed = hasBody && reply.status != 304;
  if (isFollowed) reply.body = client.receive(toNumber(reply.field("Content-Length")));
  return reply;
}

std::string get(std::string_view path, std::string_view fields) {
  std::string request = "GET ";
  request.append(path).append(" HTTP/1.1\r\nHost: test\r\n");
  return request.append(fields).append("\r\n");
}

HttpReply ask(TcpClient& client, std::string_view path, std::string_view fields) {
  EXPECT_TRUE(client.sendAll(get(path, fields)));
  return receiveReply(client);
}

void FileServerTest::start(std::size_t threads) {
  ASSERT_FALSE(examples::Folder::open(path(), served_));
  for (std::size_t i = 0; i < threads; ++i) {
    ASSERT_FALSE(workers_.emplace_back(served_, options_).joinServer(server_));
  }
  const ThreadedServerOptions options{.server = {.noDelay = true}, .drainTime = options_.drainTime};
  ASSERT_FALSE(server_.start(Address::ipv4({127, 0, 0, 1}, 0), options));
}

void FileServerTest::stop() {
  server_.stop();
  server_.join();
}

HttpReply FileServerTest::fetch(std::string_view path, std::string_view fields) {
  TcpClient client(port());
  return ask(client, path, fields);
}

std::string FileServerTest::exchange(std::string_view bytes) {
  TcpClient client(port());
  EXPECT_TRUE(client.sendAll(bytes));
  return client.receiveUntilEnd();
}

}  // namespace kairos
