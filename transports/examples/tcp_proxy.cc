// SPDX-License-Identifier: MIT OR Apache-2.0
// Passes connections on to another address, both ways. Try `tcp_proxy 127.0.0.1:8080 TARGET`, where
// both are addresses such as 127.0.0.1:80, [::1]:80 or unix:/run/server.
//
// It shows how two streams are tied together: a read that waits until the write before it is done
// keeps memory bounded, whoever is slow; an end is passed on as an end while the other direction
// goes on; a reset is passed on as a reset.

#include <cstdio>
#include <list>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "kairos/reactor/reactor.h"
#include "kairos/transports/address.h"
#include "kairos/transports/connect.h"
#include "kairos/transports/error.h"
#include "kairos/transports/socket_options.h"
#include "kairos/transports/stream_server.h"
#include "kairos/transports/stream_transport.h"
#include "kairos/transports/transport_context.h"

namespace {

using kairos::StreamTransport;

int report(std::string_view what, std::error_code error) {
  std::fprintf(stderr, "tcp_proxy: %.*s: %s\n", static_cast<int>(what.size()), what.data(),
               error.message().c_str());
  return 1;
}

// Makes the close a reset, where the family has one.
void resetOnClose(const StreamTransport& stream) {
  static_cast<void>(kairos::setResetOnClose(stream.fd(), true));
}

class Tunnel;

// One direction of a tunnel. What was read stays in the buffer of its stream until it is written:
// the next read is started then, and not before.
class Flow {
 public:
  Flow(Tunnel& tunnel, StreamTransport& from, StreamTransport& to)
      : tunnel_(tunnel), from_(from), to_(to) {}

  std::error_code start() { return from_.readOnce(read_, onRead, this); }
  bool isOver() const { return isOver_; }

 private:
  static void onRead(void* udata) { static_cast<Flow*>(udata)->pass(); }
  static void onWritten(void* udata) { static_cast<Flow*>(udata)->written(); }
  static void onShutDown(void* udata) { static_cast<Flow*>(udata)->ended(); }

  void pass();
  void written();
  void ended();

  Tunnel& tunnel_;
  StreamTransport& from_;
  StreamTransport& to_;
  kairos::ReadOperation read_;
  kairos::WriteOperation write_;
  bool isOver_ = false;
};

class Proxy;

// A client and its connection to the target.
class Tunnel {
 public:
  Tunnel(Proxy& proxy, StreamTransport client) : proxy_(proxy), client_(std::move(client)) {}

  std::error_code open(kairos::TransportContext& context, const kairos::Address& target);

  // After each of these the tunnel may not exist any more.
  void flowEnded();
  void broken();

 private:
  static void onConnected(void* udata) { static_cast<Tunnel*>(udata)->connected(); }
  void connected();

  Proxy& proxy_;
  StreamTransport client_;
  StreamTransport target_;
  kairos::ConnectOperation connect_;
  Flow up_{*this, client_, target_};
  Flow down_{*this, target_, client_};
};

class Proxy {
 public:
  Proxy(kairos::TransportContext& context, kairos::StreamServer server,
        const kairos::Address& target)
      : context_(context), server_(std::move(server)), target_(target) {}

  std::error_code open() { return server_.start(accept_, onNewcomer, this); }
  void close(const Tunnel& tunnel);

 private:
  static void onNewcomer(void* udata) { static_cast<Proxy*>(udata)->welcome(); }
  void welcome();

  kairos::TransportContext& context_;
  kairos::StreamServer server_;
  const kairos::Address target_;
  kairos::AcceptOperation accept_;
  std::list<Tunnel> tunnels_;
};

void Flow::pass() {
  if (read_.error) return tunnel_.broken();
  const auto error = read_.data.empty() ? to_.shutdown(write_, onShutDown, this)
                                        : to_.write(write_, read_.data, onWritten, this);
  if (error) tunnel_.broken();
}

void Flow::written() {
  if (write_.error || start()) tunnel_.broken();
}

void Flow::ended() {
  if (write_.error) return tunnel_.broken();
  isOver_ = true;
  tunnel_.flowEnded();
}

std::error_code Tunnel::open(kairos::TransportContext& context, const kairos::Address& target) {
  return kairos::connect(context, connect_, target, {.noDelay = true}, onConnected, this);
}

// Nothing was read from the client yet, so that nothing piles up while the target is silent.
void Tunnel::connected() {
  if (connect_.error) {
    report("the target cannot be reached", connect_.error);
    return broken();
  }
  target_ = std::move(connect_.stream);
  if (up_.start() || down_.start()) broken();
}

void Tunnel::flowEnded() {
  if (up_.isOver() && down_.isOver()) proxy_.close(*this);
}

void Tunnel::broken() {
  resetOnClose(client_);
  resetOnClose(target_);
  proxy_.close(*this);
}

void Proxy::welcome() {
  if (accept_.error) {
    report(accept_.isPending() ? "accepting rests" : "accepting ends", accept_.error);
    return;
  }
  Tunnel& tunnel = tunnels_.emplace_back(*this, std::move(accept_.stream));
  if (const auto error = tunnel.open(context_, target_)) {
    report("the target cannot be reached", error);
    close(tunnel);
  }
}

void Proxy::close(const Tunnel& tunnel) {
  tunnels_.remove_if([&tunnel](const Tunnel& each) { return &each == &tunnel; });
}

int serve(const kairos::Address& address, const kairos::Address& target) {
  kairos::Reactor reactor;
  kairos::TransportContext context(reactor);
  kairos::StreamServer server;
  if (const auto error =
          kairos::StreamServer::listen(context, address, {.noDelay = true}, server)) {
    return report("cannot listen on " + address.toString(), error);
  }
  kairos::Address bound;
  if (const auto error = server.localAddress(bound)) return report("no address", error);
  Proxy proxy(context, std::move(server), target);
  if (const auto error = proxy.open()) return report("cannot accept", error);
  std::printf("listening on %s\n", bound.toString().c_str());
  std::fflush(stdout);
  for (;;) {
    if (const auto error = reactor.poll(kairos::Reactor::forever).error) {
      return report("poll", error);
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  kairos::Address address;
  kairos::Address target;
  if (argc != 3 || kairos::Address::parse(argv[1], address) ||
      kairos::Address::parse(argv[2], target)) {
    std::fprintf(stderr, "usage: %s LISTEN_ADDRESS TARGET_ADDRESS, such as [::1]:8080\n", argv[0]);
    return 2;
  }
  return serve(address, target);
}
