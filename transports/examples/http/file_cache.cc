// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/transports/examples/http/file_cache.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <ctime>
#include <utility>

#include "kairos/transports/examples/http/coarse_clock.h"
#include "kairos/transports/examples/http/content_types.h"
#include "kairos/transports/examples/http/http_date.h"
#include "kairos/transports/examples/http/request_path.h"

namespace kairos::examples {
namespace {

constexpr std::string_view indexName = "index.html";

template <typename Number>
std::string hexadecimal(Number number) {
  std::array<char, 2 * sizeof number> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number, 16).ptr;
  return {digits.data(), end};
}

template <typename Number>
std::uint64_t asUnsigned(Number number) {
  return static_cast<std::uint64_t>(number);
}

// Different for each content, as far as the file system's clock tells.
std::string etagOf(const struct stat& status) {
  return '"' + hexadecimal(asUnsigned(status.st_mtim.tv_sec)) + '.' +
         hexadecimal(asUnsigned(status.st_mtim.tv_nsec)) + '-' +
         hexadecimal(asUnsigned(status.st_size)) + '"';
}

bool isSameTime(const timespec& a, const timespec& b) {
  return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

HttpStatus statusOf(int error) {
  switch (error) {
    case EACCES:
    case EPERM:
      return HttpStatus::forbidden;
    case ENOENT:
    case ENOTDIR:
    case ENAMETOOLONG:
    case ELOOP:
    case EXDEV:  // outside of the folder: as if it were not there
    case ENXIO:  // a unix socket
      return HttpStatus::notFound;
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case EAGAIN:
      return HttpStatus::unavailable;
    default:
      return HttpStatus::internalError;
  }
}

}  // namespace

OpenFile::OpenFile(Folder::Opened opened, std::string_view name)
    : opened_(std::move(opened)), etag_(etagOf(opened_.status)) {
  // Not after the date of the answer (RFC 9110, 8.8.2.1).
  const std::time_t modified = std::min(opened_.status.st_mtime, std::time(nullptr));
  version_ = {etag_, modified, asUnsigned(opened_.status.st_size)};
  const HttpDate date = formatHttpDate(modified);
  fields_ = "ETag: " + etag_ + "\r\nLast-Modified: " + std::string(date.data(), date.size());
  fields_ += "\r\n";
  validatorsSize_ = fields_.size();
  fields_ += "Accept-Ranges: bytes\r\nContent-Type: " + std::string(contentTypeOf(name)) + "\r\n";
  partSize_ = fields_.size();
  fields_ += "Content-Length: " + std::to_string(version_.size) + "\r\n";
}

bool OpenFile::isSameAs(const Folder::Opened& other) const {
  const struct stat& a = opened_.status;
  const struct stat& b = other.status;
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino && a.st_size == b.st_size &&
         isSameTime(a.st_mtim, b.st_mtim) && isSameTime(a.st_ctim, b.st_ctim);
}

FileCache::FileCache(Reactor& reactor, const Folder& folder, std::size_t filesMax)
    : reactor_(reactor), folder_(folder), filesMax_(std::max<std::size_t>(filesMax, 1)) {}

FileCache::Found FileCache::find(std::string_view path) {
  const Clock::time_point now = coarseNow();
  const auto known = byPath_.find(path);
  if (known != byPath_.end()) {
    const Entries::iterator entry = known->second;
    if (now - entry->checked < freshTime) {
      entry->used = now;
      entries_.splice(entries_.begin(), entries_, entry);
      return {.file = entry->file};
    }
  }
  Found found = open(path);
  if (found.file) {
    keep(path, found.file);
  } else if (const auto gone = byPath_.find(path); gone != byPath_.end()) {
    remove(gone->second);
  }
  return found;
}

FileCache::Found FileCache::open(std::string_view path) {
  std::string name;
  const HttpStatus status = decodePath(path, name);
  if (status != HttpStatus::ok) return {.status = status};
  Folder::Opened opened = openFile(name);
  if (opened.error != 0) return {.status = statusOf(opened.error)};
  if (!S_ISDIR(opened.status.st_mode)) return foundFile(path, std::move(opened), name);
  if (path.back() != '/') return {.status = HttpStatus::movedPermanently};
  name += indexName;
  Folder::Opened index = openFile(name);
  if (index.error == ENOENT) return {.directory = std::move(opened.fd)};
  if (index.error != 0) return {.status = statusOf(index.error)};
  return foundFile(path, std::move(index), name);
}

// The same file as before stays the one that is open.
FileCache::Found FileCache::foundFile(std::string_view path, Folder::Opened opened,
                                      std::string_view name) const {
  if (!S_ISREG(opened.status.st_mode)) return {.status = HttpStatus::forbidden};
  const auto known = byPath_.find(path);
  if (known != byPath_.end() && known->second->file->isSameAs(opened)) {
    return {.file = known->second->file};
  }
  return {.file = std::make_shared<const OpenFile>(std::move(opened), name)};
}

// What is kept may be what is missing.
Folder::Opened FileCache::openFile(const std::string& name) {
  Folder::Opened opened = folder_.openFile(name);
  const bool isFull = opened.error == EMFILE || opened.error == ENFILE;
  if (!isFull || entries_.empty()) return opened;
  clear();
  return folder_.openFile(name);
}

void FileCache::keep(std::string_view path, const std::shared_ptr<const OpenFile>& file) {
  const Clock::time_point now = coarseNow();
  const auto known = byPath_.find(path);
  if (known != byPath_.end()) {
    Entry& entry = *known->second;
    entry.file = file;
    entry.checked = entry.used = now;
    entries_.splice(entries_.begin(), entries_, known->second);
    return;
  }
  if (entries_.size() >= filesMax_) remove(std::prev(entries_.end()));
  entries_.push_front({std::string(path), file, now, now});
  byPath_.emplace(entries_.front().path, entries_.begin());
  watchTime();
}

void FileCache::remove(Entries::iterator entry) {
  byPath_.erase(entry->path);
  entries_.erase(entry);
}

void FileCache::clear() {
  byPath_.clear();
  entries_.clear();
}

// A deleted file takes room on the disk as long as it is open.
void FileCache::removeUnused() {
  const Clock::time_point now = coarseNow();
  while (!entries_.empty() && now - entries_.back().used >= keepTime) {
    remove(std::prev(entries_.end()));
  }
}

void FileCache::watchTime() {
  if (timeIsWatched_ || entries_.empty()) return;
  timeIsWatched_ = reactor_.addTimer(keepTime, onKeepTime, this) != TimerId::none;
}

void FileCache::onKeepTime(void* udata) {
  auto& cache = *static_cast<FileCache*>(udata);
  cache.timeIsWatched_ = false;
  cache.removeUnused();
  cache.watchTime();
}

}  // namespace kairos::examples
