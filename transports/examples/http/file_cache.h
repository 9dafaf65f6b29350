// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TRANSPORTS_EXAMPLES_HTTP_FILE_CACHE_H_
#define KAIROS_TRANSPORTS_EXAMPLES_HTTP_FILE_CACHE_H_

#include <chrono>
#include <cstddef>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "kairos/reactor/examples/unique_fd.h"
#include "kairos/reactor/reactor.h"
#include "kairos/transports/examples/http/conditions.h"
#include "kairos/transports/examples/http/folder.h"
#include "kairos/transports/examples/http/http_status.h"

namespace kairos::examples {

// A regular file, open, and what answers say of it. Shared by a cache and the answers under way.
class OpenFile {
 public:
  OpenFile(Folder::Opened opened, std::string_view name);

  Fd fd() const { return opened_.fd.get(); }
  const FileVersion& version() const { return version_; }
  bool isSameAs(const Folder::Opened& other) const;

  // Header fields: ETag and Last-Modified; these and Content-Type and Accept-Ranges; these and
  // Content-Length.
  std::string_view validators() const { return fields(validatorsSize_); }
  std::string_view fieldsOfPart() const { return fields(partSize_); }
  std::string_view fieldsOfWhole() const { return fields_; }

 private:
  std::string_view fields(std::size_t size) const { return {fields_.data(), size}; }

  Folder::Opened opened_;
  std::string etag_;
  FileVersion version_;
  std::string fields_;
  std::size_t validatorsSize_ = 0;
  std::size_t partSize_ = 0;
};

// Finds what a path asks for, and keeps files open that were asked for lately.
//
// Within `freshTime`, a file is answered with as it was found, its bytes being read anew each time;
// after that it is opened again and compared. So a change shows within a second, and a file that is
// replaced by renaming is never seen half; one that is cut meanwhile ends the answer.
//
//   Thread      that of the reactor
//   Ownership   Borrows the folder, and the reactor, for a timer that lets go of what is not asked
//               for any more. Nothing is removed from the reactor, which may be gone before.
//   Cost        A file that is fresh: no system call, no allocation. Else three or four.
class FileCache {
 public:
  static constexpr Clock::duration freshTime = std::chrono::seconds(1);
  static constexpr Clock::duration keepTime = std::chrono::seconds(10);

  struct Found {
    // ok             `file`, or else `directory` to be listed
    // movedPermanently  to the same path with a slash behind it: it is a directory
    // badRequest, forbidden, notFound, internalError, unavailable (no descriptors left)
    HttpStatus status = HttpStatus::ok;
    std::shared_ptr<const OpenFile> file = {};
    UniqueFd directory = UniqueFd();
  };

  FileCache(Reactor& reactor, const Folder& folder, std::size_t filesMax);
  FileCache(const FileCache&) = delete;
  FileCache& operator=(const FileCache&) = delete;

  // `path` as it was sent: see RequestTarget.
  Found find(std::string_view path);

  // Closes all that no answer needs, because descriptors are wanted elsewhere.
  void clear();
  std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    std::string path;
    std::shared_ptr<const OpenFile> file;
    Clock::time_point checked;
    Clock::time_point used;
  };
  using Entries = std::list<Entry>;

  static void onKeepTime(void* udata);

  Found open(std::string_view path);
  Found foundFile(std::string_view path, Folder::Opened opened, std::string_view name) const;
  Folder::Opened openFile(const std::string& name);
  void keep(std::string_view path, const std::shared_ptr<const OpenFile>& file);
  void remove(Entries::iterator entry);
  void removeUnused();
  void watchTime();

  Reactor& reactor_;
  const Folder& folder_;
  const std::size_t filesMax_;
  Entries entries_;  // what was used last is in front
  std::unordered_map<std::string_view, Entries::iterator> byPath_;
  bool timeIsWatched_ = false;
};

}  // namespace kairos::examples

#endif  // KAIROS_TRANSPORTS_EXAMPLES_HTTP_FILE_CACHE_H_
