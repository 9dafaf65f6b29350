// SPDX-License-Identifier: MIT OR Apache-2.0
//
// A TCP echo server on raw descriptors. Try `echo_server 7777`, then `nc 127.0.0.1 7777`.
//
// It shows the habits of a server on a reactor: how to accept, to read and write without ever
// blocking, to hold back a client that sends faster than it takes, to survive running out of
// descriptors, and to end on a signal.

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/signalfd.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <unordered_map>
#include <utility>

#include "kairos/reactor/examples/arguments.h"
#include "kairos/reactor/examples/tcp_listener.h"
#include "kairos/reactor/examples/unique_fd.h"
#include "kairos/reactor/reactor.h"

namespace {

using kairos::Fd;
using kairos::Reactor;
using kairos::examples::UniqueFd;

// The most that is read at once, and that is kept for a client that does not take it.
constexpr std::size_t chunkBytes = 65536;

// Newcomers taken per callback: a storm of them must not keep the clients waiting.
constexpr int acceptsPerCallback = 64;

// How long accepting rests when there is no descriptor left for a newcomer.
constexpr std::chrono::milliseconds acceptPause{100};

std::error_code lastError() { return {errno, std::generic_category()}; }

// Says what went wrong. Returns the exit code for it.
int report(const std::string& what, std::error_code error) {
  std::fprintf(stderr, "echo_server: %s: %s\n", what.c_str(), error.message().c_str());
  return 1;
}

class Connection;
using Connections = std::unordered_map<Fd, std::unique_ptr<Connection>>;

// One client. It is registered for one direction at a time: for reading, or, while the client is
// slow to take its echo, for writing. So there is never more than one chunk to keep, and the one
// who sends too fast is slowed down by TCP itself.
class Connection {
 public:
  // Takes itself out of `connections` when it is over.
  Connection(Reactor& reactor, UniqueFd socket, Connections& connections)
      : reactor_(reactor), socket_(std::move(socket)), connections_(connections) {}

  ~Connection() {
    reactor_.removeReader(fd());
    reactor_.removeWriter(fd());
  }

  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  std::error_code start() { return reactor_.addReader(fd(), onReadable, this); }

 private:
  static void onReadable(void* udata) { static_cast<Connection*>(udata)->echo(); }
  static void onWritable(void* udata) { static_cast<Connection*>(udata)->sendRest(); }

  Fd fd() const { return socket_.get(); }

  // Destroys *this: the caller returns at once.
  void end() { connections_.erase(fd()); }

  void echo();
  void sendRest();
  std::optional<std::size_t> trySend(std::string_view bytes) const;

  Reactor& reactor_;
  UniqueFd socket_;
  Connections& connections_;
  std::string unsent_;
};

// One read per callback: whoever has more is called again in the next poll, after the others.
void Connection::echo() {
  std::array<char, chunkBytes> chunk;
  const ssize_t received = ::recv(fd(), chunk.data(), chunk.size(), 0);
  if (received < 0 && (errno == EAGAIN || errno == EINTR)) return;
  // At its end of file the client has been sent all that it is owed, because nothing is read while
  // something is unsent; the kernel delivers what it still holds after the close.
  if (received <= 0) return end();

  std::string_view rest(chunk.data(), static_cast<std::size_t>(received));
  const auto sent = trySend(rest);
  if (!sent) return end();
  rest.remove_prefix(*sent);
  if (rest.empty()) return;

  unsent_ = rest;
  // The writer is added before the reader goes: changing the directions of a registered descriptor
  // is cheaper than registering it anew.
  if (reactor_.addWriter(fd(), onWritable, this)) return end();
  reactor_.removeReader(fd());
}

void Connection::sendRest() {
  const auto sent = trySend(unsent_);
  if (!sent) return end();
  unsent_.erase(0, *sent);
  if (!unsent_.empty()) return;
  if (reactor_.addReader(fd(), onReadable, this)) return end();
  reactor_.removeWriter(fd());
}

// How much the kernel took, which may be less than all and may be nothing; none if the connection
// is broken. Without MSG_NOSIGNAL a client that hung up would end the whole server by SIGPIPE.
std::optional<std::size_t> Connection::trySend(std::string_view bytes) const {
  const ssize_t sent = ::send(fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (sent >= 0) return static_cast<std::size_t>(sent);
  if (errno == EAGAIN || errno == EINTR) return 0;
  return std::nullopt;
}

// Accepts, and owns the connections.
class Server {
 public:
  Server(Reactor& reactor, UniqueFd listener) : reactor_(reactor), listener_(std::move(listener)) {}

  ~Server() {
    reactor_.removeReader(listener_.get());
    reactor_.removeTimer(resumeTimer_);
  }

  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  std::error_code start() { return reactor_.addReader(listener_.get(), onAcceptable, this); }

 private:
  static void onAcceptable(void* udata) { static_cast<Server*>(udata)->acceptSome(); }
  static void onPauseOver(void* udata) { static_cast<Server*>(udata)->resume(); }

  void acceptSome();
  void welcome(UniqueFd socket);
  void pause(std::error_code reason);
  void resume();

  Reactor& reactor_;
  UniqueFd listener_;
  kairos::TimerId resumeTimer_ = kairos::TimerId::none;
  bool pauseReported_ = false;
  Connections connections_;
};

void Server::acceptSome() {
  for (int i = 0; i < acceptsPerCallback; ++i) {
    UniqueFd socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (socket.valid()) {
      welcome(std::move(socket));
      continue;
    }
    if (errno == EAGAIN) return;
    // The newcomer gave up while it was waiting, which says nothing about the next one.
    if (errno == ECONNABORTED || errno == EINTR) continue;
    return pause(lastError());
  }
}

void Server::welcome(UniqueFd socket) {
  // Echoes are small; they are not to wait for more to fill a packet with. Failing is harmless.
  const int on = 1;
  ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);

  const Fd fd = socket.get();
  auto connection = std::make_unique<Connection>(reactor_, std::move(socket), connections_);
  if (const auto error = connection->start()) {
    report("cannot serve a client", error);
    return;
  }
  connections_.emplace(fd, std::move(connection));
  pauseReported_ = false;
}

// Out of descriptors or memory, the newcomer stays in the queue of the listener, which therefore
// stays readable: left registered, it would call back without end.
void Server::pause(std::error_code reason) {
  if (!std::exchange(pauseReported_, true)) report("accepting rests", reason);
  resumeTimer_ = reactor_.addTimer(acceptPause, onPauseOver, this);
  if (resumeTimer_ != kairos::TimerId::none) reactor_.removeReader(listener_.get());
}

void Server::resume() {
  if (const auto error = start()) pause(error);
}

// SIGINT and SIGTERM as something to read: the reactor knows no signals, but a signalfd is a
// descriptor like any other, and its callback may do what a signal handler may not.
class StopSignals {
 public:
  explicit StopSignals(Reactor& reactor) : reactor_(reactor) {}
  ~StopSignals() { reactor_.removeReader(signals_.get()); }

  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  std::error_code start();
  bool arrived() const { return arrived_; }

 private:
  static void onReadable(void* udata) { static_cast<StopSignals*>(udata)->arrived_ = true; }

  Reactor& reactor_;
  UniqueFd signals_;
  bool arrived_ = false;
};

std::error_code StopSignals::start() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  // Blocked, they wait in the descriptor instead of ending the program.
  if (::sigprocmask(SIG_BLOCK, &set, nullptr) != 0) return lastError();
  signals_ = UniqueFd(::signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC));
  if (!signals_.valid()) return lastError();
  return reactor_.addReader(signals_.get(), onReadable, this);
}

int serve(UniqueFd listener) {
  Reactor reactor;
  StopSignals stop(reactor);
  if (const auto error = stop.start()) return report("cannot watch for signals", error);

  const std::string name = kairos::examples::localName(listener.get());
  Server server(reactor, std::move(listener));
  if (const auto error = server.start()) return report("cannot accept", error);
  std::printf("listening on %s\n", name.c_str());
  std::fflush(stdout);

  while (!stop.arrived()) {
    if (const auto error = reactor.poll(Reactor::forever).error) return report("poll", error);
  }
  std::puts("stopped");
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const auto port = argc >= 2 ? kairos::examples::parsePort(argv[1]) : std::nullopt;
  if (!port || argc > 3) {
    std::fprintf(stderr, "usage: %s PORT [ADDRESS]\n", argv[0]);
    std::fputs("PORT is 0 to 65535, and 0 takes a free one; ADDRESS is 127.0.0.1 if not given.\n",
               stderr);
    return 2;
  }
  const std::string address = argc == 3 ? argv[2] : "127.0.0.1";
  std::error_code error;
  UniqueFd listener = kairos::examples::listenOn(address, *port, error);
  if (error) return report("cannot listen on " + address + " port " + argv[1], error);
  return serve(std::move(listener));
}
