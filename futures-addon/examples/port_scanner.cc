// SPDX-License-Identifier: MIT OR Apache-2.0
// Finds the ports on which somebody listens: `port_scanner 127.0.0.1 1 1024`.
//
// It shows how many coroutines share a limit: a semaphore lets 64 of them connect at a time, each
// with a limit of time, while another draws how far they have come.

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "kairos/futures-addon/as_future.h"
#include "kairos/futures-addon/async_semaphore.h"
#include "kairos/futures-addon/future.h"
#include "kairos/futures-addon/group.h"
#include "kairos/futures-addon/loop.h"
#include "kairos/futures-addon/sleep.h"
#include "kairos/futures-addon/timeout.h"
#include "kairos/futures-addon/transports.h"
#include "kairos/reactor/examples/arguments.h"

namespace {

using kairos::Future;
using kairos::Loop;

constexpr std::size_t connectsMax = 64;
constexpr std::chrono::seconds patience(1);

struct Scan {
  Loop loop;
  kairos::AsyncSemaphore places{loop.futureContext(), connectsMax};
  std::size_t done = 0;
  std::size_t total = 0;

  kairos::FutureContext& futureContext() { return loop.futureContext(); }
};

// None: somebody listens. Who does not answer in time is timed_out.
Future<std::error_code> tryPort(Scan& scan, kairos::Address address) {
  auto place = co_await scan.places.guard();
  auto connecting = asFuture(scan.futureContext(),
                             noThrow(kairos::connect(scan.loop.transportContext(), address)));
  const bool isInTime = co_await kairos::withTimeout(connecting, patience);
  place.release();
  ++scan.done;
  co_return isInTime ? connecting.read().error : std::make_error_code(std::errc::timed_out);
}

// Else the error tells nothing of the port.
bool isClosed(std::error_code error) {
  return error == std::errc::connection_refused || error == std::errc::timed_out;
}

void draw(const Scan& scan) {
  constexpr std::size_t width = 40;
  const std::size_t filled = scan.done * width / scan.total;
  const std::string bar = std::string(filled, '#') + std::string(width - filled, '.');
  std::fprintf(stderr, "\r[%s] %zu/%zu", bar.c_str(), scan.done, scan.total);
}

Future<> drawUntilDone(Scan& scan) {
  while (scan.done < scan.total) {
    draw(scan);
    co_await kairos::sleepAsync(scan.futureContext(), std::chrono::milliseconds(100));
  }
  draw(scan);
  std::fputs("\n", stderr);
}

// True: all were tried.
Future<bool> run(Scan& scan, const std::vector<kairos::Address>& addresses) {
  scan.total = addresses.size();
  std::vector<Future<std::error_code>> all;
  for (const auto& address : addresses) all.push_back(tryPort(scan, address));
  co_await drawUntilDone(scan);
  std::size_t unknown = 0;
  std::error_code why;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const std::error_code error = co_await all[i];
    if (!error) std::printf("%s\n", addresses[i].toString().c_str());
    if (!error || isClosed(error)) continue;
    ++unknown;
    why = error;
  }
  if (unknown > 0) {
    std::fprintf(stderr, "%zu ports could not be tried: %s\n", unknown, why.message().c_str());
  }
  co_return unknown == 0;
}

// The addresses of all ports; none: that makes no sense.
std::vector<kairos::Address> parse(const std::string& host, const char* first, const char* last) {
  const auto from = kairos::examples::parseNumber<std::uint16_t>(first, 1);
  const auto to = kairos::examples::parseNumber<std::uint16_t>(last, 1);
  if (!from || !to) return {};
  std::vector<kairos::Address> addresses;
  const bool isIpv6 = host.find(':') != std::string::npos;
  const std::string prefix = (isIpv6 ? "[" + host + "]" : host) + ":";
  for (unsigned port = *from; port <= *to; ++port) {
    kairos::Address address;
    if (kairos::Address::parse(prefix + std::to_string(port), address)) return {};
    addresses.push_back(address);
  }
  return addresses;
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<kairos::Address> addresses;
  if (argc == 4) addresses = parse(argv[1], argv[2], argv[3]);
  if (addresses.empty()) {
    std::fprintf(stderr, "usage: %s IP_ADDRESS FIRST_PORT LAST_PORT\n", argv[0]);
    return 2;
  }
  Scan scan;
  return scan.loop.waitFor(run(scan, addresses)) ? 0 : 1;
}
