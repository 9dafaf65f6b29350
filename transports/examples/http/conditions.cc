// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/transports/examples/http/conditions.h"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <optional>

#include "kairos/transports/examples/http/http_date.h"

namespace kairos::examples {
namespace {

enum class Comparison { strong, weak };

std::string_view trim(std::string_view text) {
  const std::size_t begin = std::min(text.find_first_not_of(" \t"), text.size());
  text.remove_prefix(begin);
  return text.substr(0, text.find_last_not_of(" \t") + 1);
}

// Takes one entity tag, or what stands in its place, from the front of a list. A comma may be in
// the quotes of a tag.
std::string_view takeTag(std::string_view& list) {
  const std::size_t open = list.find_first_of("\",");
  std::size_t end = open;
  if (open != list.npos && list[open] == '"') {
    const std::size_t close = list.find('"', open + 1);
    end = close == list.npos ? close : list.find(',', close);
  }
  const std::string_view tag = trim(list.substr(0, end));
  list = end == list.npos ? std::string_view() : list.substr(end + 1);
  return tag;
}

bool matches(std::string_view tag, std::string_view etag, Comparison comparison) {
  if (comparison == Comparison::weak && tag.substr(0, 2) == "W/") tag.remove_prefix(2);
  return tag == etag;
}

bool listMatches(std::string_view list, std::string_view etag, Comparison comparison) {
  if (trim(list) == "*") return true;
  while (!list.empty()) {
    if (matches(takeTag(list), etag, comparison)) return true;
  }
  return false;
}

// A file without an earlier date than `since`; `otherwise` if that is no date.
bool isUnmodifiedSince(const FileVersion& file, std::string_view since, bool otherwise) {
  const auto date = parseHttpDate(since);
  return date ? file.modified <= *date : otherwise;
}

HttpStatus checkPreconditions(const HttpRequest& request, const FileVersion& file) {
  if (!request.ifMatch.empty()) {
    if (!listMatches(request.ifMatch, file.etag, Comparison::strong)) {
      return HttpStatus::preconditionFailed;
    }
  } else if (!request.ifUnmodifiedSince.empty()) {
    if (!isUnmodifiedSince(file, request.ifUnmodifiedSince, true)) {
      return HttpStatus::preconditionFailed;
    }
  }
  if (!request.ifNoneMatch.empty()) {
    if (listMatches(request.ifNoneMatch, file.etag, Comparison::weak)) {
      return HttpStatus::notModified;
    }
  } else if (!request.ifModifiedSince.empty()) {
    if (isUnmodifiedSince(file, request.ifModifiedSince, false)) return HttpStatus::notModified;
  }
  return HttpStatus::ok;
}

// A range counts if it is of the version that the client has a part of already.
bool rangeCounts(const HttpRequest& request, const FileVersion& file) {
  if (request.range.empty() || request.method != HttpRequest::Method::get) return false;
  if (request.ifRange.empty()) return true;
  if (request.ifRange.find('"') != request.ifRange.npos) return request.ifRange == file.etag;
  const auto date = parseHttpDate(request.ifRange);
  return date && *date == file.modified;
}

// Digits alone; none if there are other characters, or no digit. What is too large is all the same.
std::optional<std::uint64_t> parseNumber(std::string_view text) {
  std::uint64_t number = 0;
  if (text.empty() || text.find_first_not_of("0123456789") != text.npos) return std::nullopt;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), number);
  return result.ec == std::errc() ? number : UINT64_MAX;
}

// "bytes=FIRST-LAST", "bytes=FIRST-", "bytes=-SUFFIX".
HttpStatus applyRange(std::string_view text, const FileVersion& file, ByteRange& range) {
  constexpr std::string_view unit = "bytes=";
  const bool isOne = text.substr(0, unit.size()) == unit && text.find(',') == text.npos;
  const std::size_t dash = text.find('-');
  if (!isOne || dash == text.npos) return HttpStatus::ok;
  const std::string_view firstText = trim(text.substr(unit.size(), dash - unit.size()));
  const std::string_view lastText = trim(text.substr(dash + 1));
  const auto first = parseNumber(firstText);
  const auto last = parseNumber(lastText);
  const bool isSuffix = firstText.empty() && last;
  const bool isFromFirst = first && (last ? *first <= *last : lastText.empty());
  if (!isSuffix && !isFromFirst) return HttpStatus::ok;
  if (isSuffix) {
    range.size = std::min(*last, file.size);
    range.offset = file.size - range.size;
  } else if (*first < file.size) {
    range.offset = *first;
    range.size = last ? std::min(*last, file.size - 1) - *first + 1 : file.size - *first;
  } else {
    range.size = 0;
  }
  return range.size > 0 ? HttpStatus::partialContent : HttpStatus::rangeNotSatisfiable;
}

}  // namespace

HttpStatus evaluate(const HttpRequest& request, const FileVersion& file, ByteRange& range) {
  range = {0, file.size};
  const HttpStatus status = checkPreconditions(request, file);
  if (status != HttpStatus::ok || !rangeCounts(request, file)) return status;
  return applyRange(request.range, file, range);
}

}  // namespace kairos::examples
