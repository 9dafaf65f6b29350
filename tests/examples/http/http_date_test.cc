// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/transports/examples/http/http_date.h"

#include <gtest/gtest.h>

#include <ctime>
#include <limits>
#include <string>

namespace kairos::examples {
namespace {

constexpr std::time_t aSecond = 784111777;  // the example of RFC 9110

template <typename Text>
std::string text(const Text& date) {
  return {date.data(), date.size()};
}

TEST(HttpDateTest, IsWrittenAsTheStandardHasIt) {
  EXPECT_EQ(text(formatHttpDate(aSecond)), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(text(formatHttpDate(0)), "Thu, 01 Jan 1970 00:00:00 GMT");
  EXPECT_EQ(text(formatLogDate(aSecond)), "06/Nov/1994:08:49:37 +0000");
}

TEST(HttpDateTest, NeverTakesMoreThanItsRoom) {
  constexpr auto farAway = std::numeric_limits<std::time_t>::max();
  EXPECT_EQ(text(formatHttpDate(farAway)), "Fri, 31 Dec 9999 23:59:59 GMT");
  EXPECT_EQ(text(formatHttpDate(-5)), "Thu, 01 Jan 1970 00:00:00 GMT");
}

TEST(HttpDateTest, IsReadInItsThreeForms) {
  EXPECT_EQ(parseHttpDate("Sun, 06 Nov 1994 08:49:37 GMT"), aSecond);
  EXPECT_EQ(parseHttpDate("Sunday, 06-Nov-94 08:49:37 GMT"), aSecond);
  EXPECT_EQ(parseHttpDate("Sun Nov  6 08:49:37 1994"), aSecond);
  EXPECT_EQ(parseHttpDate("Wed Nov 16 08:49:37 1994"), aSecond + 10 * 86400);
}

TEST(HttpDateTest, IsReadBackAsItWasWritten) {
  for (std::time_t time = 0; time < 4102444800; time += 86400 * 13 + 7919) {
    const HttpDate date = formatHttpDate(time);
    EXPECT_EQ(parseHttpDate({date.data(), date.size()}), time);
  }
}

TEST(HttpDateTest, IsNothingElse) {
  for (const char* words :
       {"", "now", "784111777", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 GMT ",
        "Sun, 06 Nov 1994 08:49:37 UTC", "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sun, 06 nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:49:37 GMT",
        "Sun, 00 Nov 1994 08:49:37 GMT", "Sun, 06 Nov -994 08:49:37 GMT",
        "Sun, 06-Nov-94 08:49:37 GMT", "Sun Nov 6 08:49:37 1994", "Sun, 06 Nov 1994 08:49"}) {
    EXPECT_EQ(parseHttpDate(words), std::nullopt) << words;
  }
}

TEST(DateCacheTest, TellsThePresent) {
  DateCache cache;
  const std::time_t before = std::time(nullptr);
  const auto told = parseHttpDate(cache.httpDate());
  EXPECT_GE(told, before);
  EXPECT_LE(told, std::time(nullptr));
  EXPECT_EQ(cache.logDate().size(), LogDate{}.size());
}

}  // namespace
}  // namespace kairos::examples
