// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Downloads at the same time: `http_download [-o DIRECTORY] [--timeout MS] URL...`.
//
// It shows a client library that leaves the waiting to others: curl_adapter.h tells the reactor
// what libcurl waits for. The rest is libcurl as usual.

#include <curl/curl.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <list>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kairos/reactor/examples/arguments.h"
#include "kairos/reactor/examples/curl_adapter.h"
#include "kairos/reactor/reactor.h"

namespace {

using kairos::Reactor;
using kairos::examples::CurlAdapter;
using kairos::examples::CurlTransfer;
using kairos::examples::parseNumber;
using kairos::examples::takeOption;

// A transfer that stands still for this long has failed.
constexpr long stallSecondsMax = 30;

struct Plan {
  std::string directory;  // where to save; empty: nowhere
  long timeoutMs = 0;     // for the whole of a download; 0: as long as it gets on
  std::vector<std::string> urls;
};

// What the downloads have come to.
struct Tally {
  std::size_t running = 0;
  std::size_t failed = 0;
};

// Where the body goes: to a file, or nowhere when `path` is empty.
class Output {
 public:
  explicit Output(std::string path) : path_(std::move(path)) {}

  const std::string& path() const { return path_; }

  // False: the system refused, and errno says why.
  bool write(const char* bytes, std::size_t size) {
    return path_.empty() || (open() && std::fwrite(bytes, 1, size, file_.get()) == size);
  }

  // False as above; what was written is complete if true. An empty body makes an empty file.
  bool finish() { return path_.empty() || (open() && std::fclose(file_.release()) == 0); }

  // Half a file is worse than none.
  void discard() {
    if (!opened_) return;
    file_.reset();
    std::remove(path_.c_str());
  }

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };

  // At the first byte only, so that a download which fails at once leaves an older file alone.
  bool open() {
    if (!std::exchange(opened_, true)) file_.reset(std::fopen(path_.c_str(), "wb"));
    return file_ != nullptr;
  }

  std::string path_;
  bool opened_ = false;
  std::unique_ptr<std::FILE, Close> file_;
};

class Download {
 public:
  Download(std::string url, std::string path, long timeoutMs, Tally& tally);
  ~Download() { curl_easy_cleanup(transfer_.easy); }

  Download(const Download&) = delete;
  Download& operator=(const Download&) = delete;

  void start(CurlAdapter& adapter);

 private:
  static std::size_t onBody(char* bytes, std::size_t one, std::size_t size, void* self);
  static void onDone(void* udata) { static_cast<Download*>(udata)->finish(); }

  void finish();
  void fail(const char* why);

  std::string url_;
  Output output_;
  Tally& tally_;
  CurlTransfer transfer_;
  std::size_t bytes_ = 0;
  int outputError_ = 0;
  std::array<char, CURL_ERROR_SIZE> problem_{};
};

Download::Download(std::string url, std::string path, long timeoutMs, Tally& tally)
    : url_(std::move(url)), output_(std::move(path)), tally_(tally) {
  transfer_.easy = curl_easy_init();
  transfer_.done = {onDone, this};
  CURL* const easy = transfer_.easy;
  curl_easy_setopt(easy, CURLOPT_URL, url_.c_str());
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 1L);
  curl_easy_setopt(easy, CURLOPT_FAILONERROR, 1L);  // 400 and above
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, timeoutMs);
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, stallSecondsMax);
  curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
  curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, stallSecondsMax);
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, problem_.data());
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &onBody);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, this);
}

void Download::start(CurlAdapter& adapter) {
  ++tally_.running;
  const CURLMcode refused = adapter.start(transfer_);
  if (refused != CURLM_OK) fail(curl_multi_strerror(refused));
}

// Any return but `size` ends the transfer.
std::size_t Download::onBody(char* bytes, std::size_t /*one*/, std::size_t size, void* self) {
  auto& download = *static_cast<Download*>(self);
  if (!download.output_.write(bytes, size)) {
    download.outputError_ = errno;
    return 0;
  }
  download.bytes_ += size;
  return size;
}

void Download::finish() {
  if (transfer_.result == CURLE_OK && !output_.finish()) outputError_ = errno;
  if (outputError_ != 0) {
    const auto reason = std::generic_category().message(outputError_);
    return fail(("cannot write " + output_.path() + ": " + reason).c_str());
  }
  if (transfer_.result != CURLE_OK) {
    return fail(problem_[0] != '\0' ? problem_.data() : curl_easy_strerror(transfer_.result));
  }
  long status = 0;
  curl_easy_getinfo(transfer_.easy, CURLINFO_RESPONSE_CODE, &status);
  std::printf("%s: %ld, %zu bytes\n", url_.c_str(), status, bytes_);
  std::fflush(stdout);
  --tally_.running;
}

void Download::fail(const char* why) {
  std::fprintf(stderr, "http_download: %s: %s\n", url_.c_str(), why);
  output_.discard();
  --tally_.running;
  ++tally_.failed;
}

// The last part of the URL's path, "index.html" if that is empty; none when it is no URL.
std::optional<std::string> fileName(const std::string& url) {
  const std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> parsed(curl_url(), &curl_url_cleanup);
  if (curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), CURLU_GUESS_SCHEME) != CURLUE_OK) {
    return std::nullopt;
  }
  char* path = nullptr;
  if (curl_url_get(parsed.get(), CURLUPART_PATH, &path, 0) != CURLUE_OK) return std::nullopt;
  const std::unique_ptr<char, decltype(&curl_free)> owner(path, &curl_free);
  const std::string_view name(std::string_view(path).substr(std::string_view(path).rfind('/') + 1));
  if (name == "." || name == "..") return std::nullopt;
  return name.empty() ? "index.html" : std::string(name);
}

// A path for each URL. None, after a sentence, when one has no name or that of another.
std::optional<std::vector<std::string>> planPaths(const Plan& plan) {
  std::vector<std::string> paths(plan.urls.size());
  std::set<std::string> names;
  for (std::size_t i = 0; i < paths.size() && !plan.directory.empty(); ++i) {
    const auto name = fileName(plan.urls[i]);
    if (!name || !names.insert(*name).second) {
      std::fprintf(stderr, "http_download: %s: %s\n", plan.urls[i].c_str(),
                   name ? "another URL has the same file name" : "not the URL of a file");
      return std::nullopt;
    }
    paths[i] = plan.directory + "/" + *name;
  }
  return paths;
}

int run(const Plan& plan) {
  const auto paths = planPaths(plan);
  if (!paths) return 2;
  Reactor reactor;
  Tally tally;
  CurlAdapter curl(reactor);
  std::list<Download> downloads;
  for (std::size_t i = 0; i < plan.urls.size(); ++i) {
    downloads.emplace_back(plan.urls[i], (*paths)[i], plan.timeoutMs, tally).start(curl);
  }
  while (tally.running > 0) {
    if (const auto error = reactor.poll(Reactor::forever).error) {
      std::fprintf(stderr, "http_download: poll: %s\n", error.message().c_str());
      return 1;
    }
  }
  return tally.failed == 0 ? 0 : 1;
}

// None when the words make no sense.
std::optional<Plan> parsePlan(std::vector<std::string> words) {
  Plan plan;
  for (;;) {
    if (const auto directory = takeOption(words, "-o")) {
      plan.directory = *directory;
    } else if (const auto timeout = takeOption(words, "--timeout")) {
      plan.timeoutMs = parseNumber<long>(*timeout, 1).value_or(0);
      if (plan.timeoutMs == 0) return std::nullopt;
    } else {
      break;
    }
  }
  if (words.empty() || words.front().starts_with('-')) return std::nullopt;
  plan.urls = std::move(words);
  return plan;
}

}  // namespace

int main(int argc, char** argv) {
  const auto plan = parsePlan({argv + 1, argv + argc});
  if (!plan) {
    std::fprintf(stderr, "usage: %s [-o DIRECTORY] [--timeout MS] URL...\n", argv[0]);
    return 2;
  }
  if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) return 1;
  const int exitCode = run(*plan);
  curl_global_cleanup();
  return exitCode;
}
