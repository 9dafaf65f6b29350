// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/transports/examples/http/content_types.h"

#include <algorithm>
#include <array>
#include <cstddef>

namespace kairos::examples {
namespace {

struct Row {
  std::string_view extension;
  std::string_view type;
};

// In the order of the extensions.
constexpr std::array rows = {
    Row{"7z", "application/x-7z-compressed"},
    Row{"aac", "audio/aac"},
    Row{"avif", "image/avif"},
    Row{"bmp", "image/bmp"},
    Row{"bz2", "application/x-bzip2"},
    Row{"c", "text/plain; charset=utf-8"},
    Row{"cc", "text/plain; charset=utf-8"},
    Row{"conf", "text/plain; charset=utf-8"},
    Row{"cpp", "text/plain; charset=utf-8"},
    Row{"css", "text/css; charset=utf-8"},
    Row{"csv", "text/csv; charset=utf-8"},
    Row{"epub", "application/epub+zip"},
    Row{"flac", "audio/flac"},
    Row{"gif", "image/gif"},
    Row{"gz", "application/gzip"},
    Row{"h", "text/plain; charset=utf-8"},
    Row{"htm", "text/html; charset=utf-8"},
    Row{"html", "text/html; charset=utf-8"},
    Row{"ico", "image/vnd.microsoft.icon"},
    Row{"ics", "text/calendar; charset=utf-8"},
    Row{"jpeg", "image/jpeg"},
    Row{"jpg", "image/jpeg"},
    Row{"js", "text/javascript; charset=utf-8"},
    Row{"json", "application/json"},
    Row{"log", "text/plain; charset=utf-8"},
    Row{"m4a", "audio/mp4"},
    Row{"m4v", "video/mp4"},
    Row{"md", "text/markdown; charset=utf-8"},
    Row{"mjs", "text/javascript; charset=utf-8"},
    Row{"mkv", "video/x-matroska"},
    Row{"mov", "video/quicktime"},
    Row{"mp3", "audio/mpeg"},
    Row{"mp4", "video/mp4"},
    Row{"ogg", "audio/ogg"},
    Row{"opus", "audio/ogg"},
    Row{"otf", "font/otf"},
    Row{"pdf", "application/pdf"},
    Row{"png", "image/png"},
    Row{"py", "text/plain; charset=utf-8"},
    Row{"rss", "application/rss+xml"},
    Row{"rtf", "application/rtf"},
    Row{"sh", "text/plain; charset=utf-8"},
    Row{"svg", "image/svg+xml"},
    Row{"tar", "application/x-tar"},
    Row{"tif", "image/tiff"},
    Row{"tiff", "image/tiff"},
    Row{"ttf", "font/ttf"},
    Row{"txt", "text/plain; charset=utf-8"},
    Row{"vtt", "text/vtt; charset=utf-8"},
    Row{"wasm", "application/wasm"},
    Row{"wav", "audio/wav"},
    Row{"weba", "audio/webm"},
    Row{"webm", "video/webm"},
    Row{"webmanifest", "application/manifest+json"},
    Row{"webp", "image/webp"},
    Row{"woff", "font/woff"},
    Row{"woff2", "font/woff2"},
    Row{"xhtml", "application/xhtml+xml"},
    Row{"xml", "application/xml"},
    Row{"xz", "application/x-xz"},
    Row{"yaml", "application/yaml"},
    Row{"yml", "application/yaml"},
    Row{"zip", "application/zip"},
    Row{"zst", "application/zstd"},
};

constexpr bool inOrder(const Row& a, const Row& b) { return a.extension < b.extension; }
static_assert(std::is_sorted(rows.begin(), rows.end(), inOrder));

constexpr std::size_t extensionSizeMax = 16;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

}  // namespace

std::string_view contentTypeOf(std::string_view file) {
  constexpr std::string_view unknown = "application/octet-stream";
  const std::string_view name = file.substr(file.rfind('/') + 1);
  const std::size_t dot = name.rfind('.');
  if (dot == name.npos || name.size() - dot > extensionSizeMax) return unknown;
  std::array<char, extensionSizeMax> buffer{};
  const auto end = std::transform(name.begin() + dot + 1, name.end(), buffer.begin(), lower);
  const std::string_view extension(buffer.data(), static_cast<std::size_t>(end - buffer.begin()));
  const auto row = std::lower_bound(rows.begin(), rows.end(), Row{extension, {}}, inOrder);
  return row != rows.end() && row->extension == extension ? row->type : unknown;
}

}  // namespace kairos::examples
