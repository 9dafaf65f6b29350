// SPDX-License-Identifier: MIT OR Apache-2.0
#include <curl/curl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "kairos/reactor/examples/curl_adapter.h"
#include "kairos/reactor/reactor.h"
#include "kairos/tests/examples/peer_server.h"
#include "kairos/tests/examples/tcp_client.h"
#include "kairos/tests/support/child_process.h"

namespace kairos {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// "user root" matters to root alone: nginx is to stay what started it and change no owners.
constexpr const char* configuration = R"(
user root;
daemon off;
master_process off;
pid nginx.pid;
error_log stderr notice;
events {}
http {
  access_log off;
  client_body_temp_path body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
  server {
    listen 127.0.0.1:PORT;
    root files;
    keepalive_timeout 0;
    client_max_body_size 100m;
    location = /stored.bin { dav_methods PUT; }
    location = /far { return 302 /further; }
    location = /further { return 302 /moved; }
    location = /moved { return 302 /small.txt; }
    location = /hangs-up { return 444; }
    location = /endless.bin { alias files/large.bin; limit_rate 1k; }
  }
}
)";

ChildProcess::Options nginxCommand(const std::string& program, const TemporaryDirectory& directory,
                                   std::uint16_t port) {
  std::string text = configuration;
  text.replace(text.find("PORT"), 4, std::to_string(port));
  directory.write("nginx.conf", text);
  ChildProcess::Options options;
  options.command = {program, "-p", directory.path(), "-c", "nginx.conf", "-e", "stderr"};
  return options;
}

class HttpDownloadTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto program = findProgram("nginx");
    if (!program) GTEST_SKIP() << "needs nginx (Debian package nginx-light)";
    ::setenv("no_proxy", "*", 1);
    std::filesystem::create_directory(directory_.path() / "files");
    std::filesystem::create_directory(directory_.path() / "saved");
    directory_.write("files/small.txt", "a small file\n");
    directory_.write("files/empty.txt", "");
    directory_.write("files/large.bin", large_);
    const auto command = [&](std::uint16_t port) {
      return nginxCommand(*program, directory_, port);
    };
    // Said when the sockets are open already.
    server_ = PeerServer::start(command, &ChildProcess::waitForError, "event method");
    ASSERT_NE(server_, nullptr);
  }

  std::string url(const std::string& path) const {
    return "http://127.0.0.1:" + std::to_string(server_->port) + path;
  }

  std::string saved() const { return directory_.path() / "saved"; }

  static std::unique_ptr<ChildProcess> download(const std::vector<std::string>& arguments) {
    ChildProcess::Options options;
    options.command = {runfile("reactor/examples/http_download")};
    options.command.insert(options.command.end(), arguments.begin(), arguments.end());
    return std::make_unique<ChildProcess>(std::move(options));
  }

  const std::string large_ = patternBytes(5'000'000);
  TemporaryDirectory directory_;
  std::unique_ptr<PeerServer> server_;
};

TEST_F(HttpDownloadTest, PrintsStatusAndSizeOfEachUrl) {
  const auto program = download({url("/small.txt"), url("/large.bin"), url("/far")});
  EXPECT_EQ(program->waitForExit(), 0) << program->errors();
  EXPECT_THAT(program->output(), HasSubstr(url("/small.txt") + ": 200, 13 bytes\n"));
  EXPECT_THAT(program->output(), HasSubstr(url("/large.bin") + ": 200, 5000000 bytes\n"));
  EXPECT_THAT(program->output(), HasSubstr(url("/far") + ": 200, 13 bytes\n"));
}

TEST_F(HttpDownloadTest, SavesTheBytesThatTheServerHas) {
  const auto program =
      download({"-o", saved(), url("/small.txt"), url("/large.bin"), url("/empty.txt")});
  EXPECT_EQ(program->waitForExit(), 0) << program->errors();
  EXPECT_EQ(directory_.read("saved/small.txt"), "a small file\n");
  EXPECT_TRUE(directory_.read("saved/large.bin") == large_);
  EXPECT_TRUE(std::filesystem::is_empty(directory_.path() / "saved/empty.txt"));
}

TEST_F(HttpDownloadTest, DownloadsTheOthersWhileOneMakesNoProgress) {
  std::vector<std::string> urls{url("/endless.bin")};
  for (int i = 0; i < 40; ++i) urls.push_back(url("/small.txt?" + std::to_string(i)));
  const auto program = download(urls);
  for (std::size_t i = 1; i < urls.size(); ++i) {
    EXPECT_TRUE(program->waitForOutput(urls[i] + ": 200, 13 bytes\n")) << urls[i];
  }
  EXPECT_THAT(program->output(), Not(HasSubstr("endless")));
}

TEST_F(HttpDownloadTest, EndsADownloadThatTakesTooLong) {
  const auto program = download({"-o", saved(), "--timeout", "300", url("/endless.bin")});
  EXPECT_EQ(program->waitForExit(), 1);
  EXPECT_THAT(program->errors(), HasSubstr("/endless.bin: Operation timed out after "));
  EXPECT_FALSE(std::filesystem::exists(directory_.path() / "saved/endless.bin"));
}

TEST_F(HttpDownloadTest, ReportsAMissingFileAndFinishesTheOthers) {
  const auto program = download({"-o", saved(), url("/missing.txt"), url("/small.txt")});
  EXPECT_EQ(program->waitForExit(), 1);
  EXPECT_THAT(program->errors(), HasSubstr("http_download: " + url("/missing.txt") +
                                           ": The requested URL returned error: 404"));
  EXPECT_FALSE(std::filesystem::exists(directory_.path() / "saved/missing.txt"));
  EXPECT_EQ(directory_.read("saved/small.txt"), "a small file\n");
}

TEST_F(HttpDownloadTest, ReportsAServerThatHangsUp) {
  const auto program = download({url("/hangs-up")});
  EXPECT_EQ(program->waitForExit(), 1);
  EXPECT_THAT(program->errors(), HasSubstr("Empty reply from server"));
}

TEST_F(HttpDownloadTest, ReportsAServerThatIsStoppedInTheMiddle) {
  const auto program = download({"-o", saved(), url("/endless.bin"), url("/small.txt")});
  ASSERT_TRUE(program->waitForOutput("/small.txt: 200"));
  server_->process.signal(SIGKILL);
  EXPECT_EQ(program->waitForExit(), 1);
  EXPECT_THAT(program->errors(), HasSubstr("/endless.bin: "));
  EXPECT_FALSE(std::filesystem::exists(directory_.path() / "saved/endless.bin"));
}

TEST_F(HttpDownloadTest, ReportsARefusedConnection) {
  const BoundSocket nobody(SOCK_STREAM);
  const auto program = download({"http://127.0.0.1:" + std::to_string(nobody.port) + "/"});
  EXPECT_EQ(program->waitForExit(), 1);
  EXPECT_THAT(program->errors(), HasSubstr("Failed to connect to 127.0.0.1"));
  EXPECT_THAT(program->output(), IsEmpty());
}

TEST_F(HttpDownloadTest, GivesUpOnAServerThatNeverAnswers) {
  const BoundSocket silent(SOCK_STREAM);
  ASSERT_EQ(::listen(silent.socket.get(), 1), 0);
  const auto program =
      download({"--timeout", "300", "http://127.0.0.1:" + std::to_string(silent.port) + "/"});
  EXPECT_EQ(program->waitForExit(), 1);
  EXPECT_THAT(program->errors(), HasSubstr("/: Operation timed out after "));
}

TEST_F(HttpDownloadTest, ReportsAFileThatCannotBeWritten) {
  const auto program = download({"-o", saved() + "/nowhere", url("/small.txt")});
  EXPECT_EQ(program->waitForExit(), 1);
  EXPECT_THAT(program->errors(), HasSubstr("/nowhere/small.txt: No such file or directory"));
}

// What no download needs: to wait until more can be sent.
TEST_F(HttpDownloadTest, DrivesAnUploadToo) {
  const std::string body = patternBytes(50'000'000);
  const std::string target = url("/stored.bin");
  const std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> easy(curl_easy_init(),
                                                                 &curl_easy_cleanup);
  const std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)> headers(
      curl_slist_append(nullptr, "Expect:"), &curl_slist_free_all);
  curl_easy_setopt(easy.get(), CURLOPT_URL, target.c_str());
  curl_easy_setopt(easy.get(), CURLOPT_CUSTOMREQUEST, "PUT");
  curl_easy_setopt(easy.get(), CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(easy.get(), CURLOPT_POSTFIELDSIZE, static_cast<long>(body.size()));
  curl_easy_setopt(easy.get(), CURLOPT_POSTFIELDS, body.data());
  curl_easy_setopt(easy.get(), CURLOPT_FAILONERROR, 1L);
  curl_easy_setopt(easy.get(), CURLOPT_TIMEOUT, static_cast<long>(ChildProcess::patience.count()));

  Reactor reactor;
  examples::CurlAdapter curl(reactor);
  bool done = false;
  examples::CurlTransfer transfer;
  transfer.easy = easy.get();
  transfer.done = {[](void* udata) { *static_cast<bool*>(udata) = true; }, &done};
  ASSERT_EQ(curl.start(transfer), CURLM_OK);
  while (!done) ASSERT_FALSE(reactor.poll(Reactor::forever).error);
  EXPECT_EQ(transfer.result, CURLE_OK) << curl_easy_strerror(transfer.result);
  EXPECT_TRUE(directory_.read("files/stored.bin") == body);
}

TEST_F(HttpDownloadTest, RefusesToWriteAFileTwice) {
  const auto program = download({"-o", saved(), url("/small.txt"), url("/x/small.txt")});
  EXPECT_EQ(program->waitForExit(), 2);
  EXPECT_THAT(program->errors(), HasSubstr("another URL has the same file name"));
}

}  // namespace
}  // namespace kairos
