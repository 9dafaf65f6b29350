// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TESTS_EXAMPLES_HTTP_FILE_SERVER_FIXTURE_H_
#define KAIROS_TESTS_EXAMPLES_HTTP_FILE_SERVER_FIXTURE_H_

#include <gtest/gtest.h>

#include <cstddef>
#include <list>
#include <string>
#include <string_view>

#include "kairos/tests/examples/peer_server.h"
#include "kairos/tests/examples/tcp_client.h"
#include "kairos/transports/examples/http/folder.h"
#include "kairos/transports/examples/http/service.h"
#include "kairos/transports/examples/http/worker.h"
#include "kairos/transports/threaded_server.h"

namespace kairos {

// What a server answered. Status 0: nothing, or nothing that is an answer.
struct HttpReply {
  int status = 0;
  std::string head;
  std::string body;

  // The value of a field, whose name is given as it is written; empty: it is not there.
  std::string field(std::string_view name) const;
};

HttpReply receiveReply(TcpClient& client, bool hasBody = true);

// "GET path HTTP/1.1" with a Host, and `fields`, each with its CR LF.
std::string get(std::string_view path, std::string_view fields = {});

// Sends one request and receives the answer to it.
HttpReply ask(TcpClient& client, std::string_view path, std::string_view fields = {});

// The file server in this process, on a port of its own and a folder of the test's.
class FileServerTest : public testing::Test {
 protected:
  void TearDown() override { stop(); }

  // With the options as they are then.
  void start(std::size_t threads = 1);
  void stop();

  std::uint16_t port() const { return server_.localAddress().port(); }
  const std::filesystem::path& path() const { return folder_.path(); }
  void write(const std::string& file, std::string_view content) { folder_.write(file, content); }

  // By a connection of its own.
  HttpReply fetch(std::string_view path, std::string_view fields = {});
  // All that comes back before the server ends the connection.
  std::string exchange(std::string_view bytes);

  examples::ServiceOptions options_;
  ThreadedServer server_;

 private:
  TemporaryDirectory folder_;
  examples::Folder served_;
  std::list<examples::Worker> workers_;
};

}  // namespace kairos

#endif  // KAIROS_TESTS_EXAMPLES_HTTP_FILE_SERVER_FIXTURE_H_
