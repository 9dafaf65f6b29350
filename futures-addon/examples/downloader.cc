// SPDX-License-Identifier: MIT OR Apache-2.0
// Downloads at the same time, with a limit for all together and one of time for each:
// `downloader [--rate BYTES_PER_SECOND] [--timeout MS] http://127.0.0.1:8080/file...`
//
// It shows a protocol written down as it is spoken: lines, then a body of a known size. Hosts are
// addresses. What a server sends too slowly, or wrongly, fails alone.

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kairos/futures-addon/future.h"
#include "kairos/futures-addon/loop.h"
#include "kairos/futures-addon/timeout.h"
#include "kairos/futures-addon/token_bucket.h"
#include "kairos/futures-addon/transports.h"
#include "kairos/reactor/examples/arguments.h"

namespace {

using kairos::Future;
using kairos::StreamTransport;
using kairos::examples::parseNumber;
using kairos::examples::takeOption;

struct Url {
  std::string host;  // with the port
  std::string path;
};

std::optional<Url> parseUrl(std::string_view text) {
  constexpr std::string_view scheme = "http://";
  if (!text.starts_with(scheme)) return std::nullopt;
  text.remove_prefix(scheme.size());
  const std::size_t slash = std::min(text.find('/'), text.size());
  const std::string path(text.substr(slash));
  return Url{std::string(text.substr(0, slash)), path.empty() ? "/" : path};
}

struct Downloads {
  Downloads(std::size_t rate, kairos::Clock::duration limitOfEach)
      : bytes(loop.futureContext(), {.capacity = rate, .period = std::chrono::seconds(1)}),
        limit(limitOfEach) {}

  kairos::Loop loop;
  kairos::TokenBucket bytes;
  const kairos::Clock::duration limit;

  kairos::FutureContext& futureContext() { return loop.futureContext(); }
};

// The line, of what has not ended yet.
Future<std::string> headerLine(Downloads&, StreamTransport& stream) {
  const auto line = co_await kairos::readLine(stream, {.limit = 8192});
  if (!line) throw std::runtime_error("the server has hung up");
  co_return std::string(*line);
}

// Until the empty line; gives the length of the body, if it is told.
Future<std::optional<std::size_t>> readHeaders(Downloads& downloads, StreamTransport& stream) {
  const std::string status = co_await headerLine(downloads, stream);
  if (status.find(" 200 ") == std::string::npos) throw std::runtime_error(status);
  std::optional<std::size_t> length;
  for (;;) {
    const std::string line = co_await headerLine(downloads, stream);
    if (line.empty()) co_return length;
    constexpr std::string_view name = "Content-Length: ";
    if (line.starts_with(name)) length = parseNumber<std::size_t>(line.substr(name.size()), 0);
  }
}

// Before the next is read, what was read has to be within the rate.
Future<std::size_t> readBody(Downloads& downloads, StreamTransport& stream,
                             std::optional<std::size_t> length) {
  std::size_t size = 0;
  while (!length || size < *length) {
    const auto data = co_await kairos::readOnce(stream);
    if (!data) break;
    size += data->size();
    co_await downloads.bytes.consume(data->size());
  }
  if (length && size != *length) throw std::runtime_error("the body has another size");
  co_return size;
}

Future<std::size_t> download(Downloads& downloads, const Url& url) {
  kairos::Address address;
  if (kairos::Address::parse(url.host, address)) throw std::runtime_error("not an address");
  StreamTransport stream = co_await kairos::connect(downloads.loop.transportContext(), address);
  co_await kairos::writeOwned(stream, "GET " + url.path + " HTTP/1.1\r\nHost: " + url.host +
                                          "\r\nConnection: close\r\n\r\n");
  const auto length = co_await readHeaders(downloads, stream);
  co_return co_await readBody(downloads, stream, length);
}

// False: it has failed, which is told.
Future<bool> tryToDownload(Downloads& downloads, const std::string& text, const Url& url) {
  try {
    const std::size_t size = co_await kairos::wait(download(downloads, url), downloads.limit);
    std::printf("%s: %zu bytes\n", text.c_str(), size);
    co_return true;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s: %s\n", text.c_str(), error.what());
    co_return false;
  }
}

Future<bool> downloadAll(Downloads& downloads, const std::vector<std::string>& texts,
                         const std::vector<Url>& urls) {
  std::vector<Future<bool>> all;
  for (std::size_t i = 0; i < urls.size(); ++i) {
    all.push_back(tryToDownload(downloads, texts[i], urls[i]));
  }
  bool areDone = true;
  for (Future<bool>& each : all) areDone = co_await each && areDone;
  co_return areDone;
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> words(argv + 1, argv + argc);
  const auto rate = parseNumber<std::size_t>(takeOption(words, "--rate").value_or("1000000000"), 1);
  const auto limit = parseNumber<int>(takeOption(words, "--timeout").value_or("30000"), 1);
  std::vector<Url> urls;
  for (const std::string& word : words) {
    if (auto url = parseUrl(word)) urls.push_back(std::move(*url));
  }
  if (!rate || !limit || urls.empty() || urls.size() != words.size()) {
    std::fprintf(stderr, "usage: %s [--rate BYTES_PER_SECOND] [--timeout MS] URL...\n", argv[0]);
    return 2;
  }
  Downloads downloads(*rate, std::chrono::milliseconds(*limit));
  return downloads.loop.waitFor(downloadAll(downloads, words, urls)) ? 0 : 1;
}
