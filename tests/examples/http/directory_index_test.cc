// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/transports/examples/http/directory_index.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "kairos/tests/examples/peer_server.h"

namespace kairos::examples {
namespace {

UniqueFd openDirectory(const std::filesystem::path& path) {
  return UniqueFd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

TEST(DirectoryIndexTest, ListsDirectoriesThenFilesByName) {
  const TemporaryDirectory directory;
  for (const char* name : {"b", "a b<&>\"?#%.txt", ".hidden"}) directory.write(name, "");
  std::filesystem::create_directory(directory.path() / "z");
  std::filesystem::create_symlink("z", directory.path() / "link");
  EXPECT_EQ(
      makeDirectoryIndex(openDirectory(directory.path()), "x & y/"),
      "<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\"><title>/x &amp; y/</title></head>\n"
      "<body><h1>/x &amp; y/</h1>\n<ul>\n"
      "<li><a href=\"../\">../</a>\n"
      "<li><a href=\"./z/\">z/</a>\n"
      "<li><a href=\"./a%20b%3C%26%3E%22%3F%23%25.txt\">a b&lt;&amp;&gt;&quot;?#%.txt</a>\n"
      "<li><a href=\"./b\">b</a>\n"
      "<li><a href=\"./link\">link</a>\n"
      "</ul>\n</body></html>\n");
}

TEST(DirectoryIndexTest, LeadsNowhereAboveTheFolder) {
  const TemporaryDirectory directory;
  const std::string page = makeDirectoryIndex(openDirectory(directory.path()), "");
  EXPECT_EQ(page.find("../"), page.npos);
  EXPECT_NE(page.find("<ul>\n</ul>"), page.npos);
}

TEST(DirectoryIndexTest, HasAnEnd) {
  const TemporaryDirectory directory;
  for (const char* name : {"a", "b", "c"}) directory.write(name, "");
  const UniqueFd fd = openDirectory(directory.path());
  const std::string whole = makeDirectoryIndex(fd, "", 3);
  EXPECT_EQ(whole.find("There are more"), whole.npos);
  const std::string part = makeDirectoryIndex(fd, "", 2);
  EXPECT_NE(part.find("There are more"), part.npos);
  EXPECT_LT(part.find("<li>"), part.rfind("<li>"));
}

TEST(DirectoryIndexTest, IsEmptyOfWhatCannotBeRead) {
  EXPECT_EQ(makeDirectoryIndex(UniqueFd(), ""), "");
}

}  // namespace
}  // namespace kairos::examples
