// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/transports/examples/http/http_request.h"

#include <http_parser.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>

namespace kairos::examples {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool equalsIgnoringCase(std::string_view text, std::string_view lowerCase) {
  return std::equal(text.begin(), text.end(), lowerCase.begin(), lowerCase.end(),
                    [](char a, char b) { return lower(a) == b; });
}

struct KnownField {
  std::string_view name;  // in lower case
  std::string_view HttpRequest::*place;
};

constexpr std::array<KnownField, 6> knownFields = {{
    {"range", &HttpRequest::range},
    {"if-match", &HttpRequest::ifMatch},
    {"if-none-match", &HttpRequest::ifNoneMatch},
    {"if-modified-since", &HttpRequest::ifModifiedSince},
    {"if-unmodified-since", &HttpRequest::ifUnmodifiedSince},
    {"if-range", &HttpRequest::ifRange},
}};

// What http_parser(3) tells, in pieces that lie side by side in the head.
struct Reading {
  HttpRequest& request;
  std::string_view name = {};
  std::string_view value = {};
  bool isInValue = false;
  bool isWhole = false;
  std::size_t fields = 0;
  int hosts = 0;
  HttpStatus problem = HttpStatus::ok;

  void fieldIsWhole();
  void headIsWhole(const http_parser& parser);
};

Reading& readingOf(http_parser* parser) { return *static_cast<Reading*>(parser->data); }

void extend(std::string_view& part, const char* at, std::size_t size) {
  const char* const begin = part.empty() ? at : part.data();
  part = {begin, static_cast<std::size_t>(at + size - begin)};
}

void Reading::fieldIsWhole() {
  ++fields;
  if (name.find(' ') != name.npos) problem = HttpStatus::badRequest;
  value = value.substr(0, value.find_last_not_of(" \t") + 1);
  if (equalsIgnoringCase(name, "host")) {
    ++hosts;
  } else if (equalsIgnoringCase(name, "expect")) {
    request.expectsContinue = equalsIgnoringCase(value, "100-continue");
    if (!request.expectsContinue) problem = HttpStatus::expectationFailed;
  } else {
    for (const KnownField& field : knownFields) {
      std::string_view& place = request.*field.place;
      if (place.empty() && equalsIgnoringCase(name, field.name)) place = value;
    }
  }
  name = value = {};
  isInValue = false;
}

void Reading::headIsWhole(const http_parser& parser) {
  constexpr auto unknownSize = std::numeric_limits<std::uint64_t>::max();
  if (isInValue) fieldIsWhole();
  isWhole = true;
  if (parser.method == HTTP_GET) request.method = HttpRequest::Method::get;
  if (parser.method == HTTP_HEAD) request.method = HttpRequest::Method::head;
  request.isHttp10 = parser.http_major == 1 && parser.http_minor == 0;
  request.keepsAlive = http_should_keep_alive(&parser) != 0;
  request.bodyBytes = parser.content_length == unknownSize ? 0 : parser.content_length;
  if (parser.http_major != 1) {
    problem = HttpStatus::versionNotSupported;
  } else if (hosts > 1 || (hosts == 0 && !request.isHttp10)) {
    problem = HttpStatus::badRequest;
  } else if ((parser.flags & F_CHUNKED) != 0 || parser.uses_transfer_encoding != 0) {
    problem = HttpStatus::lengthRequired;
  }
}

int onTarget(http_parser* parser, const char* at, std::size_t size) {
  extend(readingOf(parser).request.target, at, size);
  return 0;
}

int onName(http_parser* parser, const char* at, std::size_t size) {
  Reading& reading = readingOf(parser);
  if (reading.isInValue) reading.fieldIsWhole();
  if (reading.fields == HttpRequest::fieldsMax) {
    reading.problem = HttpStatus::fieldsTooLarge;
    return 1;
  }
  extend(reading.name, at, size);
  return 0;
}

int onValue(http_parser* parser, const char* at, std::size_t size) {
  Reading& reading = readingOf(parser);
  reading.isInValue = true;
  extend(reading.value, at, size);
  return 0;
}

// One: what follows is not for the parser.
int onHead(http_parser* parser) {
  readingOf(parser).headIsWhole(*parser);
  return 1;
}

http_parser_settings makeSettings() {
  http_parser_settings settings;
  http_parser_settings_init(&settings);
  settings.on_url = onTarget;
  settings.on_header_field = onName;
  settings.on_header_value = onValue;
  settings.on_headers_complete = onHead;
  return settings;
}

HttpStatus statusOf(http_errno error) {
  switch (error) {
    case HPE_INVALID_METHOD:
      return HttpStatus::notImplemented;
    case HPE_INVALID_VERSION:
      return HttpStatus::versionNotSupported;
    case HPE_HEADER_OVERFLOW:
      return HttpStatus::fieldsTooLarge;
    default:
      return HttpStatus::badRequest;
  }
}

// What the parser does not check, as Debian builds it; nor does it check names of fields. A field
// that goes on in the next line is for no server (RFC 9112, 5.2).
bool isStrict(std::string_view head, std::string_view target) {
  const std::size_t version = static_cast<std::size_t>(target.data() - head.data()) + target.size();
  return head.substr(version, 6) == " HTTP/" && head.find('\0') == head.npos &&
         head.find("\n ") == head.npos && head.find("\n\t") == head.npos;
}

std::string_view withoutEmptyLines(std::string_view bytes) {
  return bytes.substr(std::min(bytes.find_first_not_of("\r\n"), bytes.size()));
}

}  // namespace

// An empty line before a request is no end (RFC 9112, 2.2).
std::size_t findHeadEnd(std::string_view bytes, std::size_t& scanned) {
  scanned = std::max(scanned, bytes.size() - withoutEmptyLines(bytes).size());
  while (scanned < bytes.size()) {
    const void* const found = std::memchr(bytes.data() + scanned, '\n', bytes.size() - scanned);
    if (found == nullptr) {
      scanned = bytes.size();
      break;
    }
    const auto next = static_cast<std::size_t>(static_cast<const char*>(found) - bytes.data()) + 1;
    const std::string_view rest = bytes.substr(next, 2);
    if (rest == "\r\n") return next + 2;
    if (rest.substr(0, 1) == "\n") return next + 1;
    // What follows this line feed is not known yet.
    if (rest.empty() || rest == "\r") {
      scanned = next - 1;
      break;
    }
    scanned = next;
  }
  return 0;
}

bool looksLikeHead(std::string_view bytes) {
  const std::string_view begin = withoutEmptyLines(bytes);
  return begin.empty() || (begin.front() >= 'A' && begin.front() <= 'Z');
}

HttpStatus parseRequest(std::string_view head, HttpRequest& request) {
  static const http_parser_settings settings = makeSettings();
  Reading reading{.request = request};
  http_parser parser;
  http_parser_init(&parser, HTTP_REQUEST);
  parser.data = &reading;
  const std::size_t parsed = http_parser_execute(&parser, &settings, head.data(), head.size());
  if (reading.problem != HttpStatus::ok) return reading.problem;
  const http_errno error = HTTP_PARSER_ERRNO(&parser);
  if (error != HPE_OK) return statusOf(error);
  const bool isSound = reading.isWhole && parsed == head.size() && isStrict(head, request.target);
  return isSound ? HttpStatus::ok : HttpStatus::badRequest;
}

}  // namespace kairos::examples
