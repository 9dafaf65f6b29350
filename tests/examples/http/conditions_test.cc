// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/transports/examples/http/conditions.h"

#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <string_view>

namespace kairos::examples {

std::ostream& operator<<(std::ostream& out, HttpStatus status) { return out << statusText(status); }

namespace {

constexpr FileVersion file{.etag = "\"e,1\"", .modified = 784111777, .size = 1000};
constexpr std::string_view before = "Sun, 06 Nov 1994 08:49:36 GMT";
constexpr std::string_view then = "Sun, 06 Nov 1994 08:49:37 GMT";
constexpr std::string_view after = "Sun, 06 Nov 1994 08:49:38 GMT";

HttpStatus statusOf(HttpRequest request) {
  request.method = HttpRequest::Method::get;
  ByteRange range;
  return evaluate(request, file, range);
}

// "200" for all of it, "206 OFFSET+SIZE", "416".
std::string rangeOf(HttpRequest request) {
  if (request.method == HttpRequest::Method::other) request.method = HttpRequest::Method::get;
  ByteRange range;
  const HttpStatus status = evaluate(request, file, range);
  const std::string number(statusText(status).substr(0, 3));
  if (status != HttpStatus::partialContent) return number;
  return number + " " + std::to_string(range.offset) + "+" + std::to_string(range.size);
}

std::string rangeOf(std::string_view text) { return rangeOf(HttpRequest{.range = text}); }

TEST(ConditionsTest, NoneIsAllOfTheFile) {
  ByteRange range;
  EXPECT_EQ(evaluate(HttpRequest{}, file, range), HttpStatus::ok);
  EXPECT_EQ(range.offset, 0u);
  EXPECT_EQ(range.size, 1000u);
}

TEST(ConditionsTest, IfNoneMatchComparesWeakly) {
  for (const char* tags : {"\"e,1\"", "W/\"e,1\"", "*", "\"x\", \"e,1\"", "\"x\",W/\"e,1\" "}) {
    EXPECT_EQ(statusOf({.ifNoneMatch = tags}), HttpStatus::notModified) << tags;
  }
  for (const char* tags : {"\"x\"", "e,1", "\"e", "\"e\", 1\"", ",", "\"", "*, \"x\""}) {
    EXPECT_EQ(statusOf({.ifNoneMatch = tags}), HttpStatus::ok) << tags;
  }
}

TEST(ConditionsTest, IfModifiedSinceCountsWithoutIfNoneMatch) {
  EXPECT_EQ(statusOf({.ifModifiedSince = before}), HttpStatus::ok);
  EXPECT_EQ(statusOf({.ifModifiedSince = then}), HttpStatus::notModified);
  EXPECT_EQ(statusOf({.ifModifiedSince = after}), HttpStatus::notModified);
  EXPECT_EQ(statusOf({.ifModifiedSince = "yesterday"}), HttpStatus::ok);
  EXPECT_EQ(statusOf({.ifNoneMatch = "\"x\"", .ifModifiedSince = after}), HttpStatus::ok);
}

TEST(ConditionsTest, IfMatchComparesStrongly) {
  EXPECT_EQ(statusOf({.ifMatch = "\"e,1\""}), HttpStatus::ok);
  EXPECT_EQ(statusOf({.ifMatch = "*"}), HttpStatus::ok);
  EXPECT_EQ(statusOf({.ifMatch = "W/\"e,1\""}), HttpStatus::preconditionFailed);
  EXPECT_EQ(statusOf({.ifMatch = "\"x\""}), HttpStatus::preconditionFailed);
  EXPECT_EQ(statusOf({.ifMatch = "\"e,1\"", .ifNoneMatch = "*"}), HttpStatus::notModified);
}

TEST(ConditionsTest, IfUnmodifiedSinceCountsWithoutIfMatch) {
  EXPECT_EQ(statusOf({.ifUnmodifiedSince = before}), HttpStatus::preconditionFailed);
  EXPECT_EQ(statusOf({.ifUnmodifiedSince = then}), HttpStatus::ok);
  EXPECT_EQ(statusOf({.ifUnmodifiedSince = "tomorrow"}), HttpStatus::ok);
  EXPECT_EQ(statusOf({.ifMatch = "*", .ifUnmodifiedSince = before}), HttpStatus::ok);
}

TEST(RangeTest, IsAPart) {
  EXPECT_EQ(rangeOf("bytes=0-0"), "206 0+1");
  EXPECT_EQ(rangeOf("bytes=0-999"), "206 0+1000");
  EXPECT_EQ(rangeOf("bytes=10-19"), "206 10+10");
  EXPECT_EQ(rangeOf("bytes=990-"), "206 990+10");
  EXPECT_EQ(rangeOf("bytes=990-5000"), "206 990+10");
  EXPECT_EQ(rangeOf("bytes=-1"), "206 999+1");
  EXPECT_EQ(rangeOf("bytes=-5000"), "206 0+1000");
  EXPECT_EQ(rangeOf("bytes=0-99999999999999999999999"), "206 0+1000");
  EXPECT_EQ(rangeOf("bytes=-99999999999999999999999"), "206 0+1000");
}

TEST(RangeTest, IsRefusedIfNothingIsInIt) {
  EXPECT_EQ(rangeOf("bytes=1000-"), "416");
  EXPECT_EQ(rangeOf("bytes=99999999999999999999999-"), "416");
  EXPECT_EQ(rangeOf("bytes=-0"), "416");
}

TEST(RangeTest, IsNotLookedAtIfItIsNone) {
  for (const char* text :
       {"bytes=", "bytes=-", "bytes=5-4", "bytes=a-b", "bytes=1-2,4-5", "lines=0-1", "bytes 0-1",
        "bytes=0x1-2", "bytes=+1-2", "bytes=--1", "bytes=1-2-3", "5-6"}) {
    EXPECT_EQ(rangeOf(text), "200") << text;
  }
  HttpRequest head{.method = HttpRequest::Method::head, .range = "bytes=0-0"};
  EXPECT_EQ(rangeOf(head), "200");
}

TEST(RangeTest, CountsForTheVersionThatIsMeant) {
  const auto ifRange = [](std::string_view version) {
    return rangeOf(HttpRequest{.range = "bytes=0-0", .ifRange = version});
  };
  EXPECT_EQ(ifRange("\"e,1\""), "206 0+1");
  EXPECT_EQ(ifRange(then), "206 0+1");
  for (const std::string_view other : {std::string_view("\"x\""), std::string_view("W/\"e,1\""),
                                       before, after, std::string_view("e,1")}) {
    EXPECT_EQ(ifRange(other), "200") << other;
  }
}

TEST(RangeTest, ComesAfterTheConditions) {
  EXPECT_EQ(rangeOf(HttpRequest{.range = "bytes=0-0", .ifNoneMatch = "*"}), "304");
  EXPECT_EQ(rangeOf(HttpRequest{.range = "bytes=5000-", .ifMatch = "\"x\""}), "412");
}

}  // namespace
}  // namespace kairos::examples
