// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/transports/examples/http/request_path.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "kairos/transports/examples/http/content_types.h"

namespace kairos::examples {
namespace {

std::string decoded(std::string_view path) {
  std::string file;
  const HttpStatus status = decodePath(path, file);
  return status == HttpStatus::ok ? file : std::string(statusText(status).substr(0, 3));
}

TEST(RequestPathTest, IsDecoded) {
  EXPECT_EQ(decoded("/"), "");
  EXPECT_EQ(decoded("/a.txt"), "a.txt");
  EXPECT_EQ(decoded("/a/b/"), "a/b/");
  EXPECT_EQ(decoded("/a%20b%C3%a4%25"), "a b\xc3\xa4%");
  EXPECT_EQ(decoded("/a..b/c."), "a..b/c.");
  EXPECT_EQ(decoded("/.well-known/x"), ".well-known/x");
}

TEST(RequestPathTest, NeverLeavesTheFolder) {
  for (const char* path :
       {"/..", "/../a", "/a/../b", "/a/..", "/.", "/./a", "/%2e%2e/a", "/.%2E/a", "/a/%2e%2e"}) {
    EXPECT_EQ(decoded(path), "400") << path;
  }
  for (const char* path : {"//a", "/a//b", "/a//", "/.git/config", "/a/.htpasswd", "/%2egit"}) {
    EXPECT_EQ(decoded(path), "404") << path;
  }
}

TEST(RequestPathTest, HasEscapesThatAreOnes) {
  for (const char* path : {"/%", "/%4", "/%zz", "/%4g", "/% 41", "/%00", "/a%2Fb", "/a%2fb"}) {
    EXPECT_EQ(decoded(path), "400") << path;
  }
}

TEST(RequestTargetTest, IsSplit) {
  RequestTarget target;
  EXPECT_EQ(splitTarget("/a/b?c?d", target), HttpStatus::ok);
  EXPECT_EQ(target.path, "/a/b");
  EXPECT_EQ(target.query, "?c?d");
  EXPECT_EQ(splitTarget("http://host:80/a", target), HttpStatus::ok);
  EXPECT_EQ(target.path, "/a");
  EXPECT_EQ(target.query, "");
  EXPECT_EQ(splitTarget("http://host", target), HttpStatus::ok);
  EXPECT_EQ(target.path, "/");
  for (const char* text :
       {"", "*", "a", "ftp://a/b", "/a#b", "/a b", "/\t", "/\xc3\xa4", "/\x7f", "http://host?q"}) {
    EXPECT_EQ(splitTarget(text, target), HttpStatus::badRequest) << text;
  }
}

TEST(EscapesTest, MakeNamesHarmless) {
  EXPECT_EQ(percentEncode("a b/\"<ä~.-_9"), "a%20b%2F%22%3C%C3%A4~.-_9");
  EXPECT_EQ(htmlEscape("<a href=\"x\">&'\n\x7f"), "&lt;a href=&quot;x&quot;&gt;&amp;&#39;??");
}

TEST(EscapesTest, AreReadBack) {
  std::string all;
  for (int byte = 1; byte < 256; ++byte) {
    if (byte != '/') all += static_cast<char>(byte);
  }
  EXPECT_EQ(decoded("/" + percentEncode(all)), all);
}

TEST(ContentTypesTest, AreOfTheLastExtension) {
  EXPECT_EQ(contentTypeOf("a.html"), "text/html; charset=utf-8");
  EXPECT_EQ(contentTypeOf("a.b/c.tar.GZ"), "application/gzip");
  EXPECT_EQ(contentTypeOf("x.7z"), "application/x-7z-compressed");
  EXPECT_EQ(contentTypeOf("x.zst"), "application/zstd");
  for (const char* name :
       {"", "a", "a.", "a.html/b", "a.unknown", "a.averyveryverylongextension", "html"}) {
    EXPECT_EQ(contentTypeOf(name), "application/octet-stream") << name;
  }
}

}  // namespace
}  // namespace kairos::examples
