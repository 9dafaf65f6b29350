// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What the file server sends for what is asked.

#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <string>

#include "kairos/tests/examples/http/file_server_fixture.h"
#include "kairos/tests/examples/tcp_client.h"

namespace kairos {
namespace {

TEST_F(FileServerTest, SendsFilesByteForByte) {
  start();
  for (const std::size_t size : {0u, 1u, 1024u, 16384u, 16385u, 102400u, 10485760u}) {
    const std::string name = std::to_string(size) + ".bin";
    const std::string content = patternBytes(size);
    write(name, content);
    const HttpReply reply = fetch("/" + name);
    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(reply.field("Content-Length"), std::to_string(size));
    EXPECT_TRUE(reply.body == content) << size;
  }
}

TEST_F(FileServerTest, SaysWhatItSends) {
  write("a.html", "<p>");
  start();
  const HttpReply reply = fetch("/a.html");
  EXPECT_EQ(reply.field("Content-Type"), "text/html; charset=utf-8");
  EXPECT_EQ(reply.field("Accept-Ranges"), "bytes");
  EXPECT_EQ(reply.field("Date").size(), 29u);
  EXPECT_EQ(reply.field("Last-Modified").size(), 29u);
  EXPECT_NE(reply.field("ETag"), "");
  EXPECT_EQ(reply.field("Connection"), "");
}

TEST_F(FileServerTest, SendsTheHeadAloneIfThatIsAskedFor) {
  const std::string content = patternBytes(50000);
  write("a", content);
  start();
  TcpClient client(port());
  for (const char* path : {"/a", "/", "/none"}) {
    ASSERT_TRUE(client.sendAll(std::string("HEAD ") + path + " HTTP/1.1\r\nHost: a\r\n\r\n"));
    const HttpReply head = receiveReply(client, false);
    const HttpReply whole = ask(client, path);
    EXPECT_EQ(head.status, whole.status) << path;
    EXPECT_EQ(head.field("Content-Length"), std::to_string(whole.body.size())) << path;
    EXPECT_EQ(head.field("Content-Type"), whole.field("Content-Type")) << path;
  }
}

TEST_F(FileServerTest, SendsParts) {
  const std::string content = patternBytes(100000);
  write("a", content);
  start();
  TcpClient client(port());
  const auto part = [&](std::string_view range) {
    return ask(client, "/a", "Range: bytes=" + std::string(range) + "\r\n");
  };
  const HttpReply small = part("10-19");
  EXPECT_EQ(small.status, 206);
  EXPECT_EQ(small.field("Content-Range"), "bytes 10-19/100000");
  EXPECT_EQ(small.body, content.substr(10, 10));
  const HttpReply large = part("5000-");
  EXPECT_EQ(large.status, 206);
  EXPECT_EQ(large.field("Content-Range"), "bytes 5000-99999/100000");
  EXPECT_TRUE(large.body == content.substr(5000));
  EXPECT_EQ(part("-3").body, content.substr(99997));
  const HttpReply none = part("100000-");
  EXPECT_EQ(none.status, 416);
  EXPECT_EQ(none.field("Content-Range"), "bytes */100000");
  EXPECT_EQ(part("0-1,5-6").status, 200);
}

TEST_F(FileServerTest, GoesOnWithAPartOfTheSameVersionAlone) {
  write("a", "0123456789");
  start();
  const HttpReply first = fetch("/a");
  const auto goOn = [&](const std::string& version) {
    return fetch("/a", "Range: bytes=4-\r\nIf-Range: " + version + "\r\n");
  };
  EXPECT_EQ(goOn(first.field("ETag")).body, "456789");
  EXPECT_EQ(goOn(first.field("Last-Modified")).body, "456789");
  EXPECT_EQ(goOn("\"other\"").body, "0123456789");
}

TEST_F(FileServerTest, SendsNothingThatTheClientHas) {
  write("a", "0123456789");
  start();
  TcpClient client(port());
  const HttpReply first = ask(client, "/a");
  const HttpReply known = ask(client, "/a", "If-None-Match: " + first.field("ETag") + "\r\n");
  EXPECT_EQ(known.status, 304);
  EXPECT_EQ(known.field("ETag"), first.field("ETag"));
  EXPECT_EQ(known.field("Content-Length"), "");
  const std::string since = "If-Modified-Since: " + first.field("Last-Modified") + "\r\n";
  EXPECT_EQ(ask(client, "/a", since).status, 304);
  EXPECT_EQ(ask(client, "/a", "If-None-Match: \"other\"\r\n").status, 200);
  EXPECT_EQ(ask(client, "/a", "If-Match: \"other\"\r\n").status, 412);
}

TEST_F(FileServerTest, ShowsDirectories) {
  std::filesystem::create_directory(path() / "plain");
  std::filesystem::create_directory(path() / "in dexed");
  write("plain/<x>", "");
  write("in dexed/index.html", "<h1>");
  start();
  const HttpReply redirect = fetch("/plain?a=b");
  EXPECT_EQ(redirect.status, 301);
  EXPECT_EQ(redirect.field("Location"), "/plain/?a=b");
  EXPECT_EQ(fetch("/in%20dexed").field("Location"), "/in%20dexed/");
  const HttpReply list = fetch("/plain/");
  EXPECT_EQ(list.status, 200);
  EXPECT_EQ(list.field("Content-Type"), "text/html; charset=utf-8");
  EXPECT_NE(list.body.find("<a href=\"./%3Cx%3E\">&lt;x&gt;</a>"), list.body.npos) << list.body;
  EXPECT_EQ(fetch("/in%20dexed/").body, "<h1>");
  EXPECT_EQ(fetch("http://any/in%20dexed/?q").body, "<h1>");
}

TEST_F(FileServerTest, NeverSendsWhatIsOutside) {
  write("a", "inside");
  std::filesystem::create_symlink("/etc/passwd", path() / "out");
  std::filesystem::create_symlink("..", path() / "up");
  start();
  const std::string outside = "../" + path().filename().string() + "/a";
  for (const std::string& target :
       {"/" + outside, std::string("/%2e%2e/") + outside.substr(3), std::string("/..%2f") + "a",
        std::string("/a/../../etc/passwd"), std::string("/%2e%2e%2fetc%2fpasswd"),
        std::string("/.."), std::string("/%00"), std::string("/a%00.html")}) {
    EXPECT_EQ(fetch(target).status, 400) << target;
  }
  for (const char* target : {"/out", "/up/", "/up/etc", "//etc/passwd", "/.ssh/", "/a/b"}) {
    EXPECT_EQ(fetch(target).status, 404) << target;
  }
}

// What was promised cannot be kept: that must not look like the whole file.
TEST_F(FileServerTest, EndsTheConnectionWhenAFileIsCut) {
  for (const std::size_t size : {10000u, 100000u}) {
    write("a", patternBytes(size));
    if (size == 10000) start();
    EXPECT_TRUE(eventually([&] { return fetch("/a").body.size() == size; }));
    std::filesystem::resize_file(path() / "a", 10);
    TcpClient client(port());
    ASSERT_TRUE(client.sendAll(get("/a")));
    const HttpReply reply = receiveReply(client);
    const bool isSeenAlready = reply.field("Content-Length") == "10";
    // The end can be read.
    EXPECT_TRUE(isSeenAlready || client.readableWithin(std::chrono::milliseconds(0)));
    EXPECT_EQ(reply.body, patternBytes(size).substr(0, 10));
  }
}

}  // namespace
}  // namespace kairos
