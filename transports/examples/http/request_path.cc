// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/transports/examples/http/request_path.h"

#include <algorithm>
#include <cctype>
#include <cstddef>

namespace kairos::examples {
namespace {

int hexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

// The byte that an escape at the front stands for; -1: it is none, or one that no name can have.
int decodeEscape(std::string_view escape) {
  if (escape.size() < 3) return -1;
  const int high = hexDigit(escape[1]);
  const int low = hexDigit(escape[2]);
  if (high < 0 || low < 0) return -1;
  const int byte = high * 16 + low;
  return byte == 0 || byte == '/' ? -1 : byte;
}

HttpStatus checkName(std::string_view name, bool isLast) {
  if (name.empty()) return isLast ? HttpStatus::ok : HttpStatus::notFound;
  if (name == "." || name == "..") return HttpStatus::badRequest;
  return name.front() == '.' && name != ".well-known" ? HttpStatus::notFound : HttpStatus::ok;
}

HttpStatus checkNames(std::string_view file) {
  for (;;) {
    const std::size_t slash = file.find('/');
    const bool isLast = slash == file.npos;
    const HttpStatus status = checkName(file.substr(0, slash), isLast);
    if (status != HttpStatus::ok || isLast) return status;
    file.remove_prefix(slash + 1);
  }
}

bool isUnreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

// What is not to be there unescaped (RFC 3986).
bool hasForeignByte(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return c <= ' ' || c >= 0x7f || c == '#'; });
}

}  // namespace

HttpStatus splitTarget(std::string_view text, RequestTarget& target) {
  if (text.substr(0, 7) == "http://") {
    const std::size_t end = text.find_first_of("/?", 7);
    text = end == text.npos ? "/" : text.substr(end);
  }
  if (text.substr(0, 1) != "/" || hasForeignByte(text)) return HttpStatus::badRequest;
  const std::size_t question = text.find('?');
  target.path = text.substr(0, question);
  target.query = question == text.npos ? std::string_view() : text.substr(question);
  return HttpStatus::ok;
}

HttpStatus decodePath(std::string_view path, std::string& file) {
  file.clear();
  for (std::size_t i = 1; i < path.size(); ++i) {
    if (path[i] != '%') {
      file += path[i];
      continue;
    }
    const int byte = decodeEscape(path.substr(i, 3));
    if (byte < 0) return HttpStatus::badRequest;
    file += static_cast<char>(byte);
    i += 2;
  }
  return checkNames(file);
}

std::string percentEncode(std::string_view name) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string encoded;
  for (const char c : name) {
    if (isUnreserved(c)) {
      encoded += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    encoded += '%';
    encoded += digits[byte / 16];
    encoded += digits[byte % 16];
  }
  return encoded;
}

std::string htmlEscape(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      case '\'':
        escaped += "&#39;";
        break;
      default:
        escaped += std::iscntrl(static_cast<unsigned char>(c)) != 0 ? '?' : c;
    }
  }
  return escaped;
}

}  // namespace kairos::examples
