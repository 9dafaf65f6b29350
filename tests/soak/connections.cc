// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The programs that are exchanges with an echo server, in another number and size.
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <iterator>
#include <string>
#include <vector>

#include "kairos/tests/soak/chaos.h"
#include "kairos/tests/soak/echo_server.h"
#include "kairos/tests/soak/exchanges.h"
#include "kairos/tests/soak/programs.h"
#include "kairos/tests/soak/raw_client.h"
#include "kairos/tests/soak/watch.h"
#include "kairos/tests/support/process_state.h"

namespace kairos::soak {
namespace {

constexpr unsigned descriptorsMax = 64;

std::string perSecond(const Figures& figures, const Budget& budget, double each, const char* unit) {
  char text[64];
  std::snprintf(text, sizeof text, "%.0f%s",
                static_cast<double>(figures.ok) * each / budget.spent(), unit);
  return text;
}

// Exchanges with a server whose descriptors and memory are the figures.
Figures exchange(const char* name, const Budget& budget, const Exchanges::Options& options,
                 const EchoServer::Options& serverOptions = {}) {
  Figures figures{.name = name};
  EchoServer server(serverOptions);
  ServerWatch watch(server, figures);
  const std::size_t ours = openDescriptors(::getpid());
  {
    Exchanges exchanges(server, options);
    chaos(serverOptions.chaosSeed);
    exchanges.run(budget, figures, [&] { watch.take(); });
    chaos(0);
  }
  if (openDescriptors(::getpid()) != ours) figures.failure = "the clients leave descriptors";
  watch.finish();
  return figures;
}

}  // namespace

Figures churn(const Budget& budget) {
  Figures figures = exchange("churn", budget, {.atOnce = 200, .bytes = 1000});
  figures.more = perSecond(figures, budget, 1, " connections/s");
  return figures;
}

Figures bulk(const Budget& budget) {
  const std::uint64_t bytes = budget.seconds() < 10 ? 8'000'000 : 200'000'000;
  Figures figures = exchange("bulk", budget, {.atOnce = 8, .bytes = bytes});
  figures.more = perSecond(figures, budget, static_cast<double>(bytes) / 1e6, " MB/s each way");
  figures.demand(figures.rssAfter < 10'240 || underSanitizer(), "the server takes 10 MB");
  return figures;
}

// The clients of the next burst come as those of the one before go.
Figures burst(const Budget& budget) {
  const std::size_t atOnce = budget.seconds() < 5 ? 300 : 2000;
  Figures figures = exchange("burst", budget, {.atOnce = atOnce, .bytes = 100'000});
  figures.more = perSecond(figures, budget, 0.1, " MB/s each way");
  return figures;
}

// How long newcomers wait after those who had all descriptors have gone, in ms.
double recovery(const EchoServer& server, Figures& figures) {
  constexpr std::size_t waiting = 20;
  std::vector<RawClient> clients;
  for (std::size_t i = 0; i < descriptorsMax + waiting; ++i) clients.emplace_back(server.address());
  std::vector<RawClient> late(std::make_move_iterator(clients.end() - waiting),
                              std::make_move_iterator(clients.end()));
  ::usleep(100'000);  // the server finds that it has none left, and rests
  clients.clear();
  const Budget time(1);
  for (RawClient& each : late) {
    if (!each.exchange()) ++figures.lost;
  }
  return time.spent() * 1000;
}

// Two hundred clients want a server that may have 64 descriptors. The time of the server's process
// is that of the best part of five, so that what others do to the machine counts less.
Figures fewDescriptors(const Budget& budget) {
  constexpr int parts = 5;
  Figures figures{.name = "fewDescriptors"};
  EchoServer server({.descriptorsMax = descriptorsMax});
  ServerWatch watch(server, figures);
  Exchanges exchanges(server, {.atOnce = 200, .bytes = 100, .hold = std::chrono::milliseconds(50)});
  double busy = 1;
  for (int part = 0; part < parts; ++part) {
    const Budget some(budget.seconds() / parts);
    const std::int64_t before = cpuNanoseconds(server.process());
    exchanges.run(some, figures, [&] {
      if (part == 0) watch.take();
    });
    const auto used = static_cast<double>(cpuNanoseconds(server.process()) - before);
    busy = std::min(busy, used / 1e9 / some.spent());
  }
  const double recoveryMs = recovery(server, figures);
  char text[100];
  std::snprintf(text, sizeof text, "%.1f%% of a processor, served %.0f ms after room was made",
                busy * 100, recoveryMs);
  figures.more = text;
  figures.demand(busy <= (budget.judgesRatios() ? 0.05 : 0.5), "it spins");
  figures.demand(!budget.judgesRatios() || recoveryMs < 1100, "it does not recover");
  watch.finish();
  return figures;
}

// A new seed for each part.
Figures disturbed(const Budget& budget) {
  const std::uint32_t seeds = budget.judgesRatios() ? 20 : 5;
  Figures all{.name = "disturbed"};
  for (std::uint32_t seed = 1; seed <= seeds; ++seed) {
    const Figures figures = exchange("disturbed", Budget(budget.seconds() / seeds),
                                     {.atOnce = 50, .bytes = 50'000}, {.chaosSeed = seed});
    all.ok += figures.ok;
    all.lost += figures.lost;
    all.corrupt += figures.corrupt;
    all.errors += figures.errors;
    all.fdsBefore = figures.fdsBefore;
    all.fdsAfter = figures.fdsAfter;
    all.rssBefore = figures.rssBefore;
    all.rssAfter = figures.rssAfter;
    if (!figures.passed()) {
      all.failure = "seed " + std::to_string(seed) + ": " + figures.line();
      break;
    }
  }
  all.more = perSecond(all, budget, 1, " connections/s");
  return all;
}

}  // namespace kairos::soak
