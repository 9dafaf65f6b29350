// SPDX-License-Identifier: MIT OR Apache-2.0
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <string_view>
#include <vector>

#include "kairos/reactor/reactor.h"
#include "kairos/tests/soak/numbers.h"
#include "kairos/tests/soak/programs.h"
#include "kairos/transports/datagram_transport.h"
#include "kairos/transports/transport_context.h"

namespace kairos::soak {
namespace {

constexpr std::size_t batch = 32;  // as many as the receiver's socket holds for certain
constexpr std::size_t bytesMax = 1472;

// Datagram `number` is so long and begins its own stream of numbers; the number is not in it, for
// it may be empty: its place tells it.
std::size_t sizeOf(std::uint64_t number) { return (number * 2654435761) % (bytesMax + 1); }

// One transport sends batches to another, which compares; the next batch follows when all are in.
class Stream {
 public:
  explicit Stream(Figures& figures) : figures_(figures) {
    Address any;
    Address bound;
    if (Address::parse("127.0.0.1:0", any) ||
        DatagramTransport::bind(context_, any, {.bytesMax = 2048}, receiver_) ||
        receiver_.localAddress(bound) ||
        DatagramTransport::connect(context_, bound, {.bytesMax = 2048}, sender_)) {
      ++figures_.errors;
      return;
    }
    receive();
  }

  void run(const Budget& budget) {
    while (!budget.isOver() && figures_.errors == 0 && exchangeBatch()) {
    }
  }

 private:
  static void onSent(void*) {}
  static void onReceived(void* udata) { static_cast<Stream*>(udata)->compare(); }

  void receive() {
    if (receiver_.receive(receive_, onReceived, this)) ++figures_.errors;
  }

  bool exchangeBatch() {
    for (std::size_t i = 0; i < batch; ++i) {
      const std::size_t size = sizeOf(sent_ + i);
      Numbers(sent_ + i).fill(std::span(bytes_[i]).first(size));
      datagrams_[i] = {.data = {bytes_[i].data(), size}};
    }
    if (sender_.send(send_, datagrams_, onSent, this)) ++figures_.errors;
    sent_ += batch;
    const Budget patience(5);
    while ((received_ < sent_ || send_.isPending()) && !patience.isOver()) {
      reactor_.poll(std::chrono::milliseconds(100));
    }
    if (send_.error || send_.isPending()) ++figures_.errors;
    figures_.lost += sent_ - received_;
    return received_ == sent_;
  }

  void compare() {
    if (receive_.error) ++figures_.errors;
    for (const Datagram& each : receive_.datagrams) {
      const bool isRight =
          each.data.size() == sizeOf(received_) && Numbers(received_).match(each.data);
      ++(isRight ? figures_.ok : figures_.corrupt);
      ++received_;
    }
    receive();
  }

  Figures& figures_;
  Reactor reactor_;
  TransportContext context_{reactor_};
  DatagramTransport receiver_;
  DatagramTransport sender_;
  ReceiveOperation receive_;
  SendOperation send_;
  std::array<std::array<char, bytesMax>, batch> bytes_;
  std::array<Datagram, batch> datagrams_;
  std::uint64_t sent_ = 0;
  std::uint64_t received_ = 0;
};

}  // namespace

Figures datagrams(const Budget& budget) {
  Figures figures{.name = "datagrams"};
  figures.fdsBefore = openDescriptors(::getpid());
  {
    Stream stream(figures);
    stream.run(Budget(budget.seconds() / 10));
    figures.rssBefore = residentKilobytes(::getpid());
    stream.run(Budget(budget.seconds() * 0.9));
    figures.rssAfter = residentKilobytes(::getpid());
  }
  figures.fdsAfter = openDescriptors(::getpid());
  char text[64];
  std::snprintf(text, sizeof text, "%.0f datagrams/s",
                static_cast<double>(figures.ok) / budget.spent());
  figures.more = text;
  return figures;
}

}  // namespace kairos::soak
