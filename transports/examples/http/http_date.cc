// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/transports/examples/http/http_date.h"

#include <algorithm>
#include <charconv>
#include <string_view>

namespace kairos::examples {
namespace {

constexpr std::array<std::string_view, 7> days = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 7> longDays = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                      "Thursday", "Friday", "Saturday"};
constexpr std::array<std::string_view, 12> months = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

constexpr std::time_t lastSecond = 253402300799;  // of the year 9999

std::tm brokenDown(std::time_t time) {
  time = std::clamp<std::time_t>(time, 0, lastSecond);
  std::tm parts{};
  ::gmtime_r(&time, &parts);
  return parts;
}

// Writes text of a known size, piece by piece.
class Pen {
 public:
  explicit Pen(char* to) : to_(to) {}

  Pen& text(std::string_view text) {
    to_ = std::copy(text.begin(), text.end(), to_);
    return *this;
  }
  Pen& number(int value, int digits) {
    for (int i = digits; i-- > 0; value /= 10) to_[i] = static_cast<char>('0' + value % 10);
    to_ += digits;
    return *this;
  }
  Pen& clock(const std::tm& parts) {
    return number(parts.tm_hour, 2)
        .text(":")
        .number(parts.tm_min, 2)
        .text(":")
        .number(parts.tm_sec, 2);
  }

 private:
  char* to_;
};

// Reads from the front; once something was not as expected, all that follows fails too.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}

  bool isDone() const { return good_ && rest_.empty(); }

  Scanner& text(std::string_view expected) {
    good_ = good_ && rest_.substr(0, expected.size()) == expected;
    if (good_) rest_.remove_prefix(expected.size());
    return *this;
  }

  Scanner& number(int& value, std::size_t digits) {
    const std::string_view field = rest_.substr(0, digits);
    const char* const end = field.data() + field.size();
    good_ = good_ && field.size() == digits && field[0] != '-' &&
            std::from_chars(field.data(), end, value).ptr == end;
    if (good_) rest_.remove_prefix(digits);
    return *this;
  }

  // With a space instead of a leading zero.
  Scanner& paddedNumber(int& value) {
    return rest_.substr(0, 1) == " " ? text(" ").number(value, 1) : number(value, 2);
  }

  template <std::size_t count>
  Scanner& oneOf(const std::array<std::string_view, count>& words, int& index) {
    const auto found = std::find_if(words.begin(), words.end(), [this](std::string_view word) {
      return rest_.substr(0, word.size()) == word;
    });
    good_ = good_ && found != words.end();
    if (!good_) return *this;
    index = static_cast<int>(found - words.begin());
    return text(*found);
  }

  Scanner& clock(std::tm& parts) {
    return number(parts.tm_hour, 2)
        .text(":")
        .number(parts.tm_min, 2)
        .text(":")
        .number(parts.tm_sec, 2);
  }

 private:
  std::string_view rest_;
  bool good_ = true;
};

bool scanPresent(std::string_view text, std::tm& parts) {
  Scanner scanner(text);
  scanner.oneOf(days, parts.tm_wday).text(", ").number(parts.tm_mday, 2).text(" ");
  scanner.oneOf(months, parts.tm_mon).text(" ").number(parts.tm_year, 4).text(" ");
  return scanner.clock(parts).text(" GMT").isDone();
}

// Two digits of a year that seem to be more than 50 years ahead are of the past (RFC 9110).
bool scanRfc850(std::string_view text, std::tm& parts) {
  Scanner scanner(text);
  scanner.oneOf(longDays, parts.tm_wday).text(", ").number(parts.tm_mday, 2).text("-");
  scanner.oneOf(months, parts.tm_mon).text("-").number(parts.tm_year, 2).text(" ");
  const int thisYear = brokenDown(std::time(nullptr)).tm_year + 1900;
  parts.tm_year += thisYear - thisYear % 100;
  if (parts.tm_year > thisYear + 50) parts.tm_year -= 100;
  return scanner.clock(parts).text(" GMT").isDone();
}

bool scanAsctime(std::string_view text, std::tm& parts) {
  Scanner scanner(text);
  scanner.oneOf(days, parts.tm_wday).text(" ").oneOf(months, parts.tm_mon).text(" ");
  scanner.paddedNumber(parts.tm_mday).text(" ");
  return scanner.clock(parts).text(" ").number(parts.tm_year, 4).isDone();
}

}  // namespace

HttpDate formatHttpDate(std::time_t time) {
  const std::tm parts = brokenDown(time);
  HttpDate date{};
  Pen pen(date.data());
  pen.text(days[static_cast<std::size_t>(parts.tm_wday)]).text(", ").number(parts.tm_mday, 2);
  pen.text(" ").text(months[static_cast<std::size_t>(parts.tm_mon)]).text(" ");
  pen.number(parts.tm_year + 1900, 4).text(" ").clock(parts).text(" GMT");
  return date;
}

LogDate formatLogDate(std::time_t time) {
  const std::tm parts = brokenDown(time);
  LogDate date{};
  Pen pen(date.data());
  pen.number(parts.tm_mday, 2).text("/").text(months[static_cast<std::size_t>(parts.tm_mon)]);
  pen.text("/").number(parts.tm_year + 1900, 4).text(":").clock(parts).text(" +0000");
  return date;
}

std::optional<std::time_t> parseHttpDate(std::string_view text) {
  std::tm parts{};
  if (!scanPresent(text, parts) && !scanRfc850(text, parts) && !scanAsctime(text, parts)) {
    return std::nullopt;
  }
  if (parts.tm_mday < 1 || parts.tm_mday > 31 || parts.tm_hour > 23 || parts.tm_min > 59 ||
      parts.tm_sec > 60) {
    return std::nullopt;
  }
  parts.tm_year -= 1900;
  return ::timegm(&parts);
}

std::string_view DateCache::httpDate() {
  refresh();
  return {httpDate_.data(), httpDate_.size()};
}

std::string_view DateCache::logDate() {
  refresh();
  return {logDate_.data(), logDate_.size()};
}

void DateCache::refresh() {
  const std::time_t now = std::time(nullptr);
  if (now == second_) return;
  second_ = now;
  httpDate_ = formatHttpDate(now);
  logDate_ = formatLogDate(now);
}

}  // namespace kairos::examples
