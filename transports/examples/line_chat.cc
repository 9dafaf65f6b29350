// SPDX-License-Identifier: MIT OR Apache-2.0
//
// A chat of lines over TCP or unix sockets. Try `line_chat 127.0.0.1:7777`, then `nc 127.0.0.1
// 7777` twice. What one says, all the others hear.
//
// It shows the habits of a server on transports: operations as members of what they belong to, a
// read that starts the next, one write at a time with the rest put together behind it, and what to
// do with a client who does not listen.

#include <cstdio>
#include <list>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "kairos/reactor/reactor.h"
#include "kairos/transports/address.h"
#include "kairos/transports/error.h"
#include "kairos/transports/stream_server.h"
#include "kairos/transports/stream_transport.h"
#include "kairos/transports/transport_context.h"

namespace {

using kairos::StreamTransport;

constexpr kairos::ReadLimit lineLimit{.limit = 4096};

// What is kept for a client who does not take it; then the client has to go.
constexpr std::size_t unsentBytesMax = 1048576;

int report(std::string_view what, std::error_code error) {
  std::fprintf(stderr, "line_chat: %.*s: %s\n", static_cast<int>(what.size()), what.data(),
               error.message().c_str());
  return 1;
}

class Room;

class Client {
 public:
  Client(Room& room, StreamTransport stream, std::string name)
      : room_(room), stream_(std::move(stream)), name_(std::move(name)) {}

  void listen();
  void hear(std::string_view words);
  const std::string& name() const { return name_; }

 private:
  static void onLine(void* udata) { static_cast<Client*>(udata)->say(); }
  static void onSent(void* udata) { static_cast<Client*>(udata)->sendMore(); }

  void say();
  void sendMore();

  Room& room_;
  StreamTransport stream_;
  const std::string name_;
  kairos::ReadOperation read_;
  kairos::WriteOperation write_;
  std::string unsent_;
};

class Room {
 public:
  explicit Room(kairos::StreamServer server) : server_(std::move(server)) {}

  std::error_code open() { return server_.accept(accept_, onNewcomer, this); }
  void tellOthers(const Client& speaker, std::string_view words);
  void leave(const Client& client);

 private:
  static void onNewcomer(void* udata) { static_cast<Room*>(udata)->welcome(); }
  void welcome();

  kairos::StreamServer server_;
  kairos::AcceptOperation accept_;
  std::list<Client> clients_;
  std::size_t newcomers_ = 0;
};

// A start call fails only when the stream was closed, or misused: then the client goes.
void Client::listen() {
  if (stream_.readLine(read_, lineLimit, onLine, this)) room_.leave(*this);
}

// After leave() this client does not exist any more.
void Client::say() {
  const bool isOver = read_.error || (read_.atEnd && read_.data.empty());
  if (isOver) return room_.leave(*this);
  room_.tellOthers(*this, read_.data);
  listen();
}

// The close ends the read that is pending, which makes the client leave.
void Client::hear(std::string_view words) {
  unsent_ += words;
  if (unsent_.size() > unsentBytesMax) return stream_.close();
  if (!write_.isPending()) sendMore();
}

void Client::sendMore() {
  if (write_.error) return stream_.close();
  if (unsent_.empty()) return;
  if (stream_.writeOwned(write_, std::exchange(unsent_, {}), onSent, this)) stream_.close();
}

void Room::welcome() {
  if (accept_.error) {
    report("accepting rests", accept_.error);
  } else {
    const std::string name = "guest " + std::to_string(++newcomers_);
    clients_.emplace_back(*this, std::move(accept_.stream), name);
    Client& newcomer = clients_.back();
    newcomer.hear("you are " + name + "\n");
    tellOthers(newcomer, "(has come)");
    newcomer.listen();
  }
  if (const auto error = open()) report("accepting ends", error);
}

void Room::tellOthers(const Client& speaker, std::string_view words) {
  const std::string line = speaker.name() + ": " + std::string(words) + "\n";
  for (Client& client : clients_) {
    if (&client != &speaker) client.hear(line);
  }
}

void Room::leave(const Client& client) {
  tellOthers(client, "(has gone)");
  clients_.remove_if([&client](const Client& each) { return &each == &client; });
}

int serve(const kairos::Address& address) {
  kairos::Reactor reactor;
  kairos::TransportContext context(reactor);
  kairos::StreamServer server;
  if (const auto error = kairos::StreamServer::listen(context, address, {}, server)) {
    return report("cannot listen on " + address.toString(), error);
  }
  kairos::Address bound;
  if (const auto error = server.localAddress(bound)) return report("no address", error);
  Room room(std::move(server));
  if (const auto error = room.open()) return report("cannot accept", error);
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
  if (argc != 2 || kairos::Address::parse(argv[1], address)) {
    std::fprintf(stderr, "usage: %s ADDRESS, such as 127.0.0.1:7777, [::1]:0 or unix:/run/chat\n",
                 argv[0]);
    return 2;
  }
  return serve(address);
}
