// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Talks to a Redis server:
//   redis_client [--timeout MS] HOST PORT COMMAND [ARGUMENT...]
//   redis_client [--timeout MS] HOST PORT --bench N
// The first sends one command and prints the reply; SUBSCRIBE goes on printing until it is stopped.
// The second sends PING N times, with many of them under way at once.
//
// It shows a client library with hooks for an event loop; hiredis_adapter.h provides them. The rest
// is hiredis as usual, and a time limit, which is nothing but a timer.

#include <hiredis/async.h>
#include <hiredis/hiredis.h>
#include <strings.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "kairos/reactor/examples/arguments.h"
#include "kairos/reactor/examples/hiredis_adapter.h"
#include "kairos/reactor/reactor.h"

namespace {

using kairos::Clock;
using kairos::Reactor;
using kairos::examples::parseNumber;
using kairos::examples::takeOption;

// Commands under way at once, which keeps both sides busy and memory bounded.
constexpr long pipelineDepth = 1000;

struct Plan {
  std::chrono::milliseconds firstReplyLimit{10'000};  // counted from the attempt to connect
  std::string host;
  std::uint16_t port = 0;
  std::vector<std::string> command;
  long times = 1;          // how often the command is sent
  bool benchmark = false;  // measures instead of printing the replies
};

// Prints as lines, one for each element however deep.
void print(const redisReply& reply) {
  if (reply.type == REDIS_REPLY_NIL) {
    std::puts("(nil)");
  } else if (reply.type == REDIS_REPLY_INTEGER) {
    std::printf("%lld\n", reply.integer);
  } else if (reply.str != nullptr) {
    std::fwrite(reply.str, 1, static_cast<std::size_t>(reply.len), stdout);
    std::putchar('\n');
  }
  for (std::size_t i = 0; i < reply.elements; ++i) print(*reply.element[i]);
}

// One connection, from connect() until ended().
class Session {
 public:
  Session(Reactor& reactor, Plan plan);
  ~Session();

  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  void connect();
  bool ended() const { return context_ == nullptr; }
  bool failed() const { return failed_; }
  double seconds() const { return std::chrono::duration<double>(Clock::now() - begin_).count(); }

 private:
  static Session& of(const redisAsyncContext* context) {
    return *static_cast<Session*>(context->data);
  }
  static void onConnected(const redisAsyncContext* context, int status);
  static void onDisconnected(const redisAsyncContext* context, int status);
  static void onReply(redisAsyncContext* context, void* reply, void* unused);
  static void onTooLate(void* self);

  void sendSome();
  void take(const redisReply& reply);
  void fail(const std::string& why);

  Reactor& reactor_;
  Plan plan_;
  redisAsyncContext* context_ = nullptr;
  kairos::TimerId limit_ = kairos::TimerId::none;
  Clock::time_point begin_ = Clock::now();
  std::vector<const char*> words_;
  std::vector<std::size_t> sizes_;
  long sent_ = 0;
  long answered_ = 0;
  bool failed_ = false;
};

Session::Session(Reactor& reactor, Plan plan) : reactor_(reactor), plan_(std::move(plan)) {
  for (const auto& word : plan_.command) {
    words_.push_back(word.data());
    sizes_.push_back(word.size());
  }
}

Session::~Session() {
  reactor_.removeTimer(limit_);
  if (context_ != nullptr) redisAsyncFree(context_);
}

// Looking up the name of a host would block inside hiredis: give an address.
void Session::connect() {
  context_ = redisAsyncConnect(plan_.host.c_str(), plan_.port);
  if (context_ == nullptr) return fail("out of memory");
  context_->data = this;
  if (context_->err != 0) {
    fail(std::string("cannot connect: ") + context_->errstr);
    redisAsyncFree(std::exchange(context_, nullptr));
    return;
  }
  kairos::examples::attach(reactor_, *context_);
  redisAsyncSetConnectCallback(context_, &onConnected);
  redisAsyncSetDisconnectCallback(context_, &onDisconnected);
  limit_ = reactor_.addTimer(plan_.firstReplyLimit, onTooLate, this);
  sendSome();  // hiredis keeps what it is given before it is connected
}

void Session::sendSome() {
  for (; sent_ < plan_.times && sent_ - answered_ < pipelineDepth; ++sent_) {
    redisAsyncCommandArgv(context_, &onReply, nullptr, static_cast<int>(words_.size()),
                          words_.data(), sizes_.data());
  }
}

// After a failure hiredis frees the context, as it does before it calls onDisconnected.
void Session::onConnected(const redisAsyncContext* context, int status) {
  if (status == REDIS_OK) return;
  of(context).fail(std::string("cannot connect: ") + context->errstr);
  of(context).context_ = nullptr;
}

void Session::onDisconnected(const redisAsyncContext* context, int status) {
  if (status != REDIS_OK) of(context).fail(std::string("connection lost: ") + context->errstr);
  of(context).context_ = nullptr;
}

// Without a reply the connection is about to end, for a reason that is told otherwise.
void Session::onReply(redisAsyncContext* context, void* reply, void* /*unused*/) {
  if (reply != nullptr) of(context).take(*static_cast<const redisReply*>(reply));
}

void Session::take(const redisReply& reply) {
  reactor_.removeTimer(limit_);
  ++answered_;
  if (reply.type == REDIS_REPLY_ERROR) {
    fail(reply.str);
  } else if (!plan_.benchmark) {
    print(reply);
    std::fflush(stdout);
  }
  const auto& verb = plan_.command.front();
  const bool endless =
      ::strcasecmp(verb.c_str(), "SUBSCRIBE") == 0 || ::strcasecmp(verb.c_str(), "PSUBSCRIBE") == 0;
  if (failed_ || (answered_ == plan_.times && !endless)) {
    redisAsyncDisconnect(context_);
  } else {
    sendSome();
  }
}

void Session::onTooLate(void* self) {
  auto& session = *static_cast<Session*>(self);
  session.fail("no reply in " + std::to_string(session.plan_.firstReplyLimit.count()) + " ms");
  redisAsyncFree(std::exchange(session.context_, nullptr));
}

// The first reason is the one to tell; what fails afterwards fails because of it.
void Session::fail(const std::string& why) {
  if (!std::exchange(failed_, true)) std::fprintf(stderr, "redis_client: %s\n", why.c_str());
}

int run(const Plan& plan) {
  Reactor reactor;
  Session session(reactor, plan);
  session.connect();
  while (!session.ended()) {
    if (const auto error = reactor.poll(Reactor::forever).error) {
      std::fprintf(stderr, "redis_client: poll: %s\n", error.message().c_str());
      return 1;
    }
  }
  if (session.failed()) return 1;
  if (plan.benchmark) {
    const double seconds = session.seconds();
    std::printf("%ld replies in %.3f s, %.0f per second\n", plan.times, seconds,
                static_cast<double>(plan.times) / seconds);
  }
  return 0;
}

// None when the words make no sense.
std::optional<Plan> parsePlan(std::vector<std::string> words) {
  Plan plan;
  if (const auto timeout = takeOption(words, "--timeout")) {
    const auto limit = parseNumber<int>(*timeout, 1);
    if (!limit) return std::nullopt;
    plan.firstReplyLimit = std::chrono::milliseconds(*limit);
  }
  if (words.size() < 3) return std::nullopt;
  const auto port = kairos::examples::parsePort(words[1]);
  if (!port) return std::nullopt;
  plan.host = words[0];
  plan.port = *port;
  plan.command.assign(words.begin() + 2, words.end());
  if (plan.command[0] == "--bench") {
    const std::string number = plan.command.size() == 2 ? plan.command[1] : "";
    plan.times = parseNumber<long>(number, 1).value_or(0);
    plan.command = {"PING"};
    plan.benchmark = true;
  }
  return plan.times > 0 ? std::optional(plan) : std::nullopt;
}

}  // namespace

int main(int argc, char** argv) {
  const auto plan = parsePlan({argv + 1, argv + argc});
  if (plan) return run(*plan);
  std::fprintf(stderr, "usage: %s [--timeout MS] HOST PORT COMMAND [ARGUMENT...]\n", argv[0]);
  std::fprintf(stderr, "       %s [--timeout MS] HOST PORT --bench N\n", argv[0]);
  std::fputs("HOST is an address: hiredis would block while it looks up a name.\n", stderr);
  return 2;
}
