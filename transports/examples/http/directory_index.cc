// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/transports/examples/http/directory_index.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <compare>
#include <memory>
#include <vector>

#include "kairos/transports/examples/http/request_path.h"

namespace kairos::examples {
namespace {

struct Item {
  bool isFile;
  std::string name;
  auto operator<=>(const Item&) const = default;
};

struct CloseDirectory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};
using Directory = std::unique_ptr<DIR, CloseDirectory>;

// The stream closes its descriptor, which therefore is another than `fd`.
Directory openStream(const UniqueFd& fd) {
  const Fd own = ::openat(fd.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (own < 0) return nullptr;
  Directory directory(::fdopendir(own));
  if (!directory) ::close(own);
  return directory;
}

// A link is none: where it leads to shows when it is asked for.
bool isDirectory(const UniqueFd& fd, const dirent& entry) {
  if (entry.d_type != DT_UNKNOWN) return entry.d_type == DT_DIR;
  struct stat status {};
  return ::fstatat(fd.get(), entry.d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
         S_ISDIR(status.st_mode);
}

bool readItems(const UniqueFd& fd, std::size_t itemsMax, std::vector<Item>& items, bool& isAll) {
  const Directory directory = openStream(fd);
  if (!directory) return false;
  isAll = true;
  while (const dirent* const entry = ::readdir(directory.get())) {
    if (entry->d_name[0] == '.') continue;
    isAll = items.size() < itemsMax;
    if (!isAll) break;
    items.push_back({!isDirectory(fd, *entry), entry->d_name});
  }
  std::sort(items.begin(), items.end());
  return true;
}

// A link that begins with "./" cannot be taken for one with a scheme.
void appendLink(std::string& page, const Item& item) {
  const std::string_view slash = item.isFile ? "" : "/";
  page += "<li><a href=\"./" + percentEncode(item.name);
  page.append(slash) += "\">" + htmlEscape(item.name);
  page.append(slash) += "</a>\n";
}

}  // namespace

std::string makeDirectoryIndex(const UniqueFd& directory, std::string_view name,
                               std::size_t entriesMax) {
  std::vector<Item> items;
  bool isAll = false;
  if (!readItems(directory, entriesMax, items, isAll)) return {};
  const std::string title = "/" + htmlEscape(name);
  std::string page = "<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\"><title>" + title +
                     "</title></head>\n<body><h1>" + title + "</h1>\n<ul>\n";
  if (!name.empty()) page += "<li><a href=\"../\">../</a>\n";
  for (const Item& item : items) appendLink(page, item);
  page += "</ul>\n";
  if (!isAll) page += "<p>There are more.</p>\n";
  return page += "</body></html>\n";
}

}  // namespace kairos::examples
