// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Runs statements one after the other on a PostgreSQL server and stops at the first that fails:
// `postgres_query [--timeout MS] CONNINFO SQL...`, where CONNINFO is a connection string of libpq,
// such as "hostaddr=127.0.0.1 user=me dbname=test".
//
// It shows a client library whose socket may change at every step of connecting; pq_adapter.h keeps
// the reactor informed. The rest is libpq as usual.

#include <libpq-fe.h>

#include <chrono>
#include <cstdio>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "kairos/reactor/examples/arguments.h"
#include "kairos/reactor/examples/pq_adapter.h"
#include "kairos/reactor/reactor.h"

namespace {

using kairos::Reactor;
using kairos::examples::parseNumber;
using kairos::examples::PqAdapter;
using kairos::examples::takeOption;

struct Plan {
  std::chrono::milliseconds connectLimit{10'000};
  std::string conninfo;
  std::vector<std::string> statements;
};

// A row as a line, with a tab between the fields.
void printRow(const PGresult& result, int row) {
  for (int field = 0; field < PQnfields(&result); ++field) {
    const bool null = PQgetisnull(&result, row, field) == 1;
    std::printf("%s%s", field == 0 ? "" : "\t", null ? "NULL" : PQgetvalue(&result, row, field));
  }
  std::putchar('\n');
}

class Session {
 public:
  Session(Reactor& reactor, const Plan& plan) : reactor_(reactor), plan_(plan), server_(reactor) {}
  ~Session() { reactor_.removeTimer(limit_); }

  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  void start();
  bool ended() const { return ended_; }
  bool failed() const { return failed_; }

 private:
  static void onConnected(void* self) { static_cast<Session*>(self)->begin(); }
  static void onTooLate(void* self) { static_cast<Session*>(self)->fail("no connection in time"); }
  static void onResult(void* self) { static_cast<Session*>(self)->take(); }

  void begin();
  void runNext();
  void take();
  void fail(const std::string& why);

  Reactor& reactor_;
  const Plan& plan_;
  PqAdapter server_;
  kairos::TimerId limit_ = kairos::TimerId::none;
  std::size_t next_ = 0;
  bool ended_ = false;
  bool failed_ = false;
};

void Session::start() {
  if (!server_.connect(plan_.conninfo.c_str(), {onConnected, this})) return fail(server_.error());
  limit_ = reactor_.addTimer(plan_.connectLimit, onTooLate, this);
}

void Session::begin() {
  reactor_.removeTimer(limit_);
  if (!server_.ready()) return fail(server_.error());
  runNext();
}

void Session::runNext() {
  ended_ = failed_ || next_ == plan_.statements.size();
  if (ended_) return;
  const std::string& statement = plan_.statements[next_++];
  if (!server_.query(statement.c_str(), {onResult, this})) fail(server_.error());
}

void Session::take() {
  PGresult* const result = server_.result();
  if (result == nullptr) return runNext();
  switch (PQresultStatus(result)) {
    case PGRES_SINGLE_TUPLE:
      return printRow(*result, 0);
    case PGRES_COMMAND_OK:
    case PGRES_TUPLES_OK:  // after the last row
      std::puts(PQcmdStatus(result));
      std::fflush(stdout);
      return;
    case PGRES_EMPTY_QUERY:
      return;
    case PGRES_COPY_IN:
    case PGRES_COPY_OUT:
    case PGRES_COPY_BOTH:
      return fail("COPY is more than this program can do");
    default:
      return fail(PQresultErrorMessage(result));
  }
}

void Session::fail(const std::string& why) {
  const std::string sentence = why.substr(0, why.find_last_not_of('\n') + 1);
  if (!failed_) std::fprintf(stderr, "postgres_query: %s\n", sentence.c_str());
  failed_ = true;
  ended_ = true;
}

int run(const Plan& plan) {
  Reactor reactor;
  Session session(reactor, plan);
  session.start();
  while (!session.ended()) {
    if (const auto error = reactor.poll(Reactor::forever).error) {
      std::fprintf(stderr, "postgres_query: poll: %s\n", error.message().c_str());
      return 1;
    }
  }
  return session.failed() ? 1 : 0;
}

// None when the words make no sense.
std::optional<Plan> parsePlan(std::vector<std::string> words) {
  Plan plan;
  if (const auto timeout = takeOption(words, "--timeout")) {
    const auto limit = parseNumber<int>(*timeout, 1);
    if (!limit) return std::nullopt;
    plan.connectLimit = std::chrono::milliseconds(*limit);
  }
  if (words.size() < 2) return std::nullopt;
  plan.conninfo = words.front();
  plan.statements.assign(words.begin() + 1, words.end());
  return plan;
}

}  // namespace

int main(int argc, char** argv) {
  const auto plan = parsePlan({argv + 1, argv + argc});
  if (plan) return run(*plan);
  std::fprintf(stderr, "usage: %s [--timeout MS] CONNINFO SQL...\n", argv[0]);
  std::fputs("Give CONNINFO a hostaddr: libpq would block while it looks up a host.\n", stderr);
  return 2;
}
