// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TRANSPORTS_EXAMPLES_HTTP_HTTP_DATE_H_
#define KAIROS_TRANSPORTS_EXAMPLES_HTTP_HTTP_DATE_H_

#include <array>
#include <cstddef>
#include <ctime>
#include <optional>
#include <string_view>

namespace kairos::examples {

// "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110, 5.6.7). Seconds beyond the year 9999 become its last.
using HttpDate = std::array<char, 29>;
HttpDate formatHttpDate(std::time_t time);

// "06/Nov/1994:08:49:37 +0000", as access logs have it.
using LogDate = std::array<char, 26>;
LogDate formatLogDate(std::time_t time);

// Reads that form and the two obsolete ones, "Sunday, 06-Nov-94 08:49:37 GMT" and
// "Sun Nov  6 08:49:37 1994", and nothing that merely resembles them.
std::optional<std::time_t> parseHttpDate(std::string_view text);

// The present second as text, which is made once a second.
class DateCache {
 public:
  std::string_view httpDate();
  std::string_view logDate();

 private:
  void refresh();

  std::time_t second_ = -1;
  HttpDate httpDate_{};
  LogDate logDate_{};
};

}  // namespace kairos::examples

#endif  // KAIROS_TRANSPORTS_EXAMPLES_HTTP_HTTP_DATE_H_
