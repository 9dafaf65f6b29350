// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/transports/examples/http/file_cache.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "kairos/reactor/reactor.h"
#include "kairos/tests/examples/peer_server.h"
#include "kairos/tests/support/descriptors.h"

namespace kairos::examples {
namespace {

class FileCacheTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_FALSE(Folder::open(directory_.path() / "served", folder_));
    directory_.write("secret", "secret");
  }

  static std::filesystem::path makeFolder(const TemporaryDirectory& directory) {
    const std::filesystem::path path = directory.path() / "served";
    std::filesystem::create_directory(path);
    return path;
  }

  void write(const std::string& file, std::string_view content) {
    directory_.write("served/" + file, content);
  }

  // "200 SIZE" of a file, "200 /" of a directory, else the status.
  std::string found(std::string_view path) {
    const FileCache::Found result = cache_.find(path);
    const std::string status(statusText(result.status).substr(0, 3));
    if (result.file) return status + " " + std::to_string(result.file->version().size);
    return result.directory.valid() ? status + " /" : status;
  }

  TemporaryDirectory directory_;
  const std::filesystem::path path_ = makeFolder(directory_);
  Folder folder_;
  Reactor reactor_;
  FileCache cache_{reactor_, folder_, 2};
};

TEST_F(FileCacheTest, FindsFilesAndDirectories) {
  write("a.txt", "12345");
  std::filesystem::create_directory(path_ / "plain");
  std::filesystem::create_directory(path_ / "indexed");
  write("indexed/index.html", "<h1>");
  EXPECT_EQ(found("/a.txt"), "200 5");
  EXPECT_EQ(found("/%61.txt"), "200 5");
  EXPECT_EQ(found("/plain"), "301");
  EXPECT_EQ(found("/plain/"), "200 /");
  EXPECT_EQ(found("/indexed/"), "200 4");
  EXPECT_EQ(found("/"), "200 /");
  EXPECT_EQ(found("/a.txt/"), "404");
  EXPECT_EQ(found("/none"), "404");
  EXPECT_EQ(found("/a.txt/none"), "404");
  EXPECT_EQ(found("/" + std::string(300, 'x')), "404");
}

TEST_F(FileCacheTest, TellsWhatAFileIs) {
  write("a.html", "12345");
  const auto file = cache_.find("/a.html").file;
  ASSERT_NE(file, nullptr);
  EXPECT_EQ(file->fieldsOfWhole().substr(0, file->fieldsOfPart().size()), file->fieldsOfPart());
  EXPECT_EQ(file->fieldsOfPart().substr(0, file->validators().size()), file->validators());
  const std::string rest(file->fieldsOfWhole().substr(file->validators().size()));
  EXPECT_EQ(rest,
            "Accept-Ranges: bytes\r\nContent-Type: text/html; charset=utf-8\r\n"
            "Content-Length: 5\r\n");
  EXPECT_EQ(file->version().etag.front(), '"');
  EXPECT_EQ(file->version().etag.back(), '"');
}

TEST_F(FileCacheTest, StaysInTheFolder) {
  write("inside.txt", "1");
  std::filesystem::create_directory(path_ / "sub");
  std::filesystem::create_symlink("../inside.txt", path_ / "sub/good");
  std::filesystem::create_symlink("../../secret", path_ / "sub/relative");
  std::filesystem::create_symlink(directory_.path() / "secret", path_ / "absolute");
  std::filesystem::create_symlink(directory_.path(), path_ / "above");
  std::filesystem::create_symlink(path_ / "inside.txt", path_ / "inside-by-absolute-path");
  std::filesystem::create_symlink("/proc/self/root", path_ / "magic");
  std::filesystem::create_symlink("loop", path_ / "loop");
  EXPECT_EQ(found("/sub/good"), "200 1");
  for (const char* path : {"/sub/relative", "/absolute", "/above/secret", "/above/", "/loop",
                           "/inside-by-absolute-path", "/magic/etc/passwd"}) {
    EXPECT_EQ(found(path), "404") << path;
  }
  EXPECT_EQ(found("/../secret"), "400");
  EXPECT_EQ(found("/%2e%2e/secret"), "400");
}

TEST_F(FileCacheTest, OpensRegularFilesAloneAndWaitsForNobody) {
  ASSERT_EQ(::mkfifo((path_ / "fifo").c_str(), 0600), 0);
  EXPECT_EQ(found("/fifo"), "403");
}

TEST_F(FileCacheTest, KeepsWhatWasAskedForLast) {
  for (const char* name : {"a", "b", "c"}) write(name, name);
  const auto a = cache_.find("/a").file;
  const auto b = cache_.find("/b").file;
  EXPECT_EQ(cache_.find("/a").file, a);
  EXPECT_EQ(cache_.find("/c").file->version().size, 1u);
  EXPECT_EQ(cache_.size(), 2u);
  EXPECT_EQ(cache_.find("/a").file, a);
  EXPECT_NE(cache_.find("/b").file, b);
}

TEST_F(FileCacheTest, KeepsNoDescriptorOfWhatItForgets) {
  for (const char* name : {"a", "b", "c", "d"}) write(name, name);
  const auto before = openFds();
  for (const char* name : {"/a", "/b", "/c", "/d", "/none", "/"}) cache_.find(name);
  EXPECT_EQ(openedSince(before).size(), 2u);
  cache_.clear();
  EXPECT_TRUE(openedSince(before).empty());
}

TEST_F(FileCacheTest, ClosesItsFilesForANewOneIfNeedBe) {
  write("a", "a");
  write("b", "bb");
  EXPECT_EQ(found("/a"), "200 1");
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  const rlimit none{static_cast<rlim_t>(unusedFd()), limit.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  EXPECT_EQ(found("/b"), "200 2");
  EXPECT_EQ(cache_.size(), 1u);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
}

TEST_F(FileCacheTest, SaysThatThereAreNoDescriptorsLeft) {
  write("a", "a");
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  const rlimit none{static_cast<rlim_t>(unusedFd()), limit.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  const std::string full = found("/a");
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
  EXPECT_EQ(full, "503");
  EXPECT_EQ(found("/a"), "200 1");
}

TEST_F(FileCacheTest, SeesAChangeAfterASecond) {
  write("a", "old");
  const auto old = cache_.find("/a").file;
  ASSERT_NE(old, nullptr);
  EXPECT_TRUE(eventually([&] { return cache_.find("/a").file == old; }));
  write("new", "new content");
  std::filesystem::rename(path_ / "new", path_ / "a");
  EXPECT_TRUE(eventually([&] { return found("/a") == "200 11"; }));
  EXPECT_NE(cache_.find("/a").file->version().etag, old->version().etag);
  std::filesystem::remove(path_ / "a");
  EXPECT_TRUE(eventually([&] { return found("/a") == "404"; }));
  EXPECT_EQ(cache_.size(), 0u);
}

}  // namespace
}  // namespace kairos::examples
