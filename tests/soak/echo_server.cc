// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/tests/soak/echo_server.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <set>
#include <utility>

#include "kairos/reactor/reactor.h"
#include "kairos/tests/soak/chaos.h"
#include "kairos/transports/stream_server.h"
#include "kairos/transports/stream_transport.h"
#include "kairos/transports/transport_context.h"

namespace kairos::soak {
namespace {

[[noreturn]] void fail(const char* what) {
  std::fprintf(stderr, "soak: %s\n", what);
  std::_Exit(1);
}

void require(bool holds, const char* what) {
  if (!holds) fail(what);
}

class Session {
 public:
  explicit Session(StreamTransport stream) : stream_(std::move(stream)) {}

  void read() {
    if (stream_.readOnce(read_, onRead, this)) delete this;
  }

 private:
  static void onRead(void* udata) { static_cast<Session*>(udata)->echo(); }
  static void onWritten(void* udata) { static_cast<Session*>(udata)->goOn(); }

  void echo() {
    if (read_.error || read_.atEnd || stream_.write(write_, read_.data, onWritten, this)) {
      delete this;
    }
  }
  void goOn() { write_.error ? delete this : read(); }

  StreamTransport stream_;
  ReadOperation read_;
  WriteOperation write_;
};

class Server {
 public:
  explicit Server(Fd control) : control_(control) {
    Address any;
    require(!Address::parse("0.0.0.0:0", any), "the address is read");
    require(!StreamServer::listen(context_, any, {}, server_), "the server listens");
    require(!reactor_.addReader(control, onControl, this), "the control pipe is watched");
    accept();
  }

  std::uint16_t port() const {
    Address bound;
    require(!server_.localAddress(bound), "the server has an address");
    return bound.port();
  }

  void run() {
    while (!stopped_) require(!reactor_.poll(Reactor::forever).error, "poll");
  }

 private:
  static void onControl(void* udata) { static_cast<Server*>(udata)->stopped_ = true; }
  static void onNewcomer(void* udata) { static_cast<Server*>(udata)->welcome(); }

  // An error is told, and accepting goes on when started again.
  void welcome() {
    if (!accept_.error) (new Session(std::move(accept_.stream)))->read();
    accept();
  }
  void accept() { require(!server_.accept(accept_, onNewcomer, this), "accept"); }

  Fd control_;
  Reactor reactor_;
  TransportContext context_{reactor_};
  StreamServer server_;
  AcceptOperation accept_;
  bool stopped_ = false;
};

void limitDescriptors(unsigned most) {
  rlimit limit{};
  require(::getrlimit(RLIMIT_NOFILE, &limit) == 0, "getrlimit");
  limit.rlim_cur = most == 0 ? limit.rlim_max : most;
  require(::setrlimit(RLIMIT_NOFILE, &limit) == 0, "setrlimit");
}

// Runs no destructor of the parent's at its end.
[[noreturn]] void serve(Fd control, Fd answer, const EchoServer::Options& options) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  limitDescriptors(options.descriptorsMax);
  chaos(options.chaosSeed);
  {
    Server server(control);
    const std::uint16_t port = server.port();
    require(::write(answer, &port, sizeof port) == sizeof port, "the port is told");
    ::close(answer);
    server.run();
  }
  std::_Exit(0);
}

}  // namespace

EchoServer::EchoServer(const Options& options) {
  int control[2];
  int answer[2];
  require(::pipe2(control, O_CLOEXEC) == 0 && ::pipe2(answer, O_CLOEXEC) == 0, "pipe2");
  process_ = ::fork();
  require(process_ >= 0, "fork");
  if (process_ == 0) {
    ::close(control[1]);
    ::close(answer[0]);
    serve(control[0], answer[1], options);
  }
  ::close(control[0]);
  ::close(answer[1]);
  control_ = UniqueFd(control[1]);
  require(::read(answer[0], &port_, sizeof port_) == sizeof port_, "the server tells its port");
  char end = 0;
  require(::read(answer[0], &end, 1) == 0, "the server closes what it does not need");
  ::close(answer[0]);
}

Address EchoServer::address(std::uint64_t number) const {
  return Address::ipv4({127, 0, static_cast<unsigned char>(number % 200), 1}, port_);
}

bool EchoServer::stop() {
  if (process_ < 0) return true;
  control_ = UniqueFd();
  int status = 0;
  ::waitpid(std::exchange(process_, -1), &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace kairos::soak
