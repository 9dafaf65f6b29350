// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TESTS_EXAMPLES_POSTGRES_SERVER_H_
#define KAIROS_TESTS_EXAMPLES_POSTGRES_SERVER_H_

#include <csignal>
#include <cstdint>
#include <memory>
#include <string>

#include "kairos/tests/examples/peer_server.h"

namespace kairos {

// A PostgreSQL with a new, empty database, for as long as it lives.
class PostgresServer {
 public:
  static bool installed() { return findProgram("initdb") && findProgram("postgres"); }

  PostgresServer();

  bool started() const { return server_ != nullptr; }
  std::uint16_t port() const { return server_->port; }
  // Ends every connection without a last word of the protocol.
  void stopAtOnce() { server_->process.signal(SIGQUIT); }

  // A connection string for libpq.
  std::string conninfo() const { return conninfo(std::to_string(port())); }
  std::string conninfo(const std::string& ports, const std::string& addresses = "127.0.0.1") const;

 private:
  ChildProcess::Options command(const std::string& program) const;

  TemporaryDirectory directory_;
  std::unique_ptr<PeerServer> server_;
};

}  // namespace kairos

#endif  // KAIROS_TESTS_EXAMPLES_POSTGRES_SERVER_H_
