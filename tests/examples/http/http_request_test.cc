// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/transports/examples/http/http_request.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace kairos::examples {
namespace {

std::size_t headEnd(std::string_view bytes) {
  std::size_t scanned = 0;
  return findHeadEnd(bytes, scanned);
}

TEST(HeadEndTest, IsBehindTheEmptyLine) {
  EXPECT_EQ(headEnd("GET / HTTP/1.1\r\n\r\nmore"), 18u);
  EXPECT_EQ(headEnd("GET / HTTP/1.1\nHost: a\n\nmore"), 24u);
  EXPECT_EQ(headEnd("GET / HTTP/1.1\r\nHost: a\r\n"), 0u);
  EXPECT_EQ(headEnd("GET / HTTP/1.1\r\nHost: a\r\n\r"), 0u);
  EXPECT_EQ(headEnd(""), 0u);
}

TEST(HeadEndTest, IsNotInEmptyLinesBefore) {
  EXPECT_EQ(headEnd("\r\n\r\n"), 0u);
  EXPECT_EQ(headEnd("\r\n\r\nA\r\n\r\n"), 9u);
}

TEST(HeadEndTest, IsTheSameHoweverTheBytesCome) {
  for (const std::string_view head :
       {"\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "\n\nGET / HTTP/1.1\nHost: a\r\n\n", "A\n\r\n",
        "\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"}) {
    std::size_t scanned = 0;
    for (std::size_t size = 1; size < head.size(); ++size) {
      EXPECT_EQ(findHeadEnd(head.substr(0, size), scanned), 0u) << head << size;
    }
    EXPECT_EQ(findHeadEnd(std::string(head) + "\r\n\r\n", scanned), head.size()) << head;
  }
}

TEST(HeadTest, BeginsWithALetter) {
  EXPECT_TRUE(looksLikeHead("GET"));
  EXPECT_TRUE(looksLikeHead("\r\n"));
  EXPECT_FALSE(looksLikeHead("\x16\x03\x01"));
  EXPECT_FALSE(looksLikeHead("\r\n{"));
}

struct Parsed {
  explicit Parsed(std::string text) : head(std::move(text)), status(parseRequest(head, request)) {}

  std::string head;
  HttpRequest request;
  HttpStatus status;
};

TEST(HttpRequestTest, HasWhatAFileServerNeeds) {
  const Parsed parsed(
      "GET /a?b HTTP/1.1\r\nHost: x\r\nRANGE: bytes=0-1 \r\nIf-Range:\t\"e\"\r\n"
      "If-None-Match: *\r\nIf-Match: \"f\"\r\nIf-Modified-Since: d\r\n"
      "If-Unmodified-Since: u\r\nOther: thing\r\n\r\n");
  const HttpRequest& request = parsed.request;
  EXPECT_EQ(parsed.status, HttpStatus::ok);
  EXPECT_EQ(request.method, HttpRequest::Method::get);
  EXPECT_EQ(request.target, "/a?b");
  EXPECT_EQ(request.range, "bytes=0-1");
  EXPECT_EQ(request.ifRange, "\"e\"");
  EXPECT_EQ(request.ifNoneMatch, "*");
  EXPECT_EQ(request.ifMatch, "\"f\"");
  EXPECT_EQ(request.ifModifiedSince, "d");
  EXPECT_EQ(request.ifUnmodifiedSince, "u");
  EXPECT_TRUE(request.keepsAlive);
  EXPECT_FALSE(request.isHttp10);
  EXPECT_FALSE(request.expectsContinue);
  EXPECT_EQ(request.bodyBytes, 0u);
}

TEST(HttpRequestTest, KeepsItsConnectionByVersionAndField) {
  EXPECT_FALSE(Parsed("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").request.keepsAlive);
  EXPECT_FALSE(Parsed("GET / HTTP/1.0\r\n\r\n").request.keepsAlive);
  const Parsed old("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_TRUE(old.request.keepsAlive);
  EXPECT_TRUE(old.request.isHttp10);
}

TEST(HttpRequestTest, TellsHowLongItsBodyIs) {
  const Parsed parsed(
      "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 12\r\nExpect: 100-Continue\r\n\r\n");
  EXPECT_EQ(parsed.status, HttpStatus::ok);
  EXPECT_EQ(parsed.request.method, HttpRequest::Method::other);
  EXPECT_EQ(parsed.request.bodyBytes, 12u);
  EXPECT_TRUE(parsed.request.expectsContinue);
}

TEST(HttpRequestTest, TakesTheFirstOfRepeatedFields) {
  EXPECT_EQ(Parsed("GET / HTTP/1.1\r\nHost: x\r\nRange: a\r\nRange: b\r\n\r\n").request.range, "a");
}

struct Refusal {
  const char* head;
  HttpStatus status;
};

TEST(HttpRequestTest, IsRefusedIfItIsNone) {
  for (const Refusal& each : {
           Refusal{"GET / HTTP/1.1\r\n\r\n", HttpStatus::badRequest},
           Refusal{"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", HttpStatus::badRequest},
           Refusal{"GET / HTTP/1.1\r\nHost : a\r\n\r\n", HttpStatus::badRequest},
           Refusal{"GET / HTTP/1.1\r\nHost: a\r\nno field\r\n\r\n", HttpStatus::badRequest},
           Refusal{"GET / HTTP/1.1\r\nHost: a\r\nRange : a\r\n\r\n", HttpStatus::badRequest},
           Refusal{"GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n", HttpStatus::badRequest},
           Refusal{"GET / HTTP/1.1\r\nHost: a\r\nX: a\n\tb\r\n\r\n", HttpStatus::badRequest},
           Refusal{"GET a HTTP/1.1\r\nHost: a\r\n\r\n", HttpStatus::badRequest},
           Refusal{"GET  HTTP/1.1\r\nHost: a\r\n\r\n", HttpStatus::badRequest},
           Refusal{"GET / HTTX/1.1\r\nHost: a\r\n\r\n", HttpStatus::badRequest},
           Refusal{"GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n", HttpStatus::badRequest},
           Refusal{"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
                   HttpStatus::badRequest},
           Refusal{"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
                   HttpStatus::badRequest},
           Refusal{"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n",
                   HttpStatus::badRequest},
           Refusal{"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
                   HttpStatus::lengthRequired},
           Refusal{"GET / HTTP/1.1\r\nHost: a\r\nExpect: money\r\n\r\n",
                   HttpStatus::expectationFailed},
           Refusal{"FETCH / HTTP/1.1\r\nHost: a\r\n\r\n", HttpStatus::notImplemented},
           Refusal{"GET / HTTP/2.0\r\nHost: a\r\n\r\n", HttpStatus::versionNotSupported},
           Refusal{"GET /\r\n\r\n", HttpStatus::versionNotSupported},
       }) {
    EXPECT_EQ(Parsed(each.head).status, each.status) << each.head;
  }
}

TEST(HttpRequestTest, HasNoZeroByte) {
  EXPECT_EQ(Parsed(std::string("GET / HTTP/1.1\r\nHost: a\0b\r\n\r\n", 28)).status,
            HttpStatus::badRequest);
}

TEST(HttpRequestTest, HasAsManyFieldsAsAreAllowed) {
  const auto withFields = [](std::size_t count) {
    std::string head = "GET / HTTP/1.1\r\nHost: a\r\n";
    for (std::size_t i = 1; i < count; ++i) head += "X: y\r\n";
    return Parsed(head + "\r\n").status;
  };
  EXPECT_EQ(withFields(HttpRequest::fieldsMax), HttpStatus::ok);
  EXPECT_EQ(withFields(HttpRequest::fieldsMax + 1), HttpStatus::fieldsTooLarge);
}

}  // namespace
}  // namespace kairos::examples
