// SPDX-License-Identifier: MIT OR Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "kairos/reactor/examples/pq_adapter.h"
#include "kairos/reactor/reactor.h"
#include "kairos/tests/examples/peer_server.h"
#include "kairos/tests/examples/postgres_server.h"
#include "kairos/tests/support/child_process.h"

namespace kairos {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

using Program = std::unique_ptr<ChildProcess>;

// `words`: the connection string and the statements.
Program runQueries(const std::vector<std::string>& words, const char* timeoutMs = "30000") {
  ChildProcess::Options options;
  options.command = {runfile("reactor/examples/postgres_query"), "--timeout", timeoutMs};
  options.command.insert(options.command.end(), words.begin(), words.end());
  return std::make_unique<ChildProcess>(std::move(options));
}

Program runQueries(const PostgresServer& server, std::vector<std::string> statements) {
  statements.insert(statements.begin(), server.conninfo());
  return runQueries(statements);
}

std::string successOf(ChildProcess& program) {
  EXPECT_EQ(program.waitForExit(), 0) << program.errors();
  return program.output();
}

// Whether a client of the server has come to `SELECT pg_sleep(3600)`.
bool isSleeping(const PostgresServer& server) {
  const std::string count =
      "SELECT count(*) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(3600)'";
  return successOf(*runQueries(server, {count})) == "1\nSELECT 1\n";
}

// One server for all: to make a database takes a second.
class PostgresQueryTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (PostgresServer::installed()) server_ = std::make_unique<PostgresServer>();
  }
  static void TearDownTestSuite() { server_.reset(); }

  void SetUp() override {
    if (server_ == nullptr) GTEST_SKIP() << "needs PostgreSQL (Debian package postgresql)";
    ASSERT_TRUE(server_->started());
  }

  static Program query(std::vector<std::string> statements) {
    return runQueries(*server_, std::move(statements));
  }

  static std::string rows(std::vector<std::string> statements) {
    return successOf(*query(std::move(statements)));
  }

  static std::unique_ptr<PostgresServer> server_;
};

std::unique_ptr<PostgresServer> PostgresQueryTest::server_;

TEST_F(PostgresQueryTest, PrintsRowsAndTheOutcomeOfEachStatement) {
  EXPECT_EQ(rows({"CREATE TEMP TABLE t (a int, b text)",
                  "INSERT INTO t VALUES (1, 'one'), (2, NULL)", "SELECT * FROM t ORDER BY a", ""}),
            "CREATE TABLE\nINSERT 0 2\n1\tone\n2\tNULL\nSELECT 2\n");
}

TEST_F(PostgresQueryTest, PrintsEveryResultOfAStatementWithSeveral) {
  EXPECT_EQ(rows({"SELECT 1; SELECT 2"}), "1\nSELECT 1\n2\nSELECT 1\n");
}

TEST_F(PostgresQueryTest, PrintsAHundredThousandRows) {
  std::string expected;
  for (int i = 1; i <= 100'000; ++i) expected += std::to_string(i) + "\n";
  EXPECT_TRUE(rows({"SELECT generate_series(1, 100000)"}) == expected + "SELECT 100000\n");
}

// The first port refuses, so that the socket changes while it connects.
TEST_F(PostgresQueryTest, ConnectsToTheSecondAddressWhenTheFirstRefuses) {
  const BoundSocket refusing(SOCK_STREAM);
  const auto ports = std::to_string(refusing.port) + "," + std::to_string(server_->port());
  const auto program =
      runQueries({server_->conninfo(ports, "127.0.0.1,127.0.0.1"), "SELECT 'connected'"});
  EXPECT_EQ(program->waitForExit(), 0) << program->errors();
  EXPECT_EQ(program->output(), "connected\nSELECT 1\n");
}

TEST_F(PostgresQueryTest, ReportsAnErrorOfTheServerAndStops) {
  const auto program = query({"SELECT 1", "SELECT * FROM missing", "SELECT 3"});
  EXPECT_EQ(program->waitForExit(), 1);
  EXPECT_EQ(program->output(), "1\nSELECT 1\n");
  EXPECT_THAT(program->errors(),
              StartsWith("postgres_query: ERROR:  relation \"missing\" does not exist"));
}

TEST_F(PostgresQueryTest, ReportsADatabaseThatDoesNotExist) {
  const auto program = runQueries({server_->conninfo() + " dbname=missing", "SELECT 1"});
  EXPECT_EQ(program->waitForExit(), 1);
  EXPECT_THAT(program->errors(), EndsWith("FATAL:  database \"missing\" does not exist\n"));
}

TEST_F(PostgresQueryTest, ReportsAConnectionThatTheServerEnds) {
  const auto sleeping = query({"SELECT pg_sleep(3600)"});
  ASSERT_TRUE(eventually([] { return isSleeping(*server_); }));
  rows({"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%(3600)'"});
  EXPECT_EQ(sleeping->waitForExit(), 1);
  EXPECT_THAT(sleeping->errors(), HasSubstr("terminating connection due to administrator command"));
}

TEST_F(PostgresQueryTest, ReportsAConnectionThatIsLost) {
  PostgresServer server;
  ASSERT_TRUE(server.started());
  const auto sleeping = runQueries(server, {"SELECT pg_sleep(3600)"});
  ASSERT_TRUE(eventually([&] { return isSleeping(server); }));
  server.stopAtOnce();
  EXPECT_EQ(sleeping->waitForExit(), 1);
  EXPECT_THAT(sleeping->errors(), HasSubstr("server closed the connection unexpectedly"));
}

TEST_F(PostgresQueryTest, RefusesToCopy) {
  const auto program = query({"COPY (SELECT 1) TO STDOUT", "SELECT 2"});
  EXPECT_EQ(program->waitForExit(), 1);
  EXPECT_EQ(program->errors(), "postgres_query: COPY is more than this program can do\n");
}

// A statement too large for the buffers of the kernel, and for the arguments of a program.
TEST_F(PostgresQueryTest, SendsALargeStatementPieceByPiece) {
  struct Outcome {
    explicit Outcome(Reactor& reactor) : server(reactor) {}

    examples::PqAdapter server;
    std::string row;
    bool ended = false;
  };
  Reactor reactor;
  Outcome outcome(reactor);
  const auto onConnected = [](void* udata) {
    auto& self = *static_cast<Outcome*>(udata);
    const auto onResult = [](void* again) {
      auto& that = *static_cast<Outcome*>(again);
      PGresult* const result = that.server.result();
      that.ended = result == nullptr;
      if (result != nullptr && PQntuples(result) == 1) that.row = PQgetvalue(result, 0, 0);
    };
    std::string text = "SELECT length('";
    text.resize(text.size() + 64'000'000, 'x');
    text += "')";
    self.ended = !self.server.query(text.c_str(), {onResult, udata});
  };
  ASSERT_TRUE(outcome.server.connect(server_->conninfo().c_str(), {onConnected, &outcome}));
  while (!outcome.ended) {
    const auto [callbacks, error] = reactor.poll(ChildProcess::patience);
    ASSERT_FALSE(error) << error.message();
    ASSERT_GT(callbacks, 0U);
  }
  EXPECT_EQ(outcome.row, "64000000") << outcome.server.error();
}

TEST(PostgresQueryWithoutServerTest, ReportsARefusedConnection) {
  const BoundSocket refusing(SOCK_STREAM);
  const auto program =
      runQueries({"hostaddr=127.0.0.1 user=x port=" + std::to_string(refusing.port), "SELECT 1"});
  EXPECT_EQ(program->waitForExit(), 1);
  EXPECT_THAT(program->errors(), HasSubstr("Connection refused"));
}

TEST(PostgresQueryWithoutServerTest, GivesUpOnAServerThatNeverAnswers) {
  const BoundSocket silent(SOCK_STREAM);
  ASSERT_EQ(::listen(silent.socket.get(), 1), 0);
  const auto program = runQueries(
      {"hostaddr=127.0.0.1 user=x port=" + std::to_string(silent.port), "SELECT 1"}, "300");
  EXPECT_EQ(program->waitForExit(), 1);
  EXPECT_EQ(program->errors(), "postgres_query: no connection in time\n");
}

TEST(PostgresQueryWithoutServerTest, RefusesArgumentsThatMakeNoSense) {
  EXPECT_EQ(runQueries({"hostaddr=127.0.0.1"})->waitForExit(), 2);
  EXPECT_EQ(runQueries({"hostaddr=127.0.0.1", "SELECT 1"}, "soon")->waitForExit(), 2);
  const auto program = runQueries({"nonsense", "SELECT 1"});
  EXPECT_EQ(program->waitForExit(), 1);
  EXPECT_THAT(program->errors(), HasSubstr("missing \"=\" after \"nonsense\""));
}

}  // namespace
}  // namespace kairos
