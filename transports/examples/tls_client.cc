// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What `openssl s_client -quiet` does: sends standard input through TLS and prints what comes. Try
// `printf 'GET / HTTP/1.0\r\nHost: example.org\r\n\r\n' | tls_client example.org 443`.
//
// It shows the way from a name to a secure stream, dial() and then a handshake, and how two
// directions go on side by side, each at the pace of its slower end.

#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string_view>
#include <system_error>
#include <utility>

#include "kairos/reactor/reactor.h"
#include "kairos/transports/dial.h"
#include "kairos/transports/resolver.h"
#include "kairos/transports/stream_transport.h"
#include "kairos/transports/tls_stream.h"
#include "kairos/transports/transport_context.h"

namespace {

int report(std::string_view what, std::error_code error) {
  std::fprintf(stderr, "tls_client: %.*s: %s\n", static_cast<int>(what.size()), what.data(),
               error.message().c_str());
  return 1;
}

// Standard input, which may be a file: those are always ready, so no reactor watches them.
class Input {
 public:
  std::error_code open(kairos::TransportContext& context) {
    const auto error = kairos::StreamTransport::adopt(context, STDIN_FILENO, stream_);
    isFile_ = error == std::errc::operation_not_permitted;
    return isFile_ ? std::error_code() : error;
  }

  bool isFile() const { return isFile_; }
  kairos::StreamTransport& stream() { return stream_; }

  // Of a file: empty at its end.
  std::string_view readFile(std::error_code& error) {
    const ssize_t count = ::read(STDIN_FILENO, buffer_.data(), buffer_.size());
    if (count < 0) error = {errno, std::generic_category()};
    return {buffer_.data(), count > 0 ? static_cast<std::size_t>(count) : 0};
  }

 private:
  kairos::StreamTransport stream_;
  bool isFile_ = false;
  std::array<char, 16384> buffer_;
};

class Client {
 public:
  Client(kairos::TransportContext& context, const kairos::TlsContext& tls, const char* host)
      : context_(context), tls_(tls), host_(host) {}

  // A failure of a start call is one of the whole.
  std::error_code start(kairos::Resolver& resolver, const char* port) {
    if (const auto error = input_.open(context_)) return error;
    return kairos::dial(resolver, dial_, host_, port, {}, onDialed, this);
  }

  bool isDone() const { return isDone_; }
  int exitCode() const { return exitCode_; }

 private:
  static void onDialed(void* udata) { static_cast<Client*>(udata)->shakeHands(); }
  static void onSecure(void* udata) { static_cast<Client*>(udata)->talk(); }
  static void onInput(void* udata) { static_cast<Client*>(udata)->send(); }
  static void onSent(void* udata) { static_cast<Client*>(udata)->readInput(); }
  static void onReceived(void* udata) { static_cast<Client*>(udata)->print(); }
  static void onShutDown(void*) {}  // what comes of it is seen when reading

  void shakeHands();
  void talk();
  void readInput();
  void send();
  void sendSome(std::string_view bytes);
  void receive();
  void print();

  // Ends the program if there is an error.
  bool hasFailed(std::string_view what, std::error_code error) {
    if (error && !isDone_) finish(report(what, error));
    return static_cast<bool>(error);
  }
  void finish(int exitCode) {
    isDone_ = true;
    exitCode_ = exitCode;
  }

  kairos::TransportContext& context_;
  const kairos::TlsContext& tls_;
  const char* const host_;
  bool isDone_ = false;
  int exitCode_ = 0;
  Input input_;
  kairos::TlsStream stream_;
  kairos::DialOperation dial_;
  kairos::HandshakeOperation handshake_;
  kairos::ReadOperation inputRead_;
  kairos::ReadOperation read_;
  kairos::WriteOperation write_;
};

void Client::shakeHands() {
  if (hasFailed(host_, dial_.error)) return;
  auto error =
      kairos::TlsStream::client(context_, tls_, std::move(dial_.stream), host_, {}, stream_);
  if (!error) error = stream_.handshake(handshake_, onSecure, this);
  hasFailed("TLS", error);
}

void Client::talk() {
  if (hasFailed("handshake", handshake_.error)) return;
  receive();
  readInput();
}

// The next input is read when the last is sent.
void Client::readInput() {
  if (write_.error) return;
  if (!input_.isFile()) {
    hasFailed("input", input_.stream().readOnce(inputRead_, onInput, this));
    return;
  }
  std::error_code error;
  const std::string_view bytes = input_.readFile(error);
  if (!hasFailed("input", error)) sendSome(bytes);
}

void Client::send() {
  if (!hasFailed("input", inputRead_.error)) sendSome(inputRead_.data);
}

// After the last the peer is told that nothing follows.
void Client::sendSome(std::string_view bytes) {
  hasFailed("sending", bytes.empty() ? stream_.shutdown(write_, onShutDown, this)
                                     : stream_.write(write_, bytes, onSent, this));
}

void Client::receive() { hasFailed("receiving", stream_.readOnce(read_, onReceived, this)); }

void Client::print() {
  if (hasFailed("receiving", read_.error)) return;
  if (read_.atEnd) return finish(0);
  std::fwrite(read_.data.data(), 1, read_.data.size(), stdout);
  std::fflush(stdout);
  receive();
}

int run(const char* host, const char* port, const char* roots) {
  kairos::Reactor reactor;
  kairos::TransportContext context(reactor);
  kairos::TlsContext tls;
  if (const auto error = kairos::TlsContext::makeClient(tls)) return report("TLS", error);
  if (roots != nullptr) {
    if (const auto error = tls.trustFile(roots)) return report(roots, error);
  }
  kairos::Resolver resolver;
  if (const auto error = kairos::Resolver::make(context, {}, resolver)) {
    return report("resolver", error);
  }
  Client client(context, tls, host);
  if (const auto error = client.start(resolver, port)) return report(host, error);
  while (!client.isDone()) {
    if (const auto error = reactor.poll(kairos::Reactor::forever).error) {
      return report("poll", error);
    }
  }
  return client.exitCode();
}

}  // namespace

int main(int argc, char** argv) {
  const bool hasRoots = argc == 5 && std::strcmp(argv[3], "--ca") == 0;
  if (argc != 3 && !hasRoots) {
    std::fprintf(stderr, "usage: %s HOST PORT [--ca FILE]\n", argv[0]);
    return 2;
  }
  return run(argv[1], argv[2], hasRoots ? argv[4] : nullptr);
}
