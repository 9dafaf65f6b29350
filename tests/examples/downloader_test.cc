// SPDX-License-Identifier: MIT OR Apache-2.0
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <chrono>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "kairos/tests/examples/peer_server.h"
#include "kairos/tests/support/child_process.h"
#include "kairos/tests/support/unique_fd.h"

namespace kairos {
namespace {

// Says the same to all, one after the other, whatever they ask.
class HttpServer {
 public:
  HttpServer(std::string answer, int clients)
      : thread_([this, answer = std::move(answer), clients] {
          for (int i = 0; i < clients; ++i) serveOne(answer);
        }) {}
  ~HttpServer() { thread_.join(); }

  std::string url(const std::string& path) const {
    return "http://127.0.0.1:" + std::to_string(listener_.port) + path;
  }

 private:
  struct Listener : BoundSocket {
    Listener() : BoundSocket(SOCK_STREAM) { EXPECT_EQ(::listen(socket.get(), 16), 0); }
  };

  void serveOne(const std::string& answer) {
    const UniqueFd client(::accept(listener_.socket.get(), nullptr, nullptr));
    std::string request;
    char chunk[4096];
    while (request.find("\r\n\r\n") == std::string::npos) {
      const ssize_t size = ::recv(client.get(), chunk, sizeof chunk, 0);
      if (size <= 0) return;
      request.append(chunk, static_cast<std::size_t>(size));
    }
    EXPECT_EQ(request.find("GET /"), 0U) << request;
    for (std::size_t sent = 0; sent < answer.size();) {
      const ssize_t size =
          ::send(client.get(), answer.data() + sent, answer.size() - sent, MSG_NOSIGNAL);
      if (size <= 0) return;
      sent += static_cast<std::size_t>(size);
    }
    // Until the client has read all, or gone.
    ::shutdown(client.get(), SHUT_WR);
    while (::recv(client.get(), chunk, sizeof chunk, 0) > 0) {
    }
  }

  Listener listener_;
  std::thread thread_;
};

ChildProcess::Options downloader(std::vector<std::string> arguments) {
  ChildProcess::Options options;
  options.command = {runfile("futures-addon/examples/downloader")};
  options.command.insert(options.command.end(), arguments.begin(), arguments.end());
  return options;
}

std::string answer(std::size_t size, std::size_t toldSize) {
  return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(toldSize) + "\r\nX: y\r\n\r\n" +
         std::string(size, 'x');
}

TEST(DownloaderTest, LoadsSeveral) {
  const HttpServer large(answer(1 << 20, 1 << 20), 2);
  const HttpServer unsized("HTTP/1.1 200 OK\r\n\r\nto the end", 1);
  ChildProcess loading(downloader({large.url("/a"), unsized.url(""), large.url("/b")}));
  EXPECT_EQ(loading.waitForExit(), 0) << loading.errors();
  EXPECT_NE(loading.output().find(large.url("/a") + ": 1048576 bytes"), std::string::npos);
  EXPECT_NE(loading.output().find(large.url("/b") + ": 1048576 bytes"), std::string::npos);
  EXPECT_NE(loading.output().find(unsized.url("") + ": 10 bytes"), std::string::npos);
}

// One that fails does not concern the others.
TEST(DownloaderTest, TellsWhatFails) {
  const HttpServer good(answer(5, 5), 1);
  const HttpServer cut(answer(5, 6), 1);
  const HttpServer missing("HTTP/1.1 404 Not Found\r\n\r\n", 1);
  ChildProcess loading(downloader({cut.url("/"), good.url("/"), missing.url("/")}));
  EXPECT_EQ(loading.waitForExit(), 1);
  EXPECT_NE(loading.output().find("5 bytes"), std::string::npos) << loading.output();
  EXPECT_NE(loading.errors().find("another size"), std::string::npos) << loading.errors();
  EXPECT_NE(loading.errors().find("404 Not Found"), std::string::npos) << loading.errors();
}

TEST(DownloaderTest, KeepsTheRateAndTheLimitOfTime) {
  const auto start = std::chrono::steady_clock::now();
  const HttpServer server(answer(150'000, 150'000), 2);
  {
    ChildProcess loading(downloader({"--rate", "100000", server.url("/")}));
    EXPECT_EQ(loading.waitForExit(), 0) << loading.errors();
  }
  // The bucket is full at first; the rest has to wait.
  EXPECT_GE(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(450));
  ChildProcess loading(downloader({"--rate", "1000", "--timeout", "100", server.url("/")}));
  EXPECT_EQ(loading.waitForExit(), 1);
  EXPECT_NE(loading.errors().find("The time for it is over"), std::string::npos);
}

TEST(DownloaderTest, ChecksItsArguments) {
  for (const std::vector<std::string>& bad : std::vector<std::vector<std::string>>{
           {}, {"ftp://x"}, {"--rate", "0", "http://127.0.0.1"}}) {
    ChildProcess loading(downloader(bad));
    EXPECT_EQ(loading.waitForExit(), 2);
  }
}

}  // namespace
}  // namespace kairos
